"""What a replica does at intervals: clock, heartbeats, leases, ghosts, ends of items, silent sockets."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from services.common import codec
from services.common.errors import CloseCode, Refused, Unavailable
from services.common.room.sender import SYSTEM, Sender
from services.common.room.store import RoomStore
from services.common.wire.server import Goodbye, Ping, Store
from services.sync import metrics
from services.sync.clock import RoomClock
from services.sync.config import SyncSettings
from services.sync.ends import Ends
from services.sync.hosted import HostedRoom
from services.sync.hub import Hub
from services.sync.playback import Playback
from services.sync.players import Players
from services.sync.resolving import ResolveDesk
from services.sync.witness import Witness

T = TypeVar("T")

log = structlog.get_logger()

# At start nothing is known of an outage that has just ended, perhaps of every replica: leases that nobody could renew
# say nothing, and pages wait up to ten seconds between two attempts.
_FIRST_REAP_S: Final = 12.0
# Beyond the known end by so much, the room's own clock says that an item is over.
_OVERDUE_S: Final = 2.0
# While a clock may be misread by more, one reading in a row is not enough: of five on a busy machine one comes quickly.
_SURE_S: Final = 0.02
_SAMPLES: Final = 5
_AT_ONCE: Final = 32
_LOOK_EVERY_S: Final = 0.25
_REACH_EVERY_S: Final = 0.5
# Not looked for so long, this process stood still: what it has not heard says nothing of Redis before as long again.
_STOOD_STILL_S: Final = 2.0
_BEATS_AT_ONCE: Final = 50
# Rooms nobody came to for so long are gone; a list of all there ever were would grow for ever.
_FORGET_EVERY_S: Final = 3600.0


class Keeper:
    """Runs the loops of one replica."""

    def __init__(
        self,
        settings: SyncSettings,
        store: RoomStore,
        clock: RoomClock,
        hub: Hub,
        resolving: ResolveDesk,
        players: Players,
        witness: Witness,
        playback: Playback,
        reaches: Callable[[str], bool],
    ) -> None:
        """:param reaches: whether a master, by its name, can be reached."""
        self._settings = settings
        self._store = store
        self._clock = clock
        self._hub = hub
        self._resolving = resolving
        self._players = players
        self._witness = witness
        self._playback = playback
        self._reaches = reaches
        self._reap_from = clock.monotonic() + min(_FIRST_REAP_S, settings.lease_s)
        self._runs: dict[str, str] = {}
        self._ends = Ends(store.directory, clock)
        self._looked_at = self._telling_from = clock.monotonic()
        self._clock_soon = asyncio.Event()
        self._refresh_soon = asyncio.Event()

    async def run(self) -> None:
        """Run until cancelled."""
        settings = self._settings
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_every(self._clock.silence_s / 2, self.sample_clock, self._clock_soon))
            tasks.create_task(_every(settings.heartbeat_s, self._beat))
            tasks.create_task(_every(settings.refresh_s, self._refresh, self._refresh_soon))
            tasks.create_task(_every(settings.sweep_s, self._sweep))
            tasks.create_task(_every(settings.ping_s, self._ping))
            tasks.create_task(_every(1.0, self._watch_ends))
            tasks.create_task(_every(_REACH_EVERY_S, self._tell_reachable))
            tasks.create_task(_every(_LOOK_EVERY_S, self._look_at_players))
            tasks.create_task(_every(_FORGET_EVERY_S, self._forget_rooms))
            if settings.history_s:
                tasks.create_task(_every(settings.history_s, self._note_history))

    def wake(self) -> None:
        """Redis was away, or another master took over: read its clock and renew the leases now."""
        self._clock_soon.set()
        self._refresh_soon.set()

    async def sample_clock(self) -> None:
        """Read every master's clock, several times while little is known, and which history it keeps.

        :raises Unavailable: if Redis does not answer.
        """
        masters = await self._store.masters.names()
        self._clock.keep(set(masters))
        await _for_all(masters, self._sample_master)
        self._hub.reread_changed()
        metrics.CLOCK_RTT.set(self._clock.rtt)
        metrics.MEMBERS.set(len({(c.room, c.identity.id) for c in self._hub.connections()}))

    async def drain(self, seconds: float) -> None:
        """Send every socket elsewhere, spread over `seconds`; members keep their places, and no new ones come."""
        self._hub.is_draining = True
        connections = self._hub.connections()
        random.shuffle(connections)
        for connection in connections:
            retry_after_ms = random.randint(0, max(1, round(seconds * 500)))
            connection.send(codec.encode_text(Goodbye(reason="restarting", retry_after_ms=retry_after_ms)))
        for connection in connections:
            await asyncio.sleep(seconds * 0.8 / len(connections))
            connection.close(CloseCode.RESTARTING)

    async def _sample_master(self, master: str) -> None:
        """Read one master; one that hangs must not keep the others waiting."""
        try:
            async with asyncio.timeout(self._clock.silence_s / 2):
                await self._store.masters.refresh_at(master)
                run = self._store.masters.runs[master]
                if self._runs.setdefault(master, run) != run:
                    self._runs[master] = run
                    self._clock.reset(master)
                    self._hub.reread_changed()
                await self._read_clock(master)
        except TimeoutError:
            log.info("master_silent", master=master)

    async def _read_clock(self, master: str) -> None:
        for _ in range(1 if self._clock.error_s(master) <= _SURE_S else _SAMPLES):
            reading = await self._reading(master)
            if self._clock.is_stepped(*reading, master):
                # All of its rooms move by what we make of it: the least delayed of some readings says it best.
                readings = [reading, *[await self._reading(master) for _ in range(_SAMPLES)]]
                reading = min(readings, key=lambda each: each[2] - each[0])
            step = self._clock.add(*reading, master)
            if step:
                log.warning("redis_clock_stepped", master=master, seconds=round(step, 3))
                await self._hub.reanchor(master, step)

    async def _reading(self, master: str) -> tuple[float, float, float]:
        sent = self._clock.monotonic()
        return sent, await self._store.masters.time(master), self._clock.monotonic()

    async def _beat(self) -> None:
        written = 0
        for room in self._hub.rooms:
            if room.pending is None:
                room.beat(self._clock.now(room.id))
                written += len(room.connections)
            if written >= _BEATS_AT_ONCE:
                written = 0
                # Thousands of sockets take a tenth of a second: commands go between.
                await asyncio.sleep(0)
        await self._playback.tell(self._hub.rooms)

    async def _tell_reachable(self) -> None:
        """Say in each room when what it is kept in can't be reached, and when it can again."""
        before, self._looked_at = self._looked_at, self._clock.monotonic()
        if self._looked_at - before > _STOOD_STILL_S:
            self._telling_from = self._looked_at + _STOOD_STILL_S
        if self._looked_at < self._telling_from:
            return
        rooms = self._hub.rooms
        for room in rooms:
            is_reachable = self._reaches(self._store.masters.of(room.id))
            if is_reachable == room.is_reachable:
                continue
            room.is_reachable = is_reachable
            frame = codec.encode_text(Store(is_reachable=is_reachable))
            for connection in room.connections:
                # Nobody asked, but no snapshot says it either.
                connection.answer(frame)
        metrics.ROOMS_AWAY.set(sum(not room.is_reachable for room in rooms))

    async def _refresh(self) -> None:
        rooms = self._hub.rooms
        await _for_all(rooms, self._renew)
        await self._ends.tell()
        listed = {room.id: self._clock.now(room.id) for room in rooms if not room.record.is_unlisted}
        await self._store.directory.tell_active(listed)

    async def _renew(self, room: HostedRoom) -> None:
        first_ms = await self._hub.refresh(room)
        if first_ms is not None:
            await self._ends.note(room.id, first_ms)

    async def _sweep(self) -> None:
        now = self._clock.monotonic()
        for connection in self._hub.connections():
            limit = self._settings.hidden_silence_s if connection.is_hidden else self._settings.silence_s
            if now - connection.heard_at > limit:
                connection.close(CloseCode.SILENT)
        for room in self._hub.rooms:
            self._resolving.see_to(room)
        if now < self._reap_from:
            return
        hosted = {room.id for room in self._hub.rooms}
        due = set(await self._store.directory.due(self._clock.now() * 1000))
        await _for_all(sorted(self._ends.near(hosted) | due), self._reap)
        await self._ends.tell()

    async def _reap(self, room: str) -> None:
        await self._ends.note(room, await self._store.reap(room, self._clock.judged_until(room)))

    async def _ping(self) -> None:
        """Ask who has been silent whether they are there; who spoke is."""
        frame = codec.encode_text(Ping())
        silent_since = self._clock.monotonic() - self._settings.ping_s / 2
        for connection in self._hub.connections():
            if connection.heard_at < silent_since:
                connection.send(frame)

    async def _watch_ends(self) -> None:
        overdue = [room for room in self._hub.rooms if _is_overdue(room, self._clock)]
        await _for_all(overdue, self._advance)

    async def _look_at_players(self) -> None:
        for room in self._hub.rooms:
            if room.pending is None:
                self._players.look(room)
        await self._players.tell(self._hub.rooms)
        await self._playback.tell_jumps(self._hub.rooms)

    async def _forget_rooms(self) -> None:
        await self._store.directory.forget(self._clock.now())

    async def _note_history(self) -> None:
        await self._witness.look(self._hub.rooms)

    async def _advance(self, room: HostedRoom) -> None:
        item = room.record.item_id
        try:
            await self._store.advance(room.id, Sender(SYSTEM.member), item, short_by_s=-_OVERDUE_S, blind=room.blind)
        except Refused as refusal:
            log.info("not_advanced", room=room.id, code=refusal.code)


