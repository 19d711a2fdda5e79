"""Where an operator's command finds an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.common.config import CommonSettings, SettingsError
from services.local.valkey import Embedded
from services.operator.place import found, keyring


def test_the_embedded_server_is_found_by_the_settings_that_it_was_started_with(tmp_path: Path) -> None:
    embedded = Embedded(tmp_path / "redis", 12_345)
    embedded.prepare()
    assert found({"WT_DATA_DIR": str(tmp_path)})["WT_REDIS_URL"] == embedded.url


def test_an_address_that_is_set_goes_before_the_embedded_server(tmp_path: Path) -> None:
    Embedded(tmp_path / "redis", 12_345).prepare()
    environ = {"WT_DATA_DIR": str(tmp_path), "WT_REDIS_URL": "redis://elsewhere:6379/0"}
    assert found(environ) == environ


def test_a_folder_where_nothing_was_started_names_no_server(tmp_path: Path) -> None:
    assert "WT_REDIS_URL" not in found({"WT_DATA_DIR": str(tmp_path), "WT_REDIS_URL": ""})


def test_settings_that_name_no_port_are_said_to_be_wrong(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "valkey.conf").write_text("requirepass hush-hush\n")
    with pytest.raises(SettingsError, match="names no port") as raised:
        found({"WT_DATA_DIR": str(tmp_path)})
    assert "hush-hush" not in str(raised.value)


def test_the_secret_of_the_data_folder_is_taken_where_none_is_set(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is required"):
        keyring(CommonSettings(data_dir=tmp_path))
    (tmp_path / "secret").write_text("a secret of the data folder")
    ring = keyring(CommonSettings(data_dir=tmp_path))
    same = keyring(CommonSettings(secret=("a secret of the data folder",)))
    assert ring.subkeys("cookies") == same.subkeys("cookies")


def test_a_file_of_secrets_that_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        keyring(CommonSettings(data_dir=tmp_path, secret_file=str(tmp_path / "nothing")))
