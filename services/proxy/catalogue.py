"""What is known of each object, and which of its bytes are here: in a fill's memory, in memory whole, or on disk."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from services.proxy.blocks import BLOCK_BYTES, BUCKET_BYTES, Representation, block_of, object_digest
from services.proxy.disk import Disk
from services.proxy.fills import Fill
from services.proxy.memory import CacheKey, Memory
from services.proxy.ranges import ByteRange
from services.proxy.slices import FileSlice

MAX_KNOWN: Final = 20_000
# After so long the origin is asked, behind the reader's back, whether the object is still the same.
FRESH_S: Final = 3600.0
# Buckets that an answer from disk alone may come from.
MOST_EXTENTS: Final = 8

Piece = memoryview | FileSlice


@dataclass(slots=True)
class CachedObject:
    """What is known of one object."""

    key: CacheKey
    digest: str
    representation: Representation | None = None
    # Monotonic seconds: when the origin last vouched for it.
    checked_at: float = 0.0
    # When it was asked last whether it still does.
    asked_at: float = float("-inf")
    # The origin's Cache-Control forbids storing.
    is_volatile: bool = False
    has_ranges: bool = True
    private_until: float = 0.0
    # The origin does not have it, as it said a moment ago.
    absent_until: float = 0.0
    # Somebody has asked for it: it is more than a guess of what they will.
    is_wanted: bool = False
    fills: list[Fill] = field(default_factory=list)


class Catalogue:
    """All objects of this process."""

    def __init__(self, memory: Memory, disk: Disk | None, clock: Callable[[], float]) -> None:
        self.memory = memory
        self.disk = disk
        self.clock = clock
        self._known: OrderedDict[CacheKey, CachedObject] = OrderedDict()

    @property
    def fills(self) -> list[Fill]:
        """All that are under way."""
        return [fill for known in self._known.values() for fill in known.fills]

    @property
    def is_disk_paused(self) -> bool:
        """Whether nothing is written to disk just now, because it is full or broken."""
        return self.disk is not None and self.disk.space.is_paused

    def of(self, key: CacheKey) -> CachedObject:
        """The object under `key`, with what disk knows of it."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = CachedObject(key, object_digest(*key))
            while len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        if found.representation is None and self.disk is not None:
            stored = self.disk.stored(found.digest)
            if stored is not None:
                found.representation = stored.representation
                found.checked_at = self.clock() - max(0.0, time.time() - stored.at)
        return found

    def kept(self, key: CacheKey) -> Representation | None:
        """What an object is, if disk may answer for it without a look at the origin."""
        known = self._known.get(key)
        if known is None or self.disk is None or self.is_due(known):
            return None
        return known.representation

    def is_due(self, known: CachedObject) -> bool:
        """Whether it is time to ask the origin whether an object is still the same."""
        return self.clock() - max(known.checked_at, known.asked_at) > FRESH_S

    def extents(self, key: CacheKey, representation: Representation, start: int, stop: int) -> list[FileSlice] | None:
        """All of a span of this generation, from disk; None if it is not all there, or long enough for some of it to
        leave meanwhile.
        """
        known = self._known.get(key)
        if known is None or self.disk is None or stop - start > MOST_EXTENTS * BUCKET_BYTES:
            return None
        stored = self.disk.stored(known.digest)
        if stored is None or not stored.representation.is_same(representation):
            return None
        found: list[FileSlice] = []
        while start < stop:
            extent = self.disk.extent(known.digest, start, stop)
            if extent is None:
                return None
            self.disk.touch(known.digest, start)
            found.append(extent)
            start += extent.count
        return found

    def age_s(self, key: CacheKey) -> float:
        """How long ago the origin vouched for an object."""
        return max(0.0, self.clock() - self.of(key).checked_at)

    def forget(self, known: CachedObject) -> None:
        """Let go of a generation: the origin has another one."""
        known.representation = None
        known.is_volatile, known.has_ranges = False, True
        for fill in known.fills:
            fill.abandon()
        known.fills.clear()
        self.memory.discard(known.key)
        if self.disk is not None:
            self.disk.forget(known.digest)

    def is_held(self, key: CacheKey, wanted: ByteRange | None) -> bool:
        """Whether all of a range is on disk."""
        known = self.of(key)
        if self.disk is None or known.representation is None:
            return False
        total = known.representation.total
        span = (0, total) if wanted is None else wanted.within(total)
        if span is None:
            return False
        held = range(block_of(span[0]), block_of(span[1] - 1) + 1)
        return all(self.disk.holds(known.digest, block) for block in held)

    async def at_hand(
        self, known: CachedObject, representation: Representation, followed: Fill | None, position: int, stop: int
    ) -> Piece | None:
        """Bytes of this generation from `position` on, up to `stop`; None if the next one is not here."""
        for fill in (followed, *known.fills):
            if fill is not None and fill.representation.is_same(representation):
                view = fill.view(position, stop)
                if view is not None:
                    return view
        entry = self.memory.peek(known.key)
        if (
            entry is not None
            and (entry.etag, entry.last_modified) == (representation.etag, representation.last_modified)
            and len(entry.body) == representation.total
        ):
            return memoryview(entry.body)[position : min(stop, position + BLOCK_BYTES)]
        if self.disk is None:
            return None
        stored = self.disk.stored(known.digest)
        if stored is None or not stored.representation.is_same(representation):
            return None
        extent = self.disk.extent(known.digest, position, stop)
        if extent is None and await self.disk.check(known.digest, block_of(position)):
            extent = self.disk.extent(known.digest, position, stop)
        if extent is not None:
            self.disk.touch(known.digest, position)
        return extent
