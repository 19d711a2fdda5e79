"""Bytes: from memory, from an object that is kept or on its way, or passed through as they come."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from services.common.errors import Unavailable
from services.proxy import heads, metrics
from services.proxy.answers import NotMediaError, entry_of, is_storable, is_volatile, representation_of, type_of
from services.proxy.blocks import Representation
from services.proxy.catalogue import Piece
from services.proxy.client import Client
from services.proxy.fetches import ChangedError, UnsatisfiableError
from services.proxy.manifests import is_manifest_type
from services.proxy.memory import MAX_ENTRY_BYTES, CacheKey, Memory
from services.proxy.multipart import Multipart
from services.proxy.objects import Objects, Reading
from services.proxy.ranges import ByteRange, ContentRange, parse_content_range, parse_unsatisfied
from services.proxy.slices import FileSlice
from services.proxy.sources import Source, Sources
from services.proxy.upstream import Answer

# An origin that has another generation at every request is not to be served.
MOST_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that is on disk: `length` bytes in all."""

    status: int
    head: heads.Headers
    pieces: list[FileSlice]
    length: int


class Media:
    """Answers requests for bytes."""

    def __init__(self, sources: Sources, memory: Memory, objects: Objects, clock: Callable[[], float]) -> None:
        self._sources = sources
        self._memory = memory
        self._objects = objects
        self._clock = clock

    def kept(self, key: CacheKey, client: Client) -> Kept | None:
        """An answer from disk alone, if all that is asked for is there."""
        wish = client.wish
        representation = self._objects.catalogue.kept(key)
        if representation is None or wish.is_head or wish.conditions or len(wish.ranges) > 1 or not client.sends_files:
            return None
        spans = client.spans(representation.etag, representation.last_modified, representation.total)
        if spans == ():
            return None
        start, stop = spans[0] if spans else (0, representation.total)
        pieces = self._objects.catalogue.extents(key, representation, start, stop)
        if pieces is None:
            return None
        status, head, _ = client.framed(representation, spans, "L2", self._objects.catalogue.age_s(key))
        return Kept(status, head, pieces, stop - start)

    async def serve_kept(self, kept: Kept, client: Client) -> None:
        """Send `kept`. Nothing of it can wait for anything but the client, whose leaving the socket tells.

        :raises Unavailable: if a file can't be read any more; the connection must be dropped.
        """
        metrics.REQUESTS.labels("L2").inc()
        metrics.SENT_BYTES.labels("L2").inc(kept.length)
        await client.files(kept.status, kept.head, kept.pieces)

    async def serve(self, source: Source, client: Client) -> None:
        """Answer `client` with the bytes of `source`.

        :raises NotMediaError: before anything was sent.
        :raises WatchTogetherError: as `Sources.open`; once the head was sent the connection must be dropped.
        """
        is_first = self._objects.is_new(source.key)
        self._objects.catalogue.of(source.key).is_wanted = True
        for _ in range(MOST_TRIES):
            entry = self._memory.get(source.key, self._clock())
            if entry is not None:
                await client.entry(entry, self._clock(), "MISS" if is_first else "L1")
                return
            known = self._objects.catalogue.of(source.key)
            if known.representation is None:
                if await self._met(source, client):
                    return
                continue
            await self._objects.know(source, None)
            try:
                await self._send(source, client, known.representation, Reading("MISS" if is_first else ""))
                return
            except ChangedError:
                if client.has_begun:
                    raise Unavailable("upstream_failed", "The source has changed in the middle.") from None
        raise Unavailable("upstream_failed", "The source changes all the time.")

    async def _met(self, source: Source, client: Client) -> bool:
        """Open an object of which nothing is known. Whether the client was answered with that."""
        if client.wish.is_head:
            await self._head(source, client)
            return True
        try:
            private = await self._objects.know(source, client.wish.range)
        except UnsatisfiableError as error:
            # Others may have asked for a part that does not exist.
            if error.total is None or not any(each.within(error.total) for each in client.wish.ranges):
                await client.unsatisfiable(error.total, "PASS")
                return True
            return False
        if private is None:
            return False
        wanted = client.wish.range if len(client.wish.ranges) == 1 else None
        answer = await self._objects.relay(source, private, wanted, client.wish.if_range if wanted else "")
        try:
            await self._relay(source, client, answer, wanted)
        finally:
            answer.release()
        return True

    async def _send(self, source: Source, client: Client, representation: Representation, reading: Reading) -> None:
        age_s = self._objects.catalogue.age_s(source.key)
        if await client.settled(representation.etag, representation.last_modified, "META", age_s):
            return
        total = representation.total
        spans = client.spans(representation.etag, representation.last_modified, total)
        if spans == ():
            await client.unsatisfiable(total, "META", age_s)
            return
        if client.wish.is_head:
            status, head, _ = client.framed(representation, None, "META", age_s)
            metrics.REQUESTS.labels("META").inc()
            await client.whole(status, head)
            return
        start, stop = spans[0] if spans else (0, total)
        # The first byte first: what goes wrong until then has a status of its own.
        async with contextlib.aclosing(self._objects.read(source, representation, start, stop, reading)) as pieces:
            first = await anext(pieces)
            age_s = self._objects.catalogue.age_s(source.key)
            status, head, frame = client.framed(representation, spans, reading.via, age_s)
            metrics.REQUESTS.labels(reading.via).inc()
            await client.head(status, head)
            if frame is None:
                await client.body(_after(first, pieces), reading.via, stop - start)
                return
            async with contextlib.aclosing(self._parts(source, representation, frame, first, pieces)) as parts:
                await client.body(parts, reading.via, frame.length)

    async def _parts(
        self,
        source: Source,
        representation: Representation,
        frame: Multipart,
        first: Piece,
        pieces: AsyncGenerator[Piece, None],
    ) -> AsyncGenerator[Piece, None]:
        """The parts of several ranges; the first one's bytes are `first` and `pieces`."""
        for number, (text, start, stop) in enumerate(frame.parts):
            yield memoryview(text)
            if number == 0:
                yield first
            else:
                pieces = self._objects.read(source, representation, start, stop, Reading())
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    yield piece
        yield memoryview(frame.end)

    async def _head(self, source: Source, client: Client) -> None:
        try:
            answer = await self._sources.open(source, method="HEAD")
        except Unavailable as error:
            if error.code != "upstream_failed":
                raise
            # Some CDNs know GET alone: its head tells the same.
            answer = await self._sources.open(source)
        answer.release()
        if is_manifest_type(answer.headers.get("Content-Type", "")):
            raise NotMediaError
        validators = representation_of(source, answer, 0)
        if await client.settled(validators.etag, validators.last_modified, "PASS", _age_s(answer)):
            return
        metrics.REQUESTS.labels("PASS").inc()
        await client.whole(200, _head_of(source, answer, _length(answer), None))

    async def _relay(self, source: Source, client: Client, answer: Answer, wanted: ByteRange | None) -> None:
        """Send an answer to `wanted` that can't be shared, as it comes."""
        if answer.status == 416:
            total = parse_unsatisfied(answer.headers.get("Content-Range"))
            await client.unsatisfiable(total, "PASS", _age_s(answer))
            return
        validators = representation_of(source, answer, 0)
        if await client.settled(validators.etag, validators.last_modified, "PASS", _age_s(answer)):
            return
        length, content_range = _length(answer), None
        if answer.status == 206:
            content_range = _right_part(answer, wanted, length)
            length = content_range.stop - content_range.start
        metrics.REQUESTS.labels("PASS").inc()
        ignores_ranges = wanted is not None and answer.status == 200
        await client.head(answer.status, _head_of(source, answer, length, content_range, ignores_ranges=ignores_ranges))
        is_kept = answer.status == 200 and length is None and is_storable(source, answer)
        await client.body(self._kept(source, answer) if is_kept else answer.chunks(), "PASS", length)

    async def _kept(self, source: Source, answer: Answer) -> AsyncIterator[bytes]:
        """The body of unknown length, put into memory if it ends well and is small."""
        parts: list[bytes] | None = []
        size = 0
        async for chunk in answer.chunks():
            size += len(chunk)
            if size >= MAX_ENTRY_BYTES:
                parts = None
            elif parts is not None:
                parts.append(chunk)
            yield chunk
        if parts:
            representation = representation_of(source, answer, size)
            entry = entry_of(source, representation, b"".join(parts), is_volatile=is_volatile(answer))
            self._memory.put(source.key, entry, self._clock())


