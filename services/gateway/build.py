"""What `make web` made: the page for each place and language, and what a browser fetches beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import Any, Final

from services.common import codec

# In the built index.html: what the server says of a place, and what is seen before any script runs.
HEAD: Final = "<!--head-->"
SHELL: Final = "<!--shell-->"
# In a room's shell.
ROOM: Final = "{room}"
_HTML: Final = '<html lang="en">'
_ENTRY: Final = "index.html"
# What the entry, which is small, begins once the shell is painted.
_MAIN: Final = "src/main.tsx"
# Latin letters in the page's own font: what the first words are drawn in.
_FONT: Final = "node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"


class Part(StrEnum):
    """The page's parts, by what they are built from: with one of them named, browsers fetch it beside the entry."""

    LANDING = "src/pages/landing/Landing.tsx"
    ROOM = "src/pages/room/RoomPage.tsx"
    DOCTOR = "src/pages/doctor/Doctor.tsx"


@dataclass(frozen=True, slots=True)
class Look:
    """How a browser's person sees the page. `theme`: `dark` or `light`; '' follows the system."""

    language: str = "en"
    theme: str = ""


@dataclass(frozen=True, slots=True)
class Built:
    """One build. `shells`: markup by its name and language; empty where the build has none."""

    index: str
    manifest: dict[str, Any]
    shells: dict[str, dict[str, str]]

    def languages(self) -> list[str]:
        """What the page speaks."""
        return list(next(iter(self.shells.values()), {"en": ""}))

    def page(
        self, part: Part, look: Look, *, head: str = "", shell: str = "", room: str = "", whole: bool = False
    ) -> str:
        """The page of a place: `head` is markup of the caller's, `shell` what stands there until the scripts run.

        `whole`: the browser is to have every part of it, once there is nothing else to load.
        """
        language = look.language if look.language in self.languages() else "en"
        theme = f' data-theme="{escape(look.theme)}"' if look.theme else ""
        markup = self.shells.get(shell, {}).get(language, "").replace(ROOM, escape(room))
        return (
            self.index.replace(_HTML, f'<html lang="{escape(language)}"{theme}>', 1)
            .replace(HEAD, head + self._preloads(part) + (self._rest() if whole else ""), 1)
            .replace(SHELL, markup, 1)
        )

    def first(self) -> str:
        """`Link` header: what every place needs, for edges that hint at it before they have the page (RFC 8297)."""
        try:
            entry = self.manifest[_ENTRY]
            styles = [f"</{style}>; rel=preload; as=style; crossorigin" for style in entry.get("css", ())]
            font = f"</{self.manifest[_FONT]['file']}>; rel=preload; as=font; crossorigin"
            scripts = [f"</{self.manifest[key]['file']}>; rel=modulepreload" for key in (_ENTRY, _MAIN)]
            return ", ".join([*styles, *scripts, font])
        except (KeyError, TypeError):
            return ""

    def _preloads(self, part: Part) -> str:
        """Links to the files that a part needs beside the entry; '' where the build does not tell."""
        try:
            wanted = self._needed(_MAIN, part) - self._needed(_ENTRY)
            files = sorted(str(self.manifest[key]["file"]) for key in wanted)
        except (KeyError, TypeError):
            return ""
        return "".join(f'<link rel="modulepreload" href="/{escape(file)}" />' for file in files)

    def _rest(self) -> str:
        """Links to every script and style of the build."""
        entries = [entry for entry in self.manifest.values() if isinstance(entry, dict)]
        files = {str(file) for entry in entries for file in (entry.get("file", ""), *entry.get("css", ()))}
        wanted = sorted(file for file in files if file.endswith((".js", ".css")))
        return "".join(f'<link rel="prefetch" href="/{escape(file)}" />' for file in wanted)

    def _needed(self, *parts: str) -> set[str]:
        found: set[str] = set()
        waiting = [*parts]
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting += self.manifest[key].get("imports", [])
        return found


class Build:
    """The build in a folder, read again when it was made anew."""

    def __init__(self, folder: Path) -> None:
        self._index = folder / "index.html"
        self._manifest = folder / ".vite" / "manifest.json"
        self._shells = folder / ".vite" / "shells.json"
        self._read: tuple[tuple[int, ...], Built] | None = None

    def built(self) -> Built:
        """What is there now; blocks.

        :raises OSError: if nothing was built.
        """
        stamps = (self._index.stat().st_mtime_ns, *(_stamp(each) for each in (self._manifest, self._shells)))
        if self._read is None or self._read[0] != stamps:
            index = self._index.read_text(encoding="utf-8")
            self._read = stamps, Built(index, _object(self._manifest), _object(self._shells))
        return self._read[1]


def _stamp(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _object(file: Path) -> dict[str, Any]:
    try:
        value = codec.decode(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
