"""Fetching what players are about to ask for: what follows in the rendition, or the file, that one is reading.

Only what the reader may read: the addresses come from the very playlist that it was given. What is fetched is on trial
in memory until somebody asks for it. It stops when the player goes elsewhere, and rests where there is too much to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from services.common.errors import WatchTogetherError
from services.common.stream import Kind
from services.proxy import metrics
from services.proxy.answers import NotMediaError
from services.proxy.blocks import Representation
from services.proxy.fetches import ChangedError, UnsatisfiableError
from services.proxy.memory import MAX_ENTRY_BYTES, CacheKey
from services.proxy.objects import Objects, Reading
from services.proxy.playlists import Place, Playlists, Segment, next_of_template, place_of
from services.proxy.pressure import Pressure
from services.proxy.ranges import ByteRange
from services.proxy.sources import Sources
from services.proxy.tickets import Ticket, Tickets
from services.proxy.turns import OriginKey, Turns

# At a time, of all trails.
PARALLEL: Final = 8
MAX_TRAILS: Final = 5_000
# What nobody has asked for after so long was fetched in vain.
UNUSED_S: Final = 300.0
MAX_UNUSED: Final = 5_000
# An origin that takes longer for a segment than the segment lasts, or than this, has enough to do with its readers.
SLOW_S: Final = 4.0
REST_S: Final = 20.0
# A rendition is in use for so long after somebody read from it.
IN_USE_S: Final = 60.0


Outcome = Literal["fetched", "held", "failed", "rested"]


@dataclass(frozen=True, slots=True)
class Ahead:
    """How far to go before a player: seconds of segments, bytes of files. 0: not at all."""

    seconds: float
    bytes: int


@dataclass(slots=True)
class _Trail:
    """One player's way along one rendition: what comes next, what of it was seen to, and who does that."""

    window: list[Segment] = field(default_factory=list)
    seen_to: set[Place] = field(default_factory=set)
    current: Segment | None = None
    task: asyncio.Task[None] | None = None
    # Where the last range of a file ended.
    stop: int = -1

    def expects(self, place: Place) -> bool:
        """Whether a player that asks for `place` goes on as it did."""
        return any(
            query == place[0] and (start == place[1] or (segment.wanted is not None and segment.wanted.holds(place[1])))
            for segment in self.window
            for query, start in (place_of(segment),)
        )