async def _after(first: Piece, pieces: AsyncGenerator[Piece, None]) -> AsyncIterator[Piece]:
    yield first
    async for piece in pieces:
        yield piece


def _age_s(answer: Answer) -> float:
    """How old the origin, or a cache in front of it, says its answer is."""
    declared = answer.headers.get("Age", "")
    return float(declared) if declared.isascii() and declared.isdigit() and len(declared) <= 10 else 0.0


def _length(answer: Answer) -> int | None:
    declared = answer.headers.get("Content-Length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else None


def _right_part(answer: Answer, wanted: ByteRange | None, length: int | None) -> ContentRange:
    """Which part a 206 brings.

    :raises Unavailable: `upstream_failed` if that is not what was asked for: it would come into the wrong place of a
        player's buffer.
    """
    sent = parse_content_range(answer.headers.get("Content-Range"))
    if sent is None or wanted is None:
        raise Unavailable("upstream_failed", "The source sends a part without saying which, or unasked.")
    if wanted.first is None:
        span = None if sent.total is None else wanted.within(sent.total)
        is_right = span is None or span[0] == sent.start
    else:
        is_right = sent.start == wanted.first and (wanted.last is None or sent.stop <= wanted.last + 1)
    if not is_right or length not in (None, sent.stop - sent.start):
        raise Unavailable("upstream_failed", "The source sends another part than was asked for.")
    return sent


def _head_of(
    source: Source,
    answer: Answer,
    length: int | None,
    content_range: ContentRange | None,
    *,
    ignores_ranges: bool = False,
) -> heads.Headers:
    head = heads.body_head(
        "PASS",
        type_of(source, answer),
        length=length,
        content_range=content_range,
        has_ranges=not ignores_ranges,
        etag=answer.headers.get("ETag", ""),
        last_modified=answer.headers.get("Last-Modified", ""),
        age_s=_age_s(answer),
    )
    encoding = answer.headers.get("Content-Encoding", "")
    return [*head, (b"content-encoding", encoding.encode("latin-1", "replace"))] if encoding else head
