"""The client's side of one request: what it asked for, and how an answer is put on its connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from services.common import codec
from services.common.errors import Unavailable, WatchTogetherError, http_status
from services.proxy import metrics
from services.proxy.heads import COMMON, Headers, body_head, unsatisfiable_head
from services.proxy.memory import Entry
from services.proxy.ranges import ByteRange, ContentRange, parse_range

SLICE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """The parts of a client's head that shape the answer."""

    is_head: bool
    range: ByteRange | None
    if_range: str
    if_none_match: str
    has_looped: bool

    @classmethod
    def of(cls, scope: Scope, hop_header: bytes) -> Wish:
        """Read the head of a request; of a repeated header the first counts."""
        found: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            found.setdefault(name, value.decode("latin-1"))
        return cls(
            scope["method"] == "HEAD",
            parse_range(found.get(b"range")),
            found.get(b"if-range", ""),
            found.get(b"if-none-match", ""),
            hop_header in found,
        )


class Client:
    """Sends one answer. `has_begun` tells whether its head is out: then a failure can only drop the connection."""

    def __init__(self, wish: Wish, send: Send, extra: Headers) -> None:
        self.wish = wish
        self.has_begun = False
        self._send = send
        self._extra = extra

    async def head(self, status: int, headers: Headers) -> None:
        """Send the head."""
        self.has_begun = True
        message: Message = {"type": "http.response.start", "status": status, "headers": headers + self._extra}
        await self._send(message)

    async def whole(self, status: int, headers: Headers, body: bytes | memoryview = b"") -> None:
        """Send a whole answer; of HEAD the body stays here."""
        await self.head(status, headers)
        await self._send({"type": "http.response.body", "body": b"" if self.wish.is_head else body})

    async def error(self, error: WatchTogetherError) -> None:
        """Send a failure as JSON."""
        detail: dict[str, Any] = {"code": error.code, "message": error.message}
        headers = [*COMMON, (b"content-type", b"application/json")]
        if error.retry_after_ms is not None:
            detail["retry_after_ms"] = error.retry_after_ms
            headers.append((b"retry-after", str(-(-error.retry_after_ms // 1000)).encode()))
        body = codec.encode({"error": detail})
        metrics.FAILURES.labels(error.code).inc()
        await self.whole(http_status(error), [*headers, (b"content-length", str(len(body)).encode())], body)

    async def entry(self, entry: Entry, now: float, cache: str = "L1") -> None:
        """Send what is in memory, or the asked range of it."""
        if _is_same_etag(self.wish.if_none_match, entry.etag):
            await self.whole(304, [*COMMON, (b"etag", entry.etag.encode("latin-1", "replace"))])
            return
        span = self.span(entry, len(entry.body))
        if span is None:
            await self.whole(416, unsatisfiable_head(len(entry.body)))
            return
        start, stop = span
        status, head = self.span_head(entry, cache, start, stop, len(entry.body), now - entry.stored_at)
        metrics.REQUESTS.labels(cache).inc()
        if stop - start <= SLICE_BYTES or self.wish.is_head:
            body = entry.body if stop - start == len(entry.body) else memoryview(entry.body)[start:stop]
            metrics.SENT_BYTES.labels(cache).inc(stop - start)
            await self.whole(status, head, body)
        else:
            await self.head(status, head)
            await self.body(_slices(entry.body, start, stop), cache, stop - start)

    def span(self, entry: Entry, total: int) -> tuple[int, int] | None:
        """Start and stop of what the client asked of a whole object; None if there is nothing of it (416)."""
        asked = self.asked_range(entry)
        return (0, total) if asked is None else asked.within(total)

    def span_head(
        self, entry: Entry, cache: str, start: int, stop: int, total: int, age_s: float | None = None
    ) -> tuple[int, Headers]:
        """Status and head for bytes `start` to `stop` of a whole object."""
        is_partial = self.asked_range(entry) is not None
        return 206 if is_partial else 200, body_head(
            cache,
            entry.content_type,
            length=stop - start,
            content_range=ContentRange(start, stop, total) if is_partial else None,
            etag=entry.etag,
            last_modified=entry.last_modified,
            age_s=age_s,
        )

    def asked_range(self, entry: Entry) -> ByteRange | None:
        """The range to answer with: none if If-Range names another generation (strong comparison, RFC 9110 §13.1.5)."""
        if_range = self.wish.if_range
        if not if_range:
            return self.wish.range
        is_same = if_range in (entry.etag, entry.last_modified) and not if_range.startswith("W/")
        return self.wish.range if is_same else None

    async def body(
        self, chunks: AsyncIterator[bytes] | AsyncIterator[memoryview], cache: str, length: int | None
    ) -> None:
        """Send a body as it comes, no faster than the client reads.

        :raises Unavailable: `upstream_failed` if it is not `length` bytes: the connection must be dropped, because a
            body cut short must never look whole.
        """
        sent, counter = 0, metrics.SENT_BYTES.labels(cache)
        if not self.wish.is_head:
            async for chunk in chunks:
                sent += len(chunk)
                if length is not None and sent > length:
                    raise Unavailable("upstream_failed", "The source sends more than it announced.")
                counter.inc(len(chunk))
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            if length is not None and sent < length:
                raise Unavailable("upstream_failed", "The source breaks off.")
        await self._send({"type": "http.response.body", "body": b""})


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do `work`, and give it up at once when the client leaves: also while nothing can be sent or is being waited for.

    :raises BaseException: what `work` raises.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        if not working.done():
            working.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
    if not working.cancelled():
        working.result()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _slices(body: bytes | memoryview, start: int, stop: int) -> AsyncIterator[memoryview]:
    view = memoryview(body)
    for position in range(start, stop, SLICE_BYTES):
        yield view[position : min(position + SLICE_BYTES, stop)]


def _is_same_etag(given: str, etag: str) -> bool:
    """Whether an If-None-Match names `etag` (weak comparison, RFC 9110 §13.1.2)."""
    if not given or not etag:
        return False
    wanted = etag.removeprefix("W/")
    return any(part.strip() == "*" or part.strip().removeprefix("W/") == wanted for part in given.split(","))
