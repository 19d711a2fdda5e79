"""What people keep for themselves: their playlists, and what they watched."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from services.common import playlist
from services.common.history import Histories
from services.common.playlists import Playlists
from services.common.wire.rest import (
    ChangePlaylistRequest,
    CreatePlaylistRequest,
    ExtendPlaylistRequest,
    History,
    HistoryRequest,
    NewPlaylistItem,
    Playlist,
    PlaylistList,
)
from services.gateway import metrics
from services.gateway.answers import answer, read_body
from services.gateway.callers import Callers
from services.gateway.limits import AddressLimit
from services.gateway.operations import Operation

# A whole queue, with the addresses of its pictures.
MAX_BYTES: Final = 1 << 20


class Library:
    """The handlers of playlists and of the watch history. Everything belongs to the caller, whoever they are."""

    def __init__(self, callers: Callers, playlists: Playlists, histories: Histories, *, per_minute: int) -> None:
        """:param per_minute: changes of one address; 0 for no limit."""
        self._callers = callers
        self._playlists = playlists
        self._histories = histories
        self._changes = AddressLimit("library", per_minute)

    def operations(self) -> list[Operation]:
        """What can be asked for here."""
        one, item = "/api/playlists/{playlist}", "/api/playlists/{playlist}/items/{item}"
        return [
            Operation("GET", "/api/playlists", self.playlists, answers=PlaylistList),
            Operation("POST", "/api/playlists", self.create, body=CreatePlaylistRequest, answers=Playlist, status=201),
            Operation("GET", one, self.show, answers=Playlist),
            Operation("PATCH", one, self.change, body=ChangePlaylistRequest, answers=Playlist),
            Operation("DELETE", one, self.delete, status=204),
            Operation("POST", f"{one}/items", self.extend, body=ExtendPlaylistRequest, answers=Playlist, status=201),
            Operation("PUT", item, self.describe, body=NewPlaylistItem, answers=Playlist),
            Operation("DELETE", item, self.remove, answers=Playlist),
            Operation("GET", "/api/history", self.history, answers=History),
            Operation("PATCH", "/api/history", self.keep, body=HistoryRequest, answers=History),
            Operation("DELETE", "/api/history", self.clear, status=204),
            Operation("DELETE", "/api/history/{entry}", self.forget, status=204),
        ]

    async def playlists(self, request: Request) -> Response:
        """The caller's playlists, last changed first."""
        caller = await self._callers.known(request)
        found = await self._playlists.all(caller.id) if caller else []
        return answer(PlaylistList(playlists=[playlist.summary(each) for each in found]))

    async def create(self, request: Request) -> Response:
        """Make a playlist, empty or with links."""
        self._limit(request)
        body = await read_body(request, CreatePlaylistRequest, most=MAX_BYTES)
        identity, cookie = await self._callers.identify(request)
        made = playlist.created(body.name, body.items, time.time())
        await self._playlists.add(identity.id, made)
        metrics.LIBRARY.labels("playlist_made").inc()
        return answer(made, status=201, cookie=cookie)

    async def show(self, request: Request) -> Response:
        """One of the caller's playlists, with its links."""
        caller = await self._callers.owner(request)
        return answer(await self._playlists.get(caller.id, request.path_params["playlist"]))

    async def change(self, request: Request) -> Response:
        """Give a playlist another name or order."""
        self._limit(request)
        body, now = await read_body(request, ChangePlaylistRequest), time.time()

        def changed(before: Playlist) -> Playlist:
            named = before if body.name is None else playlist.renamed(before, body.name, now)
            return named if body.order is None else playlist.reordered(named, body.order, now)

        return await self._changed(request, changed)

    async def extend(self, request: Request) -> Response:
        """Put links at a playlist's end."""
        self._limit(request)
        body = await read_body(request, ExtendPlaylistRequest, most=MAX_BYTES)
        return await self._changed(request, partial(playlist.extended, items=body.items, now=time.time()), status=201)

    async def describe(self, request: Request) -> Response:
        """Tell what was learnt of a link in a playlist: its title, picture and length."""
        self._limit(request)
        details, item = await read_body(request, NewPlaylistItem), request.path_params["item"]
        return await self._changed(request, partial(playlist.described, item=item, details=details, now=time.time()))

    async def remove(self, request: Request) -> Response:
        """Take a link out of a playlist; one that is not there is no mistake."""
        self._limit(request)
        item = request.path_params["item"]
        return await self._changed(request, partial(playlist.without, item=item, now=time.time()))

    async def delete(self, request: Request) -> Response:
        """Delete a playlist."""
        self._limit(request)
        caller = await self._callers.owner(request)
        await self._playlists.delete(caller.id, request.path_params["playlist"])
        metrics.LIBRARY.labels("playlist_deleted").inc()
        return answer(None, status=204)

    async def history(self, request: Request) -> Response:
        """What the caller watched in rooms, last first, and whether more is noted."""
        caller = await self._callers.known(request)
        return answer(await self._history(caller.id) if caller else History(is_kept=True, entries=[]))

    async def keep(self, request: Request) -> Response:
        """Note what the caller watches, or no more; what is there stays."""
        self._limit(request)
        body = await read_body(request, HistoryRequest)
        identity, cookie = await self._callers.identify(request)
        await self._histories.keep(identity.id, body.is_kept)
        metrics.LIBRARY.labels("history_on" if body.is_kept else "history_off").inc()
        return answer(await self._history(identity.id), cookie=cookie)

    async def clear(self, request: Request) -> Response:
        """Forget everything that the caller watched."""
        self._limit(request)
        caller = await self._callers.known(request)
        if caller is not None:
            await self._histories.clear(caller.id)
            metrics.LIBRARY.labels("history_cleared").inc()
        return answer(None, status=204)

    async def forget(self, request: Request) -> Response:
        """Forget one thing that the caller watched."""
        self._limit(request)
        caller = await self._callers.owner(request)
        await self._histories.remove(caller.id, request.path_params["entry"])
        return answer(None, status=204)

    async def _history(self, owner: str) -> History:
        return History(is_kept=await self._histories.is_kept(owner), entries=await self._histories.entries(owner))

    async def _changed(self, request: Request, change: playlist.Change, *, status: int = 200) -> Response:
        caller = await self._callers.owner(request)
        changed = await self._playlists.change(caller.id, request.path_params["playlist"], change)
        metrics.LIBRARY.labels("playlist_changed").inc()
        return answer(changed, status=status)

    def _limit(self, request: Request) -> None:
        self._changes.take(self._callers.address(request), time.monotonic())
