"""The commands that a newcomer meets."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from services import __version__

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments: str) -> str:
    """What `make` prints."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout


def test_make_alone_lists_every_target_that_people_use() -> None:
    listed = make()
    for target in ("up", "test", "check", "format", "wire", "web", "extension", "bench", "images", "lock", "clean"):
        assert f"\033[1m{target:12}\033[0m " in listed, target


def test_make_passes_address_and_replicas_on() -> None:
    planned = make("--dry-run", "--assume-old", "web/dist/index.html", "up", "REPLICAS=3")
    assert planned.rstrip().endswith("-m services --replicas 3")


def prerequisites(*parts: str, path: Path) -> subprocess.CompletedProcess[str]:
    """The check, on a machine whose programs are those in `path`."""
    return subprocess.run(
        ["/bin/sh", str(ROOT / ".ci" / "prerequisites"), *parts],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def program(folder: Path, name: str, script: str) -> None:
    """Put a program into `folder`."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("part", "command"),
    [("python", "apt install python3 python3-venv"), ("node", "apt install nodejs npm")],
)
def test_a_missing_program_is_named_with_the_command_that_installs_it(tmp_path: Path, part: str, command: str) -> None:
    checked = prerequisites(part, path=tmp_path)
    assert checked.returncode == 1
    assert command in checked.stderr


def test_programs_of_the_tests_are_named_to_who_may_not_install_them(tmp_path: Path) -> None:
    program(tmp_path, "id", "echo 1000")
    checked = prerequisites("test", path=tmp_path)
    assert checked.returncode == 1
    assert "apt install chromium ffmpeg redis-server" in checked.stderr


def test_a_program_that_is_too_old_is_named_with_its_version(tmp_path: Path) -> None:
    program(tmp_path, "node", '[ "$1" = --version ] && echo v18.19.0 || exit 1')
    program(tmp_path, "python3", '[ "$1" = --version ] && echo Python 3.10.12 || exit 1')
    checked = prerequisites("python", "node", path=tmp_path)
    assert checked.returncode == 1
    assert "Python 3.10.12 is too old" in checked.stderr
    assert "v18.19.0 is too old" in checked.stderr


def test_package_code_and_extension_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extension = json.loads((ROOT / "extension" / "package.json").read_text())
    assert project["version"] == extension["version"] == __version__
