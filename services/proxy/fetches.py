"""How an object gets here: what is opened where, and what of it becomes a fill that everybody reads."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final, Protocol

from services.common.errors import Refused, Unavailable
from services.proxy import blocks, metrics
from services.proxy.answers import (
    Private,
    entry_of,
    is_storable,
    is_trusted,
    is_volatile,
    looked_at,
    representation_of,
    span_of,
    to_ask,
)
from services.proxy.blocks import BLOCK_BYTES, Representation, block_of, bucket_stop
from services.proxy.catalogue import CachedObject, Catalogue
from services.proxy.fills import Fill
from services.proxy.keeper import DiskKeeper
from services.proxy.memory import MAX_ENTRY_BYTES
from services.proxy.ranges import ByteRange, parse_content_range, parse_unsatisfied
from services.proxy.sources import Source
from services.proxy.upstream import Answer

# What is smaller is kept in memory alone: a file each would cost more than fetching it again.
MIN_DISK_BYTES: Final = 64 * 1024
# What is larger and kept on disk takes no memory beside: new memory costs more than all else about a fetch, and what
# disk keeps is sent from the system's own memory for two thirds of what it costs from ours.
MOST_TWICE_BYTES: Final = 2 << 20
# Whoever asks again so soon for what is not there is told so without the origin: a crowd retries together, and what
# comes late, as at the edge of a live stream, is not held up.
ABSENT_S: Final = 0.5
# For so long nobody tries to share an object that could not be shared.
PRIVATE_S: Final = 60.0
# What was opened for somebody who has left meanwhile is let go after so long.
UNCLAIMED_S: Final = 1.0


class ChangedError(Exception):
    """The origin has another generation of the object now: what was read so far belongs to the one before."""


class UnsatisfiableError(Exception):
    """There is nothing where a reader wants to begin. `total` is the object's length, None if nobody says."""

    def __init__(self, total: int | None) -> None:
        super().__init__(total)
        self.total = total


class Opener(Protocol):
    """Where bytes come from: an upstream, or another node that has them."""

    async def open(self, source: Source, *, wanted: ByteRange | None = None, if_range: str = "") -> Answer: ...


class Fetches:
    """Opens objects, and begins fills with what comes."""

    def __init__(self, opener: Opener, catalogue: Catalogue, max_fill_bytes: int) -> None:
        """:param max_fill_bytes: what whole small objects may take in memory while they arrive."""
        self._opener = opener
        self._catalogue = catalogue
        self._disk = catalogue.disk
        self._max_fill_bytes = max_fill_bytes
        self._filling_bytes = 0

    async def meet(self, source: Source, known: CachedObject, wanted: ByteRange | None) -> Private | None:
        """Open an object of which nothing is known, and begin a fill with what comes."""
        asked = to_ask(wanted)
        try:
            answer = await self.open(source, asked)
        except Refused as error:
            if error.code == "not_found":
                known.absent_until = self._catalogue.clock() + ABSENT_S
            raise
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
        if asked is None or asked.first is not None:
            # That an origin has no answer to a suffix tells nothing of what it says to others.
            known.private_until = self._catalogue.clock() + PRIVATE_S
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

    async def begin(self, source: Source, known: CachedObject, position: int) -> Fill:
        """Open a known object at the block that holds `position`."""
        representation = known.representation
        if representation is None:
            raise ChangedError
        for fill in known.fills:
            # The reader may just have missed it.
            if fill.serves(position):
                return fill
        asked = self._span(known, representation, position)
        answer = await self.open(source, asked)
        try:
            begun = None if answer.status == 416 else self._fill_of(source, known, answer, asked)
        except BaseException:
            answer.release()
            raise
        if begun is None:
            # There was a byte here that could be shared: the object is another one by now.
            answer.release()
            self._catalogue.forget(known)
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
            if is_coming or (self._catalogue.disk is not None and self._catalogue.disk.holds(known.digest, block)):
                end = edge
                break
        return ByteRange(start, end - 1)

    async def open(self, source: Source, wanted: ByteRange | None, if_range: str = "") -> Answer:
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
        has_ranges = answer.status == 206 or "bytes" in answer.headers.get("Accept-Ranges", "").lower()
        if not lasts and not is_whole:
            return None
        if answer.status == 200 and not is_whole:
            if ignores_ranges or not has_ranges:
                return None
            stop = bucket_stop(0, total)
        is_kept = self._disk is not None and lasts and total >= MIN_DISK_BYTES and not is_volatile(answer)
        is_kept_once = is_kept and total > MOST_TWICE_BYTES and has_ranges and not self._catalogue.is_disk_paused
        whole = self._room_for(total) if is_whole and not is_kept_once else None
        if whole is None and (ignores_ranges or not lasts):
            return None
        if known.representation is not None and not known.representation.is_same(representation):
            metrics.CHANGED.inc()
            self._catalogue.forget(known)
        self._learn(known, representation, answer)
        known.has_ranges = known.has_ranges and not ignores_ranges
        fill = Fill(
            answer,
            representation,
            start,
            stop,
            keeper=DiskKeeper(self._disk, known.digest, representation) if is_kept and self._disk is not None else None,
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
        known.checked_at = self._catalogue.clock()
        known.is_volatile = is_volatile(answer)

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
            entry.is_on_trial = not known.is_wanted
            self._catalogue.memory.put(known.key, entry, self._catalogue.clock())
        if not (fill.representation.is_strong or is_trusted(source)):
            # Nothing that comes later can be told to belong to it.
            known.representation = None


def _without(fills: list[Fill], fill: Fill) -> None:
    if fill in fills:
        fills.remove(fill)
