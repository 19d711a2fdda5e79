"""The built page: its files, and a room's link that tells messengers what is on."""

from __future__ import annotations

import asyncio
from html import escape
from pathlib import Path
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from services.common import codec
from services.common.errors import Unavailable
from services.common.keys import is_room_id
from services.common.net import Caller, TrustedProxies
from services.common.room.snapshot import RoomRecord, for_strangers
from services.common.room.store import RoomStore

PLACE: Final = "<!--og-->"
# The page's parts, by what they are built from: with one of them named in the page, browsers fetch it beside the entry.
LANDING: Final = "src/pages/landing/Landing.tsx"
ROOM: Final = "src/pages/room/RoomPage.tsx"
DOCTOR: Final = "src/pages/doctor/Doctor.tsx"
_ENTRY: Final = "index.html"
# A link's preview is worth less than the page itself.
PREVIEW_WAIT_S: Final = 1.0
_NAMED: Final = 3


class Page:
    """Serves what `make web` built."""

    def __init__(self, folder: Path, store: RoomStore, proxies: TrustedProxies) -> None:
        self._folder = folder
        self._index = folder / "index.html"
        self._files = StaticFiles(directory=folder, check_dir=False)
        self._store = store
        self._proxies = proxies

    async def file(self, request: Request) -> Response:
        """A file of the build, else the page, which knows what to say of an address without anything."""
        path = str(request.path_params["path"])
        if not path:
            return await self._page("", 200, LANDING)
        try:
            response = await self._files.get_response(path, request.scope)
        except (HTTPException, RuntimeError):  # RuntimeError: there is no build at all
            return await self._page("", 404)
        hashed = path.startswith("assets/")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response

    async def room(self, request: Request) -> Response:
        """The page of a room, with Open Graph tags."""
        room = str(request.path_params["room"])
        if not is_room_id(room):
            return await self._page("", 404)
        tags = preview(room, await self._record(room), self._proxies.caller(request.scope))
        return await self._page(tags, 200, ROOM)

    async def doctor(self, _request: Request) -> Response:
        """The page that checks itself."""
        return await self._page("", 200, DOCTOR)

    async def _record(self, room: str) -> RoomRecord | None:
        try:
            async with asyncio.timeout(PREVIEW_WAIT_S):
                return await self._store.snapshot(room)
        except (Unavailable, TimeoutError):
            return None

    async def _page(self, tags: str, status: int, part: str = LANDING) -> Response:
        try:
            text, links = await asyncio.to_thread(self._read, part)
        except OSError:
            return PlainTextResponse("The page is not built yet: run `make web`.\n", 503, {"retry-after": "5"})
        return Response(text.replace(PLACE, tags + links, 1), status, {"cache-control": "no-cache"}, "text/html")

    def _read(self, part: str) -> tuple[str, str]:
        return self._index.read_text(encoding="utf-8"), preloads(self._folder, part)


def preloads(folder: Path, part: str) -> str:
    """Links to the files that a part of the page needs beside the entry; '' where the build does not tell."""
    try:
        manifest = codec.decode((folder / ".vite" / "manifest.json").read_bytes())
        wanted = _needed(manifest, part) - _needed(manifest, _ENTRY)
        files = sorted(str(manifest[key]["file"]) for key in wanted)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return "".join(f'<link rel="modulepreload" href="/{escape(file)}" />' for file in files)


def _needed(manifest: Any, part: str) -> set[str]:
    found: set[str] = set()
    waiting = [part]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += manifest[key].get("imports", [])
    return found


def preview(room: str, record: RoomRecord | None, caller: Caller) -> str:
    """Open Graph tags of a room's link, escaped; of an unknown room, an invitation to begin."""
    base = f"{caller.scheme}://{caller.host}"
    current = for_strangers(record.items.get(record.item_id)) if record else None
    tags = {
        "og:type": "website",
        "og:site_name": "Watch Together",
        "og:url": f"{base}/room/{room}",
        "og:title": f"Watch {current.title} together" if current else "Watch together",
        "og:description": who_is_there([member.name for member in record.members.values()] if record else []),
    }
    if current and current.thumbnail:
        tags["og:image"] = base + current.thumbnail if current.thumbnail.startswith("/") else current.thumbnail
    return "\n".join(f'<meta property="{name}" content="{escape(value)}" />' for name, value in tags.items())


def who_is_there(names: list[str]) -> str:
    """A sentence: "Ana, Ben and 2 others are watching."."""
    if not names:
        return "Come in and bring your friends."
    if len(names) == 1:
        return f"{names[0]} is there."
    others = len(names) - _NAMED
    if others > 0:
        return f"{', '.join(names[:_NAMED])} and {others} {'other' if others == 1 else 'others'} are there."
    return f"{', '.join(names[:-1])} and {names[-1]} are there."
