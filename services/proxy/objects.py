"""Objects of bytes: what is known of each, who fetches what of it, and how a reader gets through it.

A reader takes each byte from where it is: a fill's memory, a checked block on disk, or a fill that it begins because
there is none that brings this block soon. So an origin is asked for each block once, however many read it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from services.common.errors import Refused, Unavailable
from services.proxy import blocks, metrics
from services.proxy.answers import (
    Private,
    entry_of,
    is_storable,
    is_trusted,
    looked_at,
    representation_of,
    span_of,
    to_ask,
)
from services.proxy.blocks import BLOCK_BYTES, BUCKET_BYTES, Representation, block_of, bucket_stop, object_digest
from services.proxy.bucket import Bucket
from services.proxy.disk import Disk, FileSlice
from services.proxy.fills import Fill
from services.proxy.flights import Flights
from services.proxy.memory import MAX_ENTRY_BYTES, CacheKey, Memory
from services.proxy.ranges import ByteRange, parse_content_range, parse_unsatisfied
from services.proxy.sources import Source
from services.proxy.upstream import Answer

MAX_KNOWN: Final = 20_000
# What is smaller is kept in memory alone: a file each would cost more than fetching it again.
MIN_DISK_BYTES: Final = 64 * 1024
# For so long nobody tries to share an object that could not be shared.
PRIVATE_S: Final = 60.0
# What was opened for somebody who has left meanwhile is let go after so long.
UNCLAIMED_S: Final = 1.0
# After so long the origin is asked, behind the reader's back, whether the object is still the same.
FRESH_S: Final = 3600.0
# Buckets that an answer from disk alone may come from.
MOST_EXTENTS: Final = 8

Piece = memoryview | FileSlice


class ChangedError(Exception):
    """The origin has another generation of the object now: what was read so far belongs to the one before."""


class Opener(Protocol):
    """Where bytes come from: an upstream, or another node that has them."""

    async def open(self, source: Source, *, wanted: ByteRange | None = None, if_range: str = "") -> Answer: ...


@dataclass(slots=True)
class Reading:
    """One reader's way through an object. `via` tells where its first byte came from, as X-Cache does."""

    via: str = ""
    age_s: float | None = None


@dataclass(slots=True)
class CachedObject:
    """What is known of one object."""

    key: CacheKey
    digest: str
    representation: Representation | None = None
    # Monotonic seconds: when the origin last vouched for it.
    checked_at: float = 0.0
    # The origin's Cache-Control forbids storing.
    is_volatile: bool = False
    has_ranges: bool = True
    private_until: float = 0.0
    fills: list[Fill] = field(default_factory=list)