class Prefetch:
    """All trails of this process."""

    def __init__(
        self,
        tickets: Tickets,
        sources: Sources,
        objects: Objects,
        playlists: Playlists,
        turns: Turns,
        pressure: Pressure,
        ahead: Ahead,
        clock: Callable[[], float],
    ) -> None:
        self._tickets = tickets
        self._sources = sources
        self._objects = objects
        self._playlists = playlists
        self._turns = turns
        self._pressure = pressure
        self._ahead = ahead
        self._clock = clock
        self._trails: OrderedDict[tuple[str, str], _Trail] = OrderedDict()
        self._slots = asyncio.Semaphore(PARALLEL)
        self._unused: OrderedDict[tuple[CacheKey, int], tuple[float, int]] = OrderedDict()
        self._resting: dict[OriginKey, float] = {}

    def asked(self, player: str, ticket: Ticket, wanted: ByteRange | None) -> None:
        """A player asks for something: if that is not what it was thought to ask for next, stop thinking so."""
        self._account(ticket, wanted)
        trail = self._trails.get((player, self._track(ticket, wanted)))
        if trail is not None and trail.window and not trail.expects(_place(ticket, wanted)):
            self._look(trail, [])

    def served(self, player: str, ticket: Ticket, wanted: ByteRange | None) -> None:
        """A player has got something: fetch what comes next."""
        if ticket.kind not in (Kind.SEGMENT, None) or ticket.wants_index:
            return
        name = player, self._track(ticket, wanted)
        trail = self._trails.get(name) or _Trail()
        window = self._following(trail, ticket, wanted)
        if window is None:
            return
        self._trails[name] = trail
        self._trails.move_to_end(name)
        while len(self._trails) > MAX_TRAILS:
            self._look(self._trails.popitem(last=False)[1], [])
        self._look(trail, window)

    def room(self, context: str, position_s: float) -> None:
        """A room plays a stream from a position on: its renditions in use are wanted there."""
        for playlist in self._playlists.in_use(context, self._clock() - IN_USE_S):
            name = "", playlist.name[1]
            trail = self._trails.setdefault(name, _Trail())
            self._trails.move_to_end(name)
            self._look(trail, playlist.at(position_s, self._ahead.seconds))

    def sweep(self) -> None:
        """Write off what nobody has asked for."""
        old = self._clock() - UNUSED_S
        while self._unused:
            key, (at, size) = next(iter(self._unused.items()))
            if at > old and len(self._unused) <= MAX_UNUSED:
                break
            del self._unused[key]
            metrics.PREFETCH_OUTCOMES.labels("wasted").inc(size)

    async def close(self) -> None:
        """Stop."""
        tasks = [trail.task for trail in self._trails.values() if trail.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _following(self, trail: _Trail, ticket: Ticket, wanted: ByteRange | None) -> list[Segment] | None:
        """What comes behind a request; None where that can't be told."""
        place = _place(ticket, wanted)
        playlist = self._playlists.of(place)
        if playlist is not None:
            playlist.used_at = self._clock()
            return playlist.after(place, self._ahead.seconds)
        if ticket.template:
            following = next_of_template(ticket.query, ticket.template) if self._ahead.seconds else None
            return None if following is None else [Segment(following, None, 0.0)]
        if wanted is None or wanted.first is None or wanted.last is None or not self._ahead.bytes:
            return None
        # Two ranges in a row are a player's; one alone may be anybody's look at an index.
        is_in_order, trail.stop = wanted.first == trail.stop, wanted.last + 1
        if not is_in_order:
            return []
        return [Segment(ticket.query, ByteRange(trail.stop, trail.stop + self._ahead.bytes - 1), 0.0)]

    def _track(self, ticket: Ticket, wanted: ByteRange | None) -> str:
        """What a player reads along: a playlist, a template, a file."""
        playlist = self._playlists.of(_place(ticket, wanted))
        return playlist.name[1] if playlist is not None else ticket.template or ticket.object_id

    def _look(self, trail: _Trail, window: list[Segment]) -> None:
        """Turn a trail to what comes next."""
        trail.window = window
        places = {place_of(segment) for segment in window}
        trail.seen_to &= places
        is_running = trail.task is not None and not trail.task.done()
        if trail.task is not None and is_running and trail.current is not None:
            if place_of(trail.current) in places:
                return
            trail.task.cancel()
            metrics.PREFETCHES.labels("stopped").inc()
            is_running = False
        if not is_running and places - trail.seen_to:
            trail.task = asyncio.create_task(self._run(trail))

    async def _run(self, trail: _Trail) -> None:
        while True:
            left = [segment for segment in trail.window if place_of(segment) not in trail.seen_to]
            if not left:
                return
            trail.current = segment = left[0]
            async with self._slots:
                outcome = await self._outcome(segment)
            metrics.PREFETCHES.labels(outcome).inc()
            if outcome == "rested":
                return
            trail.seen_to.add(place_of(segment))

    async def _outcome(self, segment: Segment) -> Outcome:
        try:
            return await self._fetch(segment)
        except (NotMediaError, UnsatisfiableError, ChangedError, WatchTogetherError):
            # Whoever really asks for it will be told what is wrong.
            return "failed"

    async def _fetch(self, segment: Segment) -> Outcome:
        source = await self._sources.locate(self._tickets.read(segment.query.encode(), time.time()))
        place = source.target.host, source.target.port
        if self._is_resting(place):
            return "rested"
        catalogue, key, wanted = self._objects.catalogue, source.key, segment.wanted
        first = (wanted.first or 0) if wanted else 0
        known = catalogue.of(key)
        is_coming = any(fill.serves(first) for fill in known.fills)
        if is_coming or catalogue.memory.peek(key) is not None or catalogue.is_held(key, wanted):
            return "held"
        begun, size = self._clock(), 0
        private = await self._objects.know(source, wanted)
        if private is not None:
            private.discard()
            return "failed"
        representation = known.representation
        span = (
            None
            if representation is None
            else wanted.within(representation.total)
            if wanted
            else (0, representation.total)
        )
        if representation is None or span is None or span[1] - span[0] >= MAX_ENTRY_BYTES:
            return "failed"
        async with contextlib.aclosing(self._objects.read(source, representation, *span, Reading())) as pieces:
            async for piece in pieces:
                size += len(piece)
        metrics.PREFETCHED_BYTES.inc(size)
        self._unused[key, first] = self._clock(), size
        if self._clock() - begun > (segment.duration_s or SLOW_S):
            self._resting[place] = self._clock() + REST_S
        return "fetched"

    def _is_resting(self, place: OriginKey) -> bool:
        if self._pressure.is_tense or self._objects.catalogue.is_disk_paused or self._turns.is_busy(place):
            return True
        until = self._resting.get(place)
        if until is not None and until <= self._clock():
            del self._resting[place]
            until = None
        return until is not None

    def _account(self, ticket: Ticket, wanted: ByteRange | None) -> None:
        """Note that something was asked for that had been fetched ahead."""
        key = self._sources.cached_key(ticket) if self._unused else None
        if key is not None:
            first = (wanted.first or 0) if wanted else 0
            found = self._unused.pop((key, first), None) or self._unused.pop((key, 0), None)
            if found is not None:
                metrics.PREFETCH_OUTCOMES.labels("used").inc(found[1])


def _span(representation: Representation, wanted: ByteRange | None) -> tuple[int, int] | None:
    return (0, representation.total) if wanted is None else wanted.within(representation.total)


def _place(ticket: Ticket, wanted: ByteRange | None) -> Place:
    return ticket.query, (wanted.first or 0) if wanted else 0
