"""The built page over HTTP: its files, and the page itself, which begins to show before its scripts run."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from services.common.errors import Unavailable
from services.common.keys import is_room_id
from services.common.net import TrustedProxies, peer_origins
from services.common.room.snapshot import RoomRecord
from services.common.room.store import RoomStore
from services.gateway import preview
from services.gateway.build import Build, Look, Part
from services.gateway.config import GatewaySettings

# A link's preview is worth less than the page itself.
PREVIEW_WAIT_S: Final = 1.0
# `theme.language` as its person chose them, written by the page: `dark.de`, `system.browser`.
LOOK_COOKIE: Final = "wt_look"
_THEMES: Final = frozenset({"dark", "light"})
# The build keeps text compressed beside itself, best first: a coding's name, and how its files end.
_CODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
_NO_INDEX: Final = {"x-robots-tag": "noindex"}


class Page:
    """Serves what `make web` built."""

    def __init__(self, settings: GatewaySettings, store: RoomStore, proxies: TrustedProxies) -> None:
        self._settings = settings
        self._build = Build(settings.web_dir)
        self._files = StaticFiles(directory=settings.web_dir, check_dir=False)
        self._store = store
        self._proxies = proxies

    async def file(self, request: Request) -> Response:
        """A file of the build, else the page, which knows what to say of an address without anything."""
        path = str(request.path_params["path"])
        if not path:
            head = preview.of_landing(self._proxies.caller(request.scope)) + asked("/api/rooms")
            return await self._page(request, Part.LANDING, head=head, shell="landing")
        try:
            response = await self._file(path, request)
        except (HTTPException, RuntimeError):  # RuntimeError: there is no build at all
            return await self._page(request, status=404)
        hashed = path.startswith("assets/")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response

    async def room(self, request: Request) -> Response:
        """The page of a room, with what messengers show of it."""
        room = str(request.path_params["room"])
        if not is_room_id(room):
            return await self._page(request, status=404)
        record = await self._record(room)
        head = preview.of_room(room, record, self._proxies.caller(request.scope))
        if "name" not in request.query_params:
            head += asked("/api/session")
        return await self._page(request, Part.ROOM, head=head, shell="room", room=room)

    async def doctor(self, request: Request) -> Response:
        """The page that checks itself."""
        return await self._page(request, Part.DOCTOR)

    async def _file(self, path: str, request: Request) -> Response:
        accepted = request.headers.get("accept-encoding", "")
        for coding, ending in _CODINGS:
            if not accepts(accepted, coding):
                continue
            try:
                response = await self._files.get_response(path + ending, request.scope)
            except HTTPException:
                continue
            response.headers["content-encoding"] = coding
            response.headers["vary"] = "accept-encoding"
            return response
        return await self._files.get_response(path, request.scope)

    async def _record(self, room: str) -> RoomRecord | None:
        try:
            async with asyncio.timeout(PREVIEW_WAIT_S):
                return await self._store.snapshot(room)
        except (Unavailable, TimeoutError):
            return None

    async def _page(
        self,
        request: Request,
        part: Part = Part.LANDING,
        *,
        status: int = 200,
        head: str = "",
        shell: str = "",
        room: str = "",
    ) -> Response:
        try:
            built = await asyncio.to_thread(self._build.built)
        except OSError:
            return PlainTextResponse("The page is not built yet: run `make web`.\n", 503, {"retry-after": "5"})
        look = look_of(request, built.languages())
        caller = self._proxies.caller(request.scope)
        # A page that outlives the replica it came from can fetch no part of itself any more.
        outlives = f"{caller.scheme}://{caller.host}" in peer_origins(caller, self._settings)
        body = built.page(part, look, head=head, shell=shell, room=room, whole=outlives).encode()
        headers = {"cache-control": "no-cache", "vary": "accept-encoding, accept-language, cookie"}
        if part is Part.ROOM or status != 200:
            headers |= _NO_INDEX
        if status == 200 and (first := built.first()):
            headers["link"] = first
        if accepts(request.headers.get("accept-encoding", ""), "gzip"):
            headers["content-encoding"] = "gzip"
            body = gzip.compress(body, 5)
        return Response(body, status, headers, "text/html")


def asked(path: str) -> str:
    """A link by which the browser asks, while it loads the scripts, what they are going to ask first."""
    return f'<link rel="preload" href="{path}" as="fetch" crossorigin="anonymous" />'


def look_of(request: Request, languages: Sequence[str]) -> Look:
    """In which language and theme the page will be once its scripts run: as chosen, else as the browser asks."""
    theme, _, language = request.cookies.get(LOOK_COOKIE, "").partition(".")
    if language not in languages:
        language = spoken(request.headers.get("accept-language", ""), languages)
    return Look(language, theme if theme in _THEMES else "")


def spoken(accept: str, languages: Sequence[str]) -> str:
    """The first language of an `Accept-Language` (RFC 9110 §12.5.4) that is among ours, by its main part."""
    wanted = sorted(_weighed(accept), key=lambda pair: -pair[1])
    for tag, weight in wanted:
        main = tag.split("-")[0]
        if weight > 0 and main in languages:
            return main
    return "en"


def accepts(header: str, coding: str) -> bool:
    """Whether an `Accept-Encoding` (RFC 9110 §12.5.3) names a coding, and does not refuse it."""
    return any(name == coding and weight > 0 for name, weight in _weighed(header))


def _weighed(header: str) -> list[tuple[str, float]]:
    pairs = []
    for each in header.lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        pairs.append((name, weight))
    return pairs
