"""What a replica does at intervals: clock, heartbeats, leases, ghosts, ends of items, silent sockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from services.common import codec
from services.common.errors import CloseCode, Refused, Unavailable
from services.common.room.store import SYSTEM, RoomStore, Sender
from services.common.wire.server import Goodbye, Ping
from services.sync import metrics
from services.sync.clock import RoomClock
from services.sync.config import SyncSettings
from services.sync.hosted import HostedRoom
from services.sync.hub import Hub
from services.sync.players import Players
from services.sync.resolving import ResolveDesk

T = TypeVar("T")

log = structlog.get_logger()

_CLOCK_EVERY_S: Final = 5.0
# Beyond the known end by so much, the room's own clock says that an item is over.
_OVERDUE_S: Final = 2.0
_FIRST_SAMPLES: Final = 5
_AT_ONCE: Final = 32
_LOOK_EVERY_S: Final = 0.25


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
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._hub = hub
        self._resolving = resolving
        self._players = players
        self._refreshed_at = clock.monotonic()
        self._reap_from = 0.0

    async def run(self) -> None:
        """Run until cancelled."""
        settings = self._settings
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_every(_CLOCK_EVERY_S, self.sample_clock))
            tasks.create_task(_every(settings.heartbeat_s, self._beat))
            tasks.create_task(_every(settings.refresh_s, self._refresh))
            tasks.create_task(_every(settings.sweep_s, self._sweep))
            tasks.create_task(_every(settings.ping_s, self._ping))
            tasks.create_task(_every(1.0, self._watch_ends))
            tasks.create_task(_every(_LOOK_EVERY_S, self._look_at_players))

    async def sample_clock(self) -> None:
        """Read Redis' clock, several times while little is known of it, and which history it keeps.

        :raises Unavailable: if Redis does not answer.
        """
        if await self._store.refresh_run():
            self._clock.reset()
            self._hub.reread_all()
        for _ in range(1 if self._clock.rtt else _FIRST_SAMPLES):
            sent = self._clock.monotonic()
            redis_time = await self._store.redis_time()
            self._clock.add(sent, redis_time, self._clock.monotonic())
        metrics.CLOCK_RTT.set(self._clock.rtt)

    async def drain(self, seconds: float) -> None:
        """Send every socket elsewhere, spread over `seconds`; members keep their places meanwhile."""
        connections = self._hub.connections()
        random.shuffle(connections)
        for connection in connections:
            retry_after_ms = random.randint(0, max(1, round(seconds * 500)))
            connection.send(codec.encode_text(Goodbye(reason="restarting", retry_after_ms=retry_after_ms)))
        for connection in connections:
            await asyncio.sleep(seconds * 0.8 / len(connections))
            connection.close(CloseCode.RESTARTING)

    async def _beat(self) -> None:
        now = self._clock.now()
        for room in self._hub.rooms:
            if room.pending is None:
                room.beat(now)

    async def _refresh(self) -> None:
        await _for_all(self._hub.rooms, self._hub.refresh)
        now = self._clock.monotonic()
        if now - self._refreshed_at > 2 * self._settings.refresh_s:
            # Redis was away, and every lease with it: nobody is a ghost for not having been able to renew.
            self._reap_from = now + self._settings.lease_s
        self._refreshed_at = now

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
        due = set(await self._store.due(self._clock.now() * 1000))
        await _for_all(sorted(hosted | due), self._reap)

    async def _reap(self, room: str) -> None:
        await self._store.set_due(room, await self._store.reap(room))

    async def _ping(self) -> None:
        frame = codec.encode_text(Ping())
        for connection in self._hub.connections():
            connection.send(frame)

    async def _watch_ends(self) -> None:
        now = self._clock.now()
        await _for_all([room for room in self._hub.rooms if _is_overdue(room, now)], self._advance)

    async def _look_at_players(self) -> None:
        for room in self._hub.rooms:
            if room.pending is None:
                self._players.look(room)
        await self._players.tell(self._hub.rooms)

    async def _advance(self, room: HostedRoom) -> None:
        item = room.record.item_id
        try:
            await self._store.advance(room.id, Sender(SYSTEM.member), item, short_by_s=-_OVERDUE_S)
        except Refused as refusal:
            log.info("not_advanced", room=room.id, code=refusal.code)


def _is_overdue(room: HostedRoom, now: float) -> bool:
    anchor = room.record.anchor
    if room.pending is not None or not anchor.is_moving or not anchor.duration:
        return False
    video = room.record.video
    if video is None or video.is_live:
        return False
    return anchor.position + anchor.rate * (now - anchor.at) >= anchor.duration + _OVERDUE_S


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await act()
        except Unavailable as error:
            log.info("not_now", what=act.__name__, code=error.code)
        except Exception:
            log.exception("keeper_failed", what=act.__name__)
        await asyncio.sleep(seconds * random.uniform(0.95, 1.05))


async def _for_all(things: list[T], act: Callable[[T], Awaitable[None]]) -> None:
    """Act on each, some at once. One that fails stops none of the others."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(thing: T) -> None:
        async with gate:
            await act(thing)

    for outcome in await asyncio.gather(*(one(thing) for thing in things), return_exceptions=True):
        if isinstance(outcome, Unavailable):
            log.info("not_now", code=outcome.code)
        elif isinstance(outcome, Exception):
            log.error("keeper_failed", exc_info=outcome)
