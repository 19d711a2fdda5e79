"""The client's side of one request: what it asked for, and how an answer is put on its connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from services.common import codec
from services.common.errors import Unavailable, WatchTogetherError, http_status
from services.common.http import FileSender
from services.proxy import metrics, multipart
from services.proxy.blocks import Representation
from services.proxy.conditions import Conditions
from services.proxy.heads import COMMON, Headers, body_head, origin_of, unsatisfiable_head
from services.proxy.memory import Entry
from services.proxy.multipart import Multipart
from services.proxy.ranges import ByteRange, ContentRange, parse_ranges, spans_of
from services.proxy.slices import FileSlice, read_slice, warm

SLICE_BYTES: Final = 256 * 1024
# What of memory is handed to the connection at once: nothing of it is copied.
WRITE_BYTES: Final = 1 << 20
# What is looked up in the page cache, and sent of a file, at once.
PIECE_BYTES: Final = 4 << 20

# What X-Cache says of answers that are about no object's bytes.
NOWHERE: Final = "NONE"

Piece = memoryview | FileSlice


@dataclass(frozen=True, slots=True)
class Wish:
    """The parts of a client's head that shape the answer. No ranges: the whole object."""

    is_head: bool
    ranges: tuple[ByteRange, ...]
    conditions: Conditions | None
    has_looped: bool

    @classmethod
    def of(cls, scope: Scope, hop_header: bytes) -> Wish:
        """Read the head of a request; of a repeated header the first counts."""
        found: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            found.setdefault(name, value.decode("latin-1"))
        is_head = scope["method"] == "HEAD"
        # Of other methods than GET a Range means nothing (RFC 9110 §14.2).
        ranges = () if is_head or b"range" not in found else parse_ranges(found[b"range"])
        return cls(is_head, ranges, Conditions.of(found), hop_header in found)

    @property
    def range(self) -> ByteRange | None:
        """The first range, which is where to begin."""
        return self.ranges[0] if self.ranges else None

    @property
    def if_range(self) -> str:
        """The validator under which the ranges count, '' for any."""
        return self.conditions.if_range if self.conditions else ""


class BodyCutError(Exception):
    """An answer could not be finished: out of the application it goes, so that the server drops the connection."""