class Objects:
    """All objects of this process."""

    def __init__(
        self, opener: Opener, memory: Memory, disk: Disk | None, clock: Callable[[], float], max_fill_bytes: int
    ) -> None:
        """:param max_fill_bytes: what whole small objects may take in memory while they arrive."""
        self._opener = opener
        self._memory = memory
        self._disk = disk
        self._clock = clock
        self._max_fill_bytes = max_fill_bytes
        self._filling_bytes = 0
        self._known: OrderedDict[CacheKey, CachedObject] = OrderedDict()
        self._meetings: Flights[CacheKey, Private | None] = Flights()
        self._openings: Flights[tuple[CacheKey, int], Fill] = Flights()
        self._checks: set[asyncio.Task[None]] = set()

    def of(self, key: CacheKey) -> CachedObject:
        """The object under `key`, with what disk knows of it."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = CachedObject(key, object_digest(*key))
            while len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        if found.representation is None and self._disk is not None:
            stored = self._disk.stored(found.digest)
            if stored is not None:
                found.representation = stored.representation
                found.checked_at = self._clock() - max(0.0, time.time() - stored.at)
        return found

    async def know(self, source: Source, wanted: ByteRange | None) -> Private | None:
        """Learn what there is to know of an object by opening it where a reader wants it. None when that is done.

        Where the object can't be shared everyone relays an answer of their own; one may come with it.

        :raises NotMediaError: if it is a manifest.
        :raises UnsatisfiableError: if there is nothing where somebody wanted to begin.
        :raises WatchTogetherError: as `Opener.open`.
        """
        known = self.of(source.key)
        if known.representation is None:
            if known.private_until > self._clock():
                return Private(None, None)
            return await self._meetings.join(source.key, lambda: self._meet(source, known, wanted))
        if self._clock() - known.checked_at > FRESH_S:
            self._check_behind(source, known)
        return None

    async def relay(self, source: Source, private: Private, wanted: ByteRange | None, if_range: str) -> Answer:
        """An answer for one reader alone, who releases it.

        :raises NotMediaError: if it is a manifest.
        :raises WatchTogetherError: as `Opener.open`.
        """
        return private.take(wanted) or await self._open(source, wanted, if_range)

    def kept(self, key: CacheKey) -> Representation | None:
        """What an object is, if disk may answer for it without a look at the origin."""
        known = self._known.get(key)
        if known is None or self._disk is None or self._clock() - known.checked_at > FRESH_S:
            return None
        return known.representation

    def extents(self, key: CacheKey, start: int, stop: int) -> list[FileSlice] | None:
        """All of a span, from disk; None if it is not all there, or long enough for some of it to leave meanwhile."""
        known = self._known.get(key)
        if known is None or self._disk is None or stop - start > MOST_EXTENTS * BUCKET_BYTES:
            return None
        found: list[FileSlice] = []
        while start < stop:
            extent = self._disk.extent(known.digest, start, stop)
            if extent is None:
                return None
            self._disk.touch(known.digest, start)
            found.append(extent)
            start += extent.count
        return found

    def is_new(self, key: CacheKey) -> bool:
        """Whether nothing is known of an object, and nobody is about to learn it."""
        return self.of(key).representation is None and key not in self._meetings

    def age_s(self, key: CacheKey) -> float:
        """How long ago the origin vouched for an object."""
        return max(0.0, self._clock() - self.of(key).checked_at)

    async def read(
        self, source: Source, representation: Representation, start: int, stop: int, reading: Reading
    ) -> AsyncGenerator[Piece, None]:
        """Bytes `start` to `stop` of this generation, each piece as soon as it is there.

        :raises ChangedError: if the origin has another generation by now.
        :raises WatchTogetherError: if the origin fails before `stop`.
        """
        known = self.of(source.key)
        position = start
        followed: Fill | None = None
        moved: Callable[[int], None] = _stay
        with contextlib.ExitStack() as following:
            while position < stop:
                piece = await self._at_hand(known, representation, followed, position, stop)
                if piece is not None:
                    reading.via = reading.via or ("L2" if isinstance(piece, FileSlice) else "FILL")
                    yield piece
                    position += len(piece)
                    moved(position)
                    continue
                if known.representation is None or not known.representation.is_same(representation):
                    raise ChangedError
                if followed is not None and followed.failure is not None and position >= followed.arrived:
                    raise followed.failure
                fill = next((each for each in known.fills if each.serves(position)), None)
                if fill is None:
                    beginning = partial(self._begin, source, known, position)
                    fill = await self._openings.join((known.key, block_of(position)), beginning)
                    reading.via = reading.via or fill.via
                elif fill is not followed:
                    metrics.SHARED_FILLS.inc()
                if fill is not followed:
                    following.close()
                    followed, moved = fill, following.enter_context(fill.reading(position))
                await fill.wait(position)

    def forget(self, known: CachedObject) -> None:
        """Let go of a generation: the origin has another one."""
        known.representation = None
        known.is_volatile, known.has_ranges = False, True
        for fill in known.fills:
            fill.give_up()
        known.fills.clear()
        self._memory.discard(known.key)
        if self._disk is not None:
            self._disk.forget(known.digest)

    def is_held(self, key: CacheKey, wanted: ByteRange | None) -> bool:
        """Whether all of a range is on disk."""
        known = self.of(key)
        if self._disk is None or known.representation is None:
            return False
        total = known.representation.total
        span = (0, total) if wanted is None else wanted.within(total)
        if span is None:
            return False
        held = range(block_of(span[0]), block_of(span[1] - 1) + 1)
        return all(self._disk.holds(known.digest, block) for block in held)

    async def close(self) -> None:
        """Give up what is on its way."""
        await self._meetings.close()
        await self._openings.close()
        for task in list(self._checks):
            task.cancel()
        tasks = [fill for known in self._known.values() for fill in known.fills]
        for fill in tasks:
            fill.give_up()
        await asyncio.gather(*self._checks, *(fill.done() for fill in tasks), return_exceptions=True)

    async def _at_hand(
        self, known: CachedObject, representation: Representation, followed: Fill | None, position: int, stop: int
    ) -> Piece | None:
        for fill in (followed, *known.fills):
            if fill is not None and fill.representation.is_same(representation):
                view = fill.view(position, stop)
                if view is not None:
                    return view
        entry = self._memory.peek(known.key)
        if entry is not None and entry.etag == representation.etag and len(entry.body) == representation.total:
            return memoryview(entry.body)[position : min(stop, position + BLOCK_BYTES)]
        if self._disk is None:
            return None
        stored = self._disk.stored(known.digest)
        if stored is None or not stored.representation.is_same(representation):
            return None
        extent = self._disk.extent(known.digest, position, stop)
        if extent is None and await self._disk.check(known.digest, block_of(position)):
            extent = self._disk.extent(known.digest, position, stop)
        if extent is not None:
            self._disk.touch(known.digest, position)
        return extent

    async def _meet(self, source: Source, known: CachedObject, wanted: ByteRange | None) -> Private | None:
        """Open an object of which nothing is known, and begin a fill with what comes."""
        asked = to_ask(wanted)
        answer = await self._open(source, asked)
        is_settled = False
        try:
            if answer.status == 416 and asked is not None and asked.first:
                raise UnsatisfiableError(parse_unsatisfied(answer.headers.get("Content-Range")))
            if asked is not None and asked.first is None:
                is_settled = self._meet_by_suffix(source, known, answer)
            elif answer.status != 416:
                is_settled = self._fill_of(source, known, answer, asked) is not None
        except BaseException:
            answer.release()
            raise
        if is_settled:
            return None
        known.private_until = self._clock() + PRIVATE_S
        private = Private(answer, asked)
        asyncio.get_running_loop().call_later(UNCLAIMED_S, private.discard)
        return private

    def _meet_by_suffix(self, source: Source, known: CachedObject, answer: Answer) -> bool:
        """A suffix tells how long the object is. Its own bytes begin within a block, and are not used."""
        sent = parse_content_range(answer.headers.get("Content-Range")) if answer.status == 206 else None
        if sent is None or sent.total is None or not is_storable(source, answer):
            return False
        representation = representation_of(source, answer, sent.total)
        if not (representation.is_strong or is_trusted(source)):
            return False
        answer.release()
        self._learn(known, representation, answer)
        return True

    async def _begin(self, source: Source, known: CachedObject, position: int) -> Fill:
        """Open a known object at the block that holds `position`."""
        representation = known.representation
        if representation is None:
            raise ChangedError
        for fill in known.fills:
            # The reader may just have missed it.
            if fill.serves(position):
                return fill
        asked = self._span(known, representation, position)
        answer = await self._open(source, asked)
        try:
            begun = None if answer.status == 416 else self._fill_of(source, known, answer, asked)
        except BaseException:
            answer.release()
            raise
        if begun is None:
            # There was a byte here that could be shared: the object is another one by now.
            answer.release()
            self.forget(known)
            raise ChangedError
        if not begun.representation.is_same(representation):
            raise ChangedError
        return begun

    def _span(self, known: CachedObject, representation: Representation, position: int) -> ByteRange | None:
        """What to ask for so that `position` comes first: to the end of its bucket, or to what is there already."""
        if not known.has_ranges:
            return None
        start, end = blocks.floor(position), bucket_stop(position, representation.total)
        for block in range(block_of(start) + 1, block_of(end - 1) + 1):
            edge = block * BLOCK_BYTES
            is_coming = any(fill.start == edge or fill.start < edge < fill.arrived for fill in known.fills)
            if is_coming or (self._disk is not None and self._disk.holds(known.digest, block)):
                end = edge
                break
        return ByteRange(start, end - 1)

    async def _open(self, source: Source, wanted: ByteRange | None, if_range: str = "") -> Answer:
        """Ask the origin, and look at what comes.

        :raises NotMediaError: if it is a manifest.
        """
        answer = await self._opener.open(source, wanted=wanted, if_range=if_range)
        try:
            return await looked_at(answer)
        except BaseException:
            answer.release()
            raise

    def _fill_of(self, source: Source, known: CachedObject, answer: Answer, asked: ByteRange | None) -> Fill | None:
        """Begin a fill with an answer; None if it can't be shared.

        :raises Unavailable: `upstream_failed` if its head contradicts itself or what was asked for.
        """
        span = span_of(answer, asked)
        if span is None or not is_storable(source, answer):
            return None
        start, stop, total = span
        representation = representation_of(source, answer, total)
        lasts = representation.is_strong or is_trusted(source)
        is_whole = start == 0 and stop == total and total < MAX_ENTRY_BYTES
        ignores_ranges = asked is not None and answer.status == 200
        if not lasts and not is_whole:
            return None
        if answer.status == 200 and not is_whole:
            if ignores_ranges or "bytes" not in answer.headers.get("Accept-Ranges", "").lower():
                return None
            stop = bucket_stop(0, total)
        whole = self._room_for(total) if is_whole else None
        if whole is None and (ignores_ranges or not lasts):
            return None
        if known.representation is not None and not known.representation.is_same(representation):
            metrics.CHANGED.inc()
            self.forget(known)
        self._learn(known, representation, answer)
        known.has_ranges = known.has_ranges and not ignores_ranges
        is_kept = lasts and not known.is_volatile and total >= MIN_DISK_BYTES
        fill = Fill(
            answer,
            representation,
            start,
            stop,
            keeper=_DiskKeeper(self._disk, known.digest, representation)
            if is_kept and self._disk is not None
            else None,
            reopen=partial(self._resume, source, representation) if lasts and known.has_ranges else None,
            whole=whole,
            is_only_way=not known.has_ranges or not lasts,
            via=getattr(answer, "via", "MISS"),
        )
        for other in list(known.fills):
            other.trim(start)
            if not other.is_read:
                # A player that seeks leaves its fills behind.
                other.leave_if_unread()
        known.fills.append(fill)
        metrics.FILLS.inc()
        fill.begin(partial(self._ended, source, known), lambda fill: _without(known.fills, fill))
        # Whoever asked may have left meanwhile.
        asyncio.get_running_loop().call_later(UNCLAIMED_S, fill.leave_if_unread)
        return fill

    def _room_for(self, total: int) -> bytearray | None:
        """Memory for a whole small object, as far as there is some for objects on their way."""
        if self._filling_bytes + total > self._max_fill_bytes:
            return None
        self._filling_bytes += total
        return bytearray(total)

    def _learn(self, known: CachedObject, representation: Representation, answer: Answer) -> None:
        known.representation = representation
        known.checked_at = self._clock()
        known.is_volatile = "no-store" in answer.headers.get("Cache-Control", "").lower()

    async def _resume(self, source: Source, representation: Representation, start: int, stop: int) -> Answer:
        """Open the rest of a fill.

        :raises WatchTogetherError: if it is not the rest of the same generation.
        """
        answer = await self._opener.open(source, wanted=ByteRange(start, stop - 1))
        sent = parse_content_range(answer.headers.get("Content-Range")) if answer.status == 206 else None
        if (
            sent is None
            or sent.start != start
            or sent.stop > stop
            or sent.total is None
            or not representation_of(source, answer, sent.total).is_same(representation)
        ):
            answer.release()
            raise Unavailable("upstream_failed", "The source does not go on where it broke off.")
        return answer

    def _ended(self, source: Source, known: CachedObject, fill: Fill) -> None:
        if fill.whole is None:
            return
        self._filling_bytes -= len(fill.whole)
        if known.representation is None or not known.representation.is_same(fill.representation):
            return
        if fill.is_complete:
            entry = entry_of(source, fill.representation, fill.whole, is_volatile=known.is_volatile)
            self._memory.put(known.key, entry, self._clock())
        if not (fill.representation.is_strong or is_trusted(source)):
            # Nothing that comes later can be told to belong to it.
            known.representation = None

    def _check_behind(self, source: Source, known: CachedObject) -> None:
        known.checked_at = self._clock()
        task = asyncio.create_task(self._check(source, known))
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    async def _check(self, source: Source, known: CachedObject) -> None:
        """Ask for one byte to see whether the object is still the same. If nobody answers, it is."""
        with contextlib.suppress(Refused, Unavailable):
            answer = await self._opener.open(source, wanted=ByteRange(0, 0))
            answer.release()
            sent = parse_content_range(answer.headers.get("Content-Range")) if answer.status == 206 else None
            length = answer.headers.get("Content-Length", "")
            total = sent.total if sent else int(length) if answer.status == 200 and length.isdecimal() else None
            held = known.representation
            if total is not None and held and not representation_of(source, answer, total).is_same(held):
                self.forget(known)


class UnsatisfiableError(Exception):
    """There is nothing where a reader wants to begin. `total` is the object's length, None if nobody says."""

    def __init__(self, total: int | None) -> None:
        super().__init__(total)
        self.total = total


class _DiskKeeper:
    """Writes a fill's blocks into buckets."""

    def __init__(self, disk: Disk, digest: str, representation: Representation) -> None:
        self._disk = disk
        self._digest = digest
        self._representation = representation
        self._bucket: Bucket | None = None

    async def keep(self, block: int, data: memoryview) -> bool:
        number = blocks.bucket_of(block)
        if self._bucket is None or self._bucket.number != number:
            self.close()
            self._bucket = await self._disk.claim(self._digest, number, self._representation)
        return self._bucket is not None and await self._disk.write(self._bucket, block, data)

    def close(self) -> None:
        if self._bucket is not None:
            self._disk.release(self._bucket)
            self._bucket = None


def _without(fills: list[Fill], fill: Fill) -> None:
    if fill in fills:
        fills.remove(fill)


def _stay(position: int) -> None:
    """Nobody is followed yet."""
