"""`/api/proxy` as a plain ASGI application: one middleware of the usual kind would cost more than all of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from starlette.types import Receive, Scope, Send

from services.common.errors import Refused, WatchTogetherError
from services.common.http import EXTENSION
from services.common.stream import MANIFESTS, PROXY_PATH
from services.proxy import heads, metrics
from services.proxy.answers import NotMediaError
from services.proxy.callers import CallerId
from services.proxy.client import SLICE_BYTES, Client, Wish, while_connected
from services.proxy.doorkeeper import Doorkeeper
from services.proxy.heads import Headers
from services.proxy.indexes import Indexes
from services.proxy.manifests import Manifests, manifest_key
from services.proxy.media import Media
from services.proxy.memory import Entry, Memory
from services.proxy.objects import Objects
from services.proxy.peers import IS_MANIFEST, NOT_HELD, PATH, PING_PATH, SEAL, Seals
from services.proxy.prefetch import Prefetch
from services.proxy.sources import Source, Sources
from services.proxy.tickets import HELD_ONLY, Ticket, Tickets
from services.proxy.upstream import HOP_HEADER

_HOP: Final = HOP_HEADER.encode()
_CLOSE: Final[Headers] = [(b"connection", b"close")]


class ProxyEndpoint:
    """Answers GET, HEAD and OPTIONS."""

    def __init__(
        self,
        tickets: Tickets,
        seals: Seals,
        objects: Objects,
        sources: Sources,
        manifests: Manifests,
        indexes: Indexes,
        media: Media,
        memory: Memory,
        clock: Callable[[], float],
        door: Doorkeeper,
        prefetch: Prefetch,
        *,
        closes: bool = False,
    ) -> None:
        self._tickets = tickets
        self._seals = seals
        self._objects = objects
        self._sources = sources
        self._manifests = manifests
        self._indexes = indexes
        self._media = media
        self._memory = memory
        self._clock = clock
        self._door = door
        self._prefetch = prefetch
        self._extra: Headers = _CLOSE if closes else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        files = scope.get("extensions", {}).get(EXTENSION)
        client = Client(Wish.of(scope, _HOP), send, self._extra, files)
        if scope["path"].startswith(PATH):
            await self._internal(scope, receive, client)
        elif scope["path"] != PROXY_PATH:
            await client.error(Refused("not_found", "There is nothing here."))
        elif scope["method"] == "OPTIONS":
            await client.bare(204, heads.PREFLIGHT)
        elif scope["method"] not in ("GET", "HEAD"):
            await client.bare(405, [(b"allow", b"GET, HEAD, OPTIONS"), (b"content-length", b"0")])
        else:
            await self._answer(scope, receive, client)

    async def _answer(self, scope: Scope, receive: Receive, client: Client) -> None:
        try:
            if client.wish.has_looped:
                raise Refused("refused_target", "This link leads back here.")
            ticket = self._tickets.read(scope["query_string"], time.time())
            caller = self._door.admit(scope)
            # Whom no session names, and no address tells from others, goes by the connection.
            player = caller.person or caller.address or str(scope.get("client"))
            self._prefetch.asked(player, ticket, client.wish.range)
            await self._send(ticket, caller, receive, client)
            if client.has_ended and not client.wish.is_head:
                self._prefetch.served(player, ticket, client.wish.range)
        except WatchTogetherError as error:
            if client.has_begun:
                client.cut(error.code)
            else:
                await client.error(error)

    async def _send(self, ticket: Ticket, caller: CallerId, receive: Receive, client: Client) -> None:
        entry = self._held(ticket)
        if entry is None and await self._serve_kept(ticket, client, caller):
            return
        if entry is not None and len(entry.body) <= SLICE_BYTES:
            # Sent in one piece: nothing of it can be waiting when the client leaves.
            await client.entry(entry, self._clock())
            return
        with self._door.stream(caller, is_here=entry is not None):
            work = client.entry(entry, self._clock()) if entry is not None else self._fetch(ticket, client)
            if not await while_connected(receive, work) and not client.has_ended:
                metrics.ABORTS.labels(metrics.LEFT).inc()

    def _held(self, ticket: Ticket) -> Entry | None:
        key = self._sources.cached_key(ticket)
        if key is None or ticket.wants_index:
            return None
        if ticket.kind in MANIFESTS:
            key = manifest_key(key, ticket)
        return self._memory.get(key, self._clock())

    async def _internal(self, scope: Scope, receive: Receive, client: Client) -> None:
        """Answer another node: from here or from the origin, never from a third."""
        if scope["path"] == PING_PATH:
            await client.whole(204, [])
            return
        given = {name: value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"]
        try:
            sealed = given.get(SEAL.encode(), ""), query.decode("latin-1"), given.get(b"range", "")
            self._seals.check(*sealed, time.time())
            ticket = self._tickets.read(query, time.time())
            source = replace(await self._sources.locate(ticket), is_internal=True)
            is_held = self._objects.catalogue.is_held(source.key, client.wish.range)
            if query.endswith(HELD_ONLY) and not is_held:
                raise Refused(NOT_HELD, "This node does not have it.")
            with self._door.stream(None, is_here=is_held):
                await while_connected(receive, self._serve_node(source, client))
        except WatchTogetherError as error:
            if client.has_begun:
                client.cut(error.code)
            else:
                await client.error(error)

    async def _serve_node(self, source: Source, client: Client) -> None:
        try:
            await self._media.serve(source, client)
        except NotMediaError:
            self._manifests.remember(source)
            raise Refused(IS_MANIFEST, "This is a manifest.") from None

    async def _serve_kept(self, ticket: Ticket, client: Client, caller: CallerId) -> bool:
        key = None if ticket.wants_index or ticket.kind in MANIFESTS else self._sources.cached_key(ticket)
        if key is None:
            return False
        kept = self._media.kept(key, client)
        if kept is None:
            return False
        with self._door.stream(caller, is_here=True):
            await self._media.serve_kept(kept, client)
        return True

    async def _fetch(self, ticket: Ticket, client: Client) -> None:
        source = await self._sources.locate(ticket)
        if ticket.wants_index:
            entry = await self._indexes.get(source)
            await client.entry(entry, self._clock(), "L1" if entry.reads else "MISS")
            return
        if self._manifests.is_expected(source):
            await self._manifest(source, client)
            return
        try:
            await self._media.serve(source, client)
        except NotMediaError:
            self._manifests.remember(source)
            await self._manifest(source, client)

    async def _manifest(self, source: Source, client: Client) -> None:
        entry = await self._manifests.get(source)
        await client.entry(entry, self._clock(), "L1" if entry.reads else "MISS")