class Client:
    """Sends one answer. `has_begun` tells whether its head is out: then a failure can only drop the connection."""

    def __init__(self, wish: Wish, send: Send, extra: Headers, files: FileSender | None = None) -> None:
        """:param files: what sends files where the server can do that by itself."""
        self.wish = wish
        self.has_begun = False
        # All of it was taken: whoever leaves earlier goes elsewhere.
        self.has_ended = False
        self._send = send
        self._extra = extra
        self._files = files
        self._begun = time.perf_counter()

    async def head(self, status: int, headers: Headers) -> None:
        """Send the head."""
        self.has_begun = True
        message: Message = {"type": "http.response.start", "status": status, "headers": headers + self._extra}
        await self._send(message)

    async def whole(self, status: int, headers: Headers, body: bytes | memoryview = b"") -> None:
        """Send a whole answer; of HEAD the body stays here."""
        await self.head(status, headers)
        await self._end(b"" if self.wish.is_head else body)

    async def bare(self, status: int, headers: Headers, cache: str = NOWHERE, age_s: float | None = None) -> None:
        """Send an answer without a body; `cache` and `age_s` tell where what it says of an object came from."""
        await self.whole(status, [*COMMON, *origin_of(cache, time.perf_counter() - self._begun, age_s), *headers])

    async def unsatisfiable(self, total: int | None, cache: str = NOWHERE, age_s: float | None = None) -> None:
        """Send a 416 about an object of so many bytes, None if nobody knows."""
        await self.bare(416, unsatisfiable_head(total), cache, age_s)

    async def error(self, error: WatchTogetherError) -> None:
        """Send a failure as JSON."""
        detail: dict[str, Any] = {"code": error.code, "message": error.message}
        headers = [*COMMON, *origin_of(NOWHERE, time.perf_counter() - self._begun)]
        headers += [(b"content-type", b"application/json"), (b"x-watch-together-code", error.code.encode())]
        if error.retry_after_ms is not None:
            detail["retry_after_ms"] = error.retry_after_ms
            headers.append((b"retry-after", str(-(-error.retry_after_ms // 1000)).encode()))
        body = codec.encode({"error": detail})
        metrics.FAILURES.labels(error.code).inc()
        await self.whole(http_status(error), [*headers, (b"content-length", str(len(body)).encode())], body)

    async def entry(self, entry: Entry, now: float, cache: str = "L1") -> None:
        """Send what is in memory, or the asked parts of it."""
        total, age_s = len(entry.body), now - entry.stored_at
        if await self.settled(entry.etag, entry.last_modified, cache, age_s):
            return
        spans = self.spans(entry.etag, entry.last_modified, total)
        if spans == ():
            await self.unsatisfiable(total, cache, age_s)
            return
        described = Representation(total, entry.content_type, entry.etag, entry.last_modified)
        status, head, frame = self.framed(described, spans, cache, age_s)
        metrics.REQUESTS.labels(cache).inc()
        start, stop = spans[0] if spans else (0, total)
        if frame is None and (stop - start <= SLICE_BYTES or self.wish.is_head):
            body = entry.body if stop - start == total else memoryview(entry.body)[start:stop]
            metrics.SENT_BYTES.labels(cache).inc(0 if self.wish.is_head else stop - start)
            await self.whole(status, head, body)
        else:
            await self.head(status, head)
            await self.body(_parts(entry.body, spans, total, frame), cache, None if frame else stop - start)

    async def settled(self, etag: str, last_modified: str, cache: str = NOWHERE, age_s: float | None = None) -> bool:
        """Answer 304 or 412 if the client's conditions say so. Whether that is all."""
        conditions = self.wish.conditions
        verdict = conditions.verdict(etag, last_modified) if conditions else None
        if verdict is None:
            return False
        head = [(b"etag", etag.encode("latin-1", "replace"))] if etag else []
        head += [(b"last-modified", last_modified.encode("latin-1", "replace"))] if last_modified else []
        await self.bare(verdict, head if verdict == 304 else [*head, (b"content-length", b"0")], cache, age_s)
        return True

    def spans(self, etag: str, last_modified: str, total: int) -> tuple[tuple[int, int], ...] | None:
        """Which parts of an object to send; None for all of it, none at all for 416."""
        if not self.wish.ranges:
            return None
        conditions = self.wish.conditions
        if conditions is not None and not conditions.allows_range(etag, last_modified):
            return None
        return spans_of(self.wish.ranges, total)

    def framed(
        self,
        described: Representation,
        spans: tuple[tuple[int, int], ...] | None,
        cache: str,
        age_s: float | None = None,
    ) -> tuple[int, Headers, Multipart | None]:
        """Status and head for parts of an object, or for all of it, and what stands between several parts."""
        total = described.total
        frame = multipart.frame(spans, total, described.content_type) if spans and len(spans) > 1 else None
        start, stop = spans[0] if spans else (0, total)
        return (
            206 if spans else 200,
            body_head(
                cache,
                described.content_type if frame is None else frame.content_type,
                length=stop - start if frame is None else frame.length,
                content_range=ContentRange(start, stop, total) if spans and frame is None else None,
                etag=described.etag,
                last_modified=described.last_modified,
                age_s=age_s,
                took_s=time.perf_counter() - self._begun,
            ),
            frame,
        )

    async def body(
        self,
        chunks: AsyncIterator[bytes] | AsyncIterator[memoryview] | AsyncIterator[Piece],
        cache: str,
        length: int | None,
    ) -> None:
        """Send a body as it comes, no faster than the client reads.

        :raises Unavailable: `upstream_failed` if it is not `length` bytes: the connection must be dropped, because a
            body cut short must never look whole.
        """
        sent, counter = 0, metrics.SENT_BYTES.labels(cache)
        if not self.wish.is_head:
            async for chunk in chunks:
                size = len(chunk)
                sent += size
                if length is not None and sent > length:
                    raise Unavailable("upstream_failed", "The source sends more than it announced.")
                counter.inc(size)
                if isinstance(chunk, FileSlice):
                    await self._send_file(chunk)
                else:
                    await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            if length is not None and sent < length:
                raise Unavailable("upstream_failed", "The source breaks off.")
        await self._end()

    @property
    def sends_files(self) -> bool:
        """Whether the server sends files by itself."""
        return self._files is not None

    async def files(self, status: int, headers: Headers, pieces: list[FileSlice]) -> None:
        """Send an answer that is made of parts of files."""
        await self.head(status, headers)
        for piece in pieces:
            await self._send_file(piece)
        await self._end()

    def cut(self, reason: str) -> None:
        """Break off an answer that has begun: a body cut short must never look whole.

        :raises BodyCutError: where only that makes the server drop the connection.
        """
        metrics.ABORTS.labels(reason).inc()
        if self._files is None:
            raise BodyCutError(reason)
        self._files.cut()

    async def _end(self, body: bytes | memoryview = b"") -> None:
        if self._files is not None and self._files.has_left:
            # There is no end to be sent: uvicorn would miss the rest of the body.
            self.cut(metrics.LEFT)
            return
        await self._send({"type": "http.response.body", "body": body})
        self.has_ended = True

    async def _send_file(self, piece: FileSlice) -> None:
        try:
            await self._copy_file(piece)
        except (OSError, EOFError):
            raise Unavailable("upstream_failed", "A bucket can't be read any more.") from None

    async def _copy_file(self, piece: FileSlice) -> None:
        if self._files is not None:
            for at in range(0, piece.count, PIECE_BYTES):
                count = min(PIECE_BYTES, piece.count - at)
                await warm(piece, at, count)
                await self._files.send(piece.handle.fd, piece.offset + at, count)
            return
        at = 0
        while at < piece.count:
            chunk = await read_slice(piece, at)
            if not chunk:
                raise EOFError
            at += len(chunk)
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> bool:
    """Do `work`, and give it up at once when the client leaves: also while nothing can be sent or is being waited for.

    Whether it was done.

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
    if working.cancelled():
        return False
    working.result()
    return True


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _parts(
    body: bytes | memoryview, spans: tuple[tuple[int, int], ...] | None, total: int, frame: Multipart | None
) -> AsyncIterator[memoryview]:
    """Parts of what is in memory, with what stands between them."""
    view = memoryview(body)
    parts = frame.parts if frame else tuple((b"", *span) for span in spans or ((0, total),))
    for text, start, stop in parts:
        if text:
            yield memoryview(text)
        for position in range(start, stop, WRITE_BYTES):
            yield view[position : min(position + WRITE_BYTES, stop)]
    if frame:
        yield memoryview(frame.end)
