"""Stream contexts in memory: no Redis call stands on the way of a segment, and a dead Redis stops no known stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from services.common.contexts import ContextStore, StreamContext
from services.common.cookies import cookie_header
from services.common.errors import Refused, Unavailable
from services.common.guard import Target, parse_url

MAX_CONTEXTS: Final = 20_000
# After so long a context is read again behind the requests that use it: its URL changes, its owner may withdraw it.
FRESH_S: Final = 30.0
# After a refusal by the upstream it is read at once, but no more often than this.
REREAD_S: Final = 2.0

# Of what yt-dlp says a stream needs, these are the proxy's own to say.
_OURS: Final = frozenset(
    {"host", "range", "if-range", "accept-encoding", "connection", "content-length", "transfer-encoding", "te"}
    | {"upgrade", "keep-alive", "proxy-connection", "expect", "if-none-match", "if-modified-since"}
)
_PERSONAL: Final = frozenset({"cookie", "authorization"})


@dataclass(slots=True)
class Known:
    """A context and what follows from it. `read_at` is the monotonic clock's.

    `is_inline`: the stream stands in its context itself, and only in the store: here many of those would be too much.
    """

    context: StreamContext
    root: Target
    read_at: float
    is_inline: bool = False
    headers: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {name: value for name, value in self.context.headers.items() if name.lower() not in _OURS}

    def headers_for(self, target: Target, now: float) -> Mapping[str, str]:
        """The headers to send to `target` at `now` (Unix seconds).

        Credentials go to the stream's own host only, cookies where their domain, path and expiry say.
        """
        own = self.root.host
        headers = self.headers
        if target.scheme != self.root.scheme or not (target.host == own or target.host.endswith(f".{own}")):
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _PERSONAL}
        cookies = self.cookies_for(target, now)
        return {**headers, "Cookie": cookies} if cookies else headers

    def cookies_for(self, target: Target, now: float) -> str:
        """The cookies that may go to `target` at `now` (Unix seconds), as one header's value; '' for none."""
        return cookie_header(
            self.context.cookies, scheme=target.scheme, host=target.host, path=target.path_and_query, now=now
        )


class Streams:
    """Contexts by id, the least recently used forgotten first."""

    def __init__(self, store: ContextStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Known | None]] = {}

    def known(self, context: str) -> Known | None:
        """What memory holds, refreshed in the background when it is no longer fresh."""
        found = self._known.get(context)
        if found is None:
            return None
        self._known.move_to_end(context)
        if self._clock() - found.read_at > FRESH_S:
            # The next attempt waits as long again, however this one ends.
            found.read_at = self._clock()
            self._read(context)
        return found

    async def get(self, context: str) -> Known:
        """What memory holds, else Redis.

        :raises Refused: `expired_signature` if there is no such context any more.
        :raises Unavailable: if Redis does not answer and memory does not know it.
        """
        found = self.known(context)
        if found is None:
            found = await asyncio.shield(self._read(context))
        if found is None:
            raise Refused("expired_signature", "This stream has expired: reload the room.")
        return found

    async def reread(self, context: str, seen: Known, *, every_s: float = REREAD_S) -> Known | None:
        """What Redis says after an upstream refused `seen`; None if that is nothing new."""
        if self._clock() - seen.read_at >= every_s:
            seen.read_at = self._clock()
            with contextlib.suppress(Unavailable):
                await asyncio.shield(self._read(context))
        found = self._known.get(context)
        if found is None or _sends(found) == _sends(seen):
            return None
        return found

    async def text(self, context: str) -> str:
        """What stands in a context itself, '' for nothing.

        :raises Unavailable: if Redis does not answer.
        """
        found = await self._store.get(context)
        return "" if found is None else found.text

    async def close(self) -> None:
        """End what is being read."""
        for task in list(self._reading.values()):
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)

    def _read(self, context: str) -> asyncio.Task[Known | None]:
        """One read at a time for each context, whoever waits for it."""
        task = self._reading.get(context)
        if task is None:
            task = self._reading[context] = asyncio.create_task(self._fetch(context))
            task.add_done_callback(lambda done: self._finished(context, done))
        return task

    def _finished(self, context: str, task: asyncio.Task[Known | None]) -> None:
        del self._reading[context]
        if not task.cancelled():
            # A background refresh that failed leaves what is known in place.
            task.exception()

    async def _fetch(self, context: str) -> Known | None:
        found = await self._store.get(context)
        if found is None:
            self._known.pop(context, None)
            return None
        known = Known(replace(found, text=""), parse_url(found.url), self._clock(), is_inline=bool(found.text))
        self._known[context] = known
        self._known.move_to_end(context)
        while len(self._known) > MAX_CONTEXTS:
            self._known.popitem(last=False)
        return known


def _sends(known: Known) -> tuple[object, ...]:
    """What of a context decides how the upstream answers."""
    return known.context.url, known.headers, known.context.cookies