def _is_overdue(room: HostedRoom, clock: RoomClock) -> bool:
    record, anchor = room.record, room.record.anchor
    if room.pending is not None or record.video is None:
        return False
    if not anchor.duration:
        # Somebody saw an end that nobody else has seen yet: who has not may be hidden or gone by now.
        return bool(room.finished) and room.finished == record.item_id
    if not anchor.is_moving:
        return False
    return anchor.position + anchor.rate * (clock.now(room.id) - anchor.at) >= anchor.duration + _OVERDUE_S


async def _every(seconds: float, act: Callable[[], Awaitable[None]], soon: asyncio.Event | None = None) -> None:
    """Act at intervals, and at once when `soon` is set."""
    soon = soon or asyncio.Event()
    while True:
        soon.clear()
        try:
            await act()
        except Unavailable as error:
            log.info("not_now", what=act.__name__, code=error.code)
        except Exception:
            log.exception("keeper_failed", what=act.__name__)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds * random.uniform(0.95, 1.05)):
                await soon.wait()


async def _for_all(things: list[T], act: Callable[[T], Awaitable[None]]) -> None:
    """Act on each, some at once. One that fails stops none of the others."""
    rest = iter(things)

    async def work() -> None:
        for thing in rest:
            try:
                await act(thing)
            except Unavailable as error:
                log.info("not_now", code=error.code)
            except Exception:
                log.exception("keeper_failed", what=act.__name__)

    await asyncio.gather(*(work() for _ in range(min(_AT_ONCE, len(things)))))
