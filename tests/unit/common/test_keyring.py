import threading
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.fernet import InvalidToken

from services.common import keyring
from services.common.config import CommonSettings, SettingsError
from services.common.keyring import KeyRing, Step, load_keyring, local_secret, main, rotate

OLD, NEW = "the old secret of 24 chars", "the new secret of 24 chars"


def test_each_purpose_has_its_own_key() -> None:
    ring = KeyRing((OLD,))
    assert ring.subkeys("session") != ring.subkeys("stream")


def test_what_the_old_secret_sealed_opens_after_rotation() -> None:
    sealed = KeyRing((OLD,)).fernet("cookies").encrypt(b"jar")
    assert KeyRing((NEW, OLD)).fernet("cookies").decrypt(sealed) == b"jar"


def test_what_a_dropped_secret_sealed_stays_closed() -> None:
    sealed = KeyRing((OLD,)).fernet("cookies").encrypt(b"jar")
    with pytest.raises(InvalidToken):
        KeyRing((NEW,)).fernet("cookies").decrypt(sealed)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match="16 characters"):
        load_keyring(CommonSettings(secret=("short",)))


def test_a_missing_secret_is_named_with_the_command_that_makes_one() -> None:
    with pytest.raises(SettingsError, match="openssl rand"):
        load_keyring(CommonSettings())


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{NEW}\n{OLD}\n")
    assert load_keyring(CommonSettings(secret_file=str(path))).subkeys("peer") == KeyRing((NEW, OLD)).subkeys("peer")


def test_a_secret_that_is_made_just_now_is_waited_for(tmp_path: Path) -> None:
    making = threading.Timer(0.3, local_secret, (tmp_path,))
    making.start()
    try:
        assert ring_of(tmp_path / "secret").subkeys("peer") == ring_of(tmp_path / "secret").subkeys("peer")
    finally:
        making.join()


def test_a_file_that_never_comes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "SECRET_WAIT_S", 0.2)
    with pytest.raises(SettingsError, match=r"WT_SECRET_FILE=.*: No such file"):
        ring_of(tmp_path / "secret")


def test_the_local_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first = local_secret(tmp_path / "data")
    assert local_secret(tmp_path / "data") == first
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o077 == 0


def test_no_secret_shows_in_a_repr() -> None:
    assert OLD not in repr(KeyRing((OLD,))) + repr(CommonSettings(secret=(OLD,)))


def test_in_a_rotation_everybody_understands_who_is_a_step_ahead_or_behind(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    local_secret(tmp_path)
    steps = [ring_of(path)]
    for step in ("add", "lead", "drop"):
        assert main([str(tmp_path), step]) == 0
        steps.append(ring_of(path))
    for before, after in pairwise(steps):
        for maker, reader in ((before, after), (after, before)):
            assert reader.fernet("cookies").decrypt(maker.fernet("cookies").encrypt(b"jar")) == b"jar"
    with pytest.raises(InvalidToken):
        steps[-1].fernet("cookies").decrypt(steps[0].fernet("cookies").encrypt(b"jar"))
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("step", ["lead", "drop"])
def test_a_rotation_begins_with_another_secret(tmp_path: Path, step: Step) -> None:
    before = local_secret(tmp_path)
    with pytest.raises(ValueError, match="add"):
        rotate(tmp_path / "secret", step)
    assert local_secret(tmp_path) == before


def ring_of(path: Path) -> KeyRing:
    return load_keyring(CommonSettings(secret_file=str(path)))
