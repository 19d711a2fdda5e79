"""Pins and versions: what this installation opens links with, and how old that is."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import yt_dlp.version

from services.resolver.javascript import MINIMUM_MAJOR, find_node, found_versions, node_version
from services.resolver.versions import Versions, installed
from tests.support.node import ROOT


def test_yt_dlp_and_its_scripts_are_installed_as_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["optional-dependencies"]["resolver"]
    versions = installed()
    assert f"yt-dlp=={versions.ytdlp}" in wanted
    assert f"yt-dlp-ejs=={versions.ejs}" in wanted
    # The [default] extra would let an installer fall back to an older yt-dlp without a word.
    assert not any(each.startswith("yt-dlp[") for each in wanted)
    assert versions.provider_plugin


def test_the_lock_holds_the_pinned_pair() -> None:
    lock = (ROOT / "requirements/resolver.txt").read_text()
    versions = installed()
    assert f"yt-dlp=={versions.ytdlp} " in lock
    assert f"yt-dlp-ejs=={versions.ejs} " in lock


def test_yt_dlp_accepts_the_scripts_that_are_pinned_beside_it() -> None:
    vendored = Path(yt_dlp.__file__).parent / "extractor/youtube/jsc/_builtin/vendor/_info.py"
    assert f"'{installed().ejs}'" in vendored.read_text() or f'"{installed().ejs}"' in vendored.read_text()


def test_the_age_of_yt_dlp_is_in_its_version() -> None:
    assert Versions("2026.10.26", "", "").age_days(date(2026, 11, 22)) == 27
    assert Versions("2026.10.26.123456", "", "").age_days(date(2026, 10, 26)) == 0
    for odd in ("", "1.2.3", "2026.13.40"):
        assert Versions(odd, "", "").age_days(date(2026, 11, 22)) is None


def test_a_node_is_found_that_yt_dlp_accepts_and_an_old_or_absent_one_is_not(tmp_path: Path) -> None:
    assert int(node_version(find_node()).split(".")[0]) >= MINIMUM_MAJOR
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v20.20.1\n")
    old.chmod(0o755)
    assert (find_node(str(old)), found_versions(str(old))) == ("", ["20.20.1"])
    assert (find_node("/nowhere/node"), found_versions("/nowhere/node"), node_version("")) == ("", [], "")
