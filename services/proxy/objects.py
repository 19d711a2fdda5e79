"""How a reader gets through an object.

It takes each byte from where it is: a fill's memory, a checked block on disk, or a fill that it begins because there is
none that brings this block soon. So an origin is asked for each block once, however many read it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from functools import partial

from services.common.errors import Refused, Unavailable
from services.proxy import metrics
from services.proxy.answers import Private, representation_of
from services.proxy.blocks import Representation, block_of
from services.proxy.catalogue import CachedObject, Catalogue, Piece
from services.proxy.fetches import ChangedError, Fetches, Opener
from services.proxy.fills import Fill
from services.proxy.flights import Flights
from services.proxy.memory import CacheKey
from services.proxy.ranges import ByteRange, parse_content_range
from services.proxy.slices import FileSlice
from services.proxy.sources import ABSENT, Source
from services.proxy.upstream import Answer


@dataclass(slots=True)
class Reading:
    """One reader's way through an object. `via` tells where its first byte came from, as X-Cache does."""

    via: str = ""
    age_s: float | None = None


class Objects:
    """All objects, as those who read them see them."""

    def __init__(self, opener: Opener, catalogue: Catalogue, max_fill_bytes: int) -> None:
        """:param max_fill_bytes: what whole small objects may take in memory while they arrive."""
        self.catalogue = catalogue
        self._opener = opener
        self._fetches = Fetches(opener, catalogue, max_fill_bytes)
        self._meetings: Flights[CacheKey, Private | None] = Flights()
        self._openings: Flights[tuple[CacheKey, int], Fill] = Flights()
        self._checks: set[asyncio.Task[None]] = set()

    async def know(self, source: Source, wanted: ByteRange | None) -> Private | None:
        """Learn what there is to know of an object by opening it where a reader wants it. None when that is done.

        Where the object can't be shared everyone relays an answer of their own; one may come with it.

        :raises NotMediaError: if it is a manifest.
        :raises UnsatisfiableError: if there is nothing where somebody wanted to begin.
        :raises WatchTogetherError: as `Opener.open`; `not_found` also where the origin said so a moment ago.
        """
        known = self.catalogue.of(source.key)
        if known.representation is None:
            now = self.catalogue.clock()
            if known.absent_until > now:
                raise Refused("not_found", ABSENT)
            if known.private_until > now:
                return Private(None, None)
            return await self._meetings.join(source.key, lambda: self._fetches.meet(source, known, wanted))
        if self.catalogue.is_due(known):
            self._check_behind(source, known)
        return None

    async def relay(self, source: Source, private: Private, wanted: ByteRange | None, if_range: str) -> Answer:
        """An answer for one reader alone, who releases it.

        :raises NotMediaError: if it is a manifest.
        :raises WatchTogetherError: as `Opener.open`.
        """
        return private.take(wanted) or await self._fetches.open(source, wanted, if_range)

    def is_new(self, key: CacheKey) -> bool:
        """Whether nothing is known of an object, and nobody is about to learn it."""
        return self.catalogue.of(key).representation is None and key not in self._meetings

    async def read(
        self, source: Source, representation: Representation, start: int, stop: int, reading: Reading
    ) -> AsyncGenerator[Piece, None]:
        """Bytes `start` to `stop` of this generation, each piece as soon as it is there.

        :raises ChangedError: if the origin has another generation by now.
        :raises WatchTogetherError: if the origin fails before `stop`.
        """
        known = self.catalogue.of(source.key)
        position = start
        followed: Fill | None = None
        moved: Callable[[int], None] = _stay
        with contextlib.ExitStack() as following:
            while position < stop:
                piece = await self.catalogue.at_hand(known, representation, followed, position, stop)
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
                    beginning = partial(self._fetches.begin, source, known, position)
                    fill = await self._openings.join((known.key, block_of(position)), beginning)
                    reading.via = reading.via or fill.via
                elif fill is not followed and (followed is not None or reading.via != "MISS"):
                    # The first reader of all has begun this one.
                    metrics.SHARED_FILLS.inc()
                if fill is not followed:
                    following.close()
                    followed, moved = fill, following.enter_context(fill.reading(position))
                await fill.wait(position)

    async def close(self) -> None:
        """Give up what is on its way."""
        await self._meetings.close()
        await self._openings.close()
        for task in list(self._checks):
            task.cancel()
        fills = self.catalogue.fills
        for fill in fills:
            fill.give_up()
        await asyncio.gather(*self._checks, *(fill.done() for fill in fills), return_exceptions=True)

    def _check_behind(self, source: Source, known: CachedObject) -> None:
        known.asked_at = self.catalogue.clock()
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
                self.catalogue.forget(known)
            elif total is not None:
                known.checked_at = known.asked_at


def _stay(position: int) -> None:
    """Nobody is followed yet."""
