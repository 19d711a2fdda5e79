"""What a browser loads of the built page before it shows something stays small."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import ROOT

DIST = ROOT / "web" / "dist"
ROOM_MOST_BYTES = 200_000
LANDING_MOST_BYTES = 135_000
STYLE_MOST_BYTES = 16_000


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """Vite's list of the built files, each with what it imports."""
    subprocess.run(["make", "--silent", "web"], cwd=ROOT, check=True, capture_output=True)
    parts: dict[str, Any] = json.loads((DIST / ".vite" / "manifest.json").read_text(encoding="utf-8"))
    return parts


def needed(manifest: dict[str, Any], *sources: str) -> set[str]:
    """The keys of what must be there before modules of `sources` run."""
    found: set[str] = set()
    waiting = [*sources]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += manifest[key].get("imports", [])
    return found


def weight(path: Path) -> int:
    """Bytes on the wire, as gzip at its best makes them."""
    return len(gzip.compress(path.read_bytes(), 9))


@pytest.mark.parametrize(
    ("place", "most"),
    [("src/pages/room/RoomPage.tsx", ROOM_MOST_BYTES), ("src/pages/landing/Landing.tsx", LANDING_MOST_BYTES)],
)
def test_the_scripts_before_the_first_picture_are_small(manifest: dict[str, Any], place: str, most: int) -> None:
    sizes = {key: weight(DIST / manifest[key]["file"]) for key in needed(manifest, "index.html", "src/main.tsx", place)}
    assert sum(sizes.values()) <= most, sizes


def test_players_and_dialogs_come_when_they_are_asked_for(manifest: dict[str, Any]) -> None:
    first = needed(manifest, "index.html", "src/main.tsx", "src/pages/room/RoomPage.tsx")
    files = " ".join(manifest[key]["file"] for key in first)
    for part in ("hls", "dash", "Dialog", "PopupsNow", "Sortable", "Figures", "KeyHelp", "Landing", "Doctor", "de-"):
        assert part not in files, files


def test_the_style_sheet_is_small(manifest: dict[str, Any]) -> None:
    (sheet,) = manifest["index.html"]["css"]
    assert weight(DIST / sheet) <= STYLE_MOST_BYTES
