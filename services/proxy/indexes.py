"""Indexes of media files: read once for everyone who asks, as JSON."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from typing import Final

from services.common import codec
from services.common.errors import Refused, Unavailable
from services.proxy import metrics
from services.proxy.answers import NotMediaError, Private
from services.proxy.blocks import Representation
from services.proxy.fetches import ChangedError, UnsatisfiableError
from services.proxy.flights import Flights
from services.proxy.manifest import index
from services.proxy.memory import CacheKey, Entry, Memory, Shelf
from services.proxy.objects import Objects, Reading
from services.proxy.ranges import ByteRange, parse_content_range
from services.proxy.slices import FileSlice, read_whole
from services.proxy.sources import Source
from services.proxy.upstream import Answer

MIME_TYPE: Final = "application/json"
# Holds the head and the whole list of nearly every film.
HEAD_BYTES: Final = 64 * 1024
MAX_BYTES: Final = 4 * 1024 * 1024
_MAX_READS: Final = 6
_TTL_S: Final = 3600.0
_FAILED_TTL_S: Final = 60.0


def index_key(key: CacheKey) -> CacheKey:
    """What the index of an object is kept under."""
    return CacheKey(key.scope, f"{key.object_id}#index")


class Indexes:
    """`{"container", "duration", "init": [first, last], "pieces": [first, last]}` of a file, bytes inclusive.

    A file without one is answered `{"error": …}` with 400 by way of `Refused`.
    """

    def __init__(self, objects: Objects, memory: Memory, clock: Callable[[], float]) -> None:
        self._objects = objects
        self._memory = memory
        self._clock = clock
        self._flights: Flights[CacheKey, Entry] = Flights()

    async def get(self, source: Source) -> Entry:
        """The index of `source`.

        :raises Refused: `no_index` if the file has none.
        :raises WatchTogetherError: as `Objects.know`.
        """
        key = index_key(source.key)
        entry = self._memory.get(key, self._clock())
        if entry is None:
            entry = await self._flights.join(key, lambda: self._read(source, key))
        if not entry.body:
            raise index.no_index("it was looked at a moment ago")
        return entry

    async def close(self) -> None:
        """End what is being read."""
        await self._flights.close()

    async def _read(self, source: Source, key: CacheKey) -> Entry:
        try:
            found = await self._found(source)
        except NotMediaError:
            raise index.no_index("it is a manifest") from None
        except ChangedError:
            raise Unavailable("upstream_failed", "The source has changed in the middle.") from None
        except Refused as error:
            if error.code == "no_index":
                metrics.INDEXES.labels("none").inc()
                self._memory.put(key, Entry(b"", MIME_TYPE, Shelf.TEXT, ttl_s=_FAILED_TTL_S), self._clock())
            raise
        metrics.INDEXES.labels(found.container).inc()
        body = codec.encode(
            {
                "container": found.container,
                "duration": round(found.duration, 3),
                "init": [found.init[0], found.init[1] - 1],
                "pieces": [found.pieces[0], found.pieces[1] - 1],
            }
        )
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        entry = Entry(body, MIME_TYPE, Shelf.TEXT, etag=etag, ttl_s=_TTL_S)
        self._memory.put(key, entry, self._clock())
        return entry

    async def _found(self, source: Source) -> index.Index:
        parts = index.Parts()
        parts.add(0, await self._bytes(source, 0, HEAD_BYTES))
        for _ in range(_MAX_READS):
            found = index.read(parts)
            if isinstance(found, index.Index):
                return found
            if found.stop - found.start > MAX_BYTES:
                raise index.no_index("the list is too long")
            # Reading on in larger steps than the few bytes of a head.
            body = await self._bytes(source, found.start, max(found.stop, found.start + HEAD_BYTES))
            if len(body) < found.stop - found.start:
                raise index.no_index("the file ends early")
            parts.add(found.start, body)
        raise index.no_index("it is scattered")

    async def _bytes(self, source: Source, start: int, stop: int) -> bytes:
        """As many of the bytes `start` to `stop` as the file has: the players' own, who read them next.

        :raises Refused: `no_index` if the source knows no ranges.
        """
        entry = self._memory.get(source.key, self._clock())
        if entry is not None:
            return bytes(entry.body[start:stop])
        wanted = ByteRange(start, stop - 1)
        try:
            private = await self._objects.know(source, wanted)
        except UnsatisfiableError:
            return b""
        representation = self._objects.catalogue.of(source.key).representation
        if private is None and representation is not None:
            return await self._shared(source, representation, start, min(stop, representation.total))
        answer = await self._objects.relay(source, private or Private(None, None), wanted, "")
        try:
            return await _part(answer, start, stop)
        finally:
            answer.release()

    async def _shared(self, source: Source, representation: Representation, start: int, stop: int) -> bytes:
        body = bytearray()
        if start < stop:
            async with contextlib.aclosing(
                self._objects.read(source, representation, start, stop, Reading())
            ) as pieces:
                async for piece in pieces:
                    body += await read_whole(piece) if isinstance(piece, FileSlice) else piece
        return bytes(body)


async def _part(answer: Answer, start: int, stop: int) -> bytes:
    """The bytes `start` to `stop` of what one reader alone gets."""
    if answer.status == 416:
        return b""
    sent = parse_content_range(answer.headers.get("Content-Range")) if answer.status == 206 else None
    if (answer.status == 206 and (sent is None or sent.start != start)) or (answer.status == 200 and start):
        raise index.no_index("its parts can't be asked for")
    body = bytearray()
    async for chunk in answer.chunks():
        body += chunk
        if len(body) >= stop - start:
            break
    return bytes(body[: stop - start])
