"""The rooms that this replica hosts, kept equal to Redis."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from services.common.errors import CLOSE_CODES, CloseCode, Refused, Unavailable
from services.common.keys import Keys
from services.common.room.sender import Sender
from services.common.room.snapshot import RoomRecord
from services.common.room.store import RoomStore
from services.sync import metrics
from services.sync.clock import RoomClock
from services.sync.config import SyncSettings
from services.sync.connection import Connection
from services.sync.hosted import HostedRoom
from services.sync.subscriber import Subscriber
from services.sync.veil import Veil

log = structlog.get_logger()

_REACH_TIMEOUT_S = 1.0


class Hub:
    """Opens rooms for sockets and closes them after; feeds them events; reads them anew when one was lost.

    A room is opened by: subscribe, wait for the confirmation, read the snapshot, then drop events at or below it.
    """

    def __init__(
        self,
        settings: SyncSettings,
        store: RoomStore,
        keys: Keys,
        clock: RoomClock,
        subscriber: Subscriber,
        alias: Callable[[str], str],
        node: str,
        freshen: Callable[[HostedRoom], Awaitable[None]],
    ) -> None:
        """:param freshen: sees to it that a room's video can be played before somebody new gets it."""
        self._settings = settings
        self._store = store
        self._keys = keys
        self._clock = clock
        self._subscriber = subscriber
        self._alias = alias
        self._node = node
        self._freshen = freshen
        self._rooms: dict[str, HostedRoom] = {}
        self._by_channel: dict[str, HostedRoom] = {}
        self._opening: dict[str, asyncio.Task[HostedRoom]] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}
        # How many sockets each member has here, those on their way in included.
        self._sockets: Counter[str] = Counter()
        # This replica is going away.
        self.is_draining = False

    @property
    def rooms(self) -> list[HostedRoom]:
        """The rooms hosted at this moment."""
        return list(self._rooms.values())

    def connections(self) -> list[Connection]:
        """Every socket of this replica."""
        return [connection for room in self._rooms.values() for connection in room.connections]

    async def join(self, connection: Connection) -> HostedRoom:
        """Let a socket in and queue the room's state as its first frame.

        :raises Refused: `room_full`, `too_many_connections`, `kicked`, and what else keeps somebody out.
        :raises Unavailable: if Redis does not answer, or has not told us the time yet; `restarting`.
        """
        if self.is_draining:
            raise _restarting()
        if not self._clock.is_known:
            raise Unavailable("unavailable", "This server has just started. Try again.", retry_after_ms=1000)
        me = connection.identity.id
        if self._sockets[me] >= self._settings.identity_sockets_max:
            metrics.LIMITED.labels("person").inc()
            raise Refused("too_many_connections", "You have this site open too many times.")
        # Before anything is waited for: many may come at once.
        self._sockets[me] += 1
        try:
            room = await self._let_in(connection)
        except BaseException:
            self._forget(me)
            raise
        room.connections.add(connection)
        connection.outbox.put_snapshot()
        metrics.SOCKETS.inc()
        listed, lease_s = not room.record.is_unlisted, self._lease_ms(connection) / 1000
        await self._store.directory.touch(room.id, self._clock.now(room.id), listed=listed, lease_s=lease_s)
        return room

    async def leave(self, connection: Connection, grace_s: float | None) -> None:
        """A socket is gone. Its member stays for the grace (None: the rest of the lease), or by another socket."""
        room = self._rooms.get(connection.room)
        if room is None or connection not in room.connections:
            return
        room.connections.discard(connection)
        self._forget(connection.identity.id)
        metrics.SOCKETS.dec()
        if grace_s is None:
            self._release(room)
            return
        try:
            await self._store.leave(room.id, connection.id, grace_ms=round(grace_s * 1000))
            await self._store.directory.set_due({room.id: (self._clock.now(room.id) + grace_s) * 1000})
        except Unavailable:
            log.info("leave_not_told", room=room.id)
        finally:
            self._release(room)

    def receive(self, channel: str, raw: bytes) -> None:
        """Take a message of the subscriber."""
        room = self._by_channel.get(channel)
        if room is None:
            return
        outcome = room.receive(raw)
        metrics.EVENTS.add(outcome)
        if outcome == "gap":
            self.reread(room)

    def reread_all(self) -> None:
        """The subscription was interrupted: every room may have missed events."""
        for room in self.rooms:
            self.reread(room)

    def reread_changed(self) -> None:
        """Read the rooms anew that are in another Redis history than before."""
        for room in self.rooms:
            if room.pending is None and room.record.run != self._store.masters.run_of(room.id):
                self.reread(room)

    async def reanchor(self, master: str, step_s: float) -> None:
        """A master's wall clock was stepped: have its rooms stay where they are."""
        rooms = [room for room in self.rooms if self._store.masters.of(room.id) == master]
        for room in rooms:
            await self._store.reanchor(room.id, step_s)
            self.reread(room, by_log=False)

    def reread(self, room: HostedRoom, *, by_log: bool = True) -> None:
        """Read a room anew, one read for all its sockets: with `by_log` only the events that were missed, if it can."""
        if room.id not in self._reading and room.id in self._rooms:
            room.begin_reading()
            task = asyncio.create_task(self._reread(room, by_log=by_log))
            self._reading[room.id] = task
            task.add_done_callback(lambda _: self._reading.pop(room.id, None))

    async def refresh(self, room: HostedRoom) -> float | None:
        """Renew the leases of a room's sockets here, and notice an event that was lost in a quiet room.

        Answers when the first lease of the room ends (room clock, ms), if there is one.
        """
        leases = [(connection.id, self._lease_ms(connection)) for connection in room.connections]
        if not leases:
            return None
        slowest_ms = math.ceil(max(connection.rtt_s for connection in room.connections) * 1000)
        renewed = await self._store.refresh(room.id, leases, replica=self._node, rtt_ms=slowest_ms)
        # Who is being sent out must not be let in again on the way.
        by_id = {connection.id: connection for connection in room.connections if connection.close_code is None}
        for connection in [by_id[gone] for gone in renewed.unknown if gone in by_id]:
            try:
                await self._enter(connection)
            except Refused as refusal:
                connection.close(CLOSE_CODES.get(refusal.code, CloseCode.RESTARTING))
        if renewed.version > room.record.version:
            await asyncio.sleep(0.2)
            if renewed.version > room.record.version:
                self.reread(room)
        return renewed.first_end_ms

    async def close(self) -> None:
        """Stop reading."""
        for task in [*self._opening.values(), *self._reading.values()]:
            task.cancel()

    async def _let_in(self, connection: Connection) -> HostedRoom:
        room = await self._hold(connection.room)
        try:
            version = await self._enter(connection)
            await self._reach(room, version)
            await self._freshen(room)
            self._check_still_welcome(room, connection, version)
        except BaseException:
            self._release(room)
            raise
        return room

    def _check_still_welcome(self, room: HostedRoom, connection: Connection, version: int) -> None:
        """A video may be waited for for seconds, in which nobody closes a socket that is not in the room yet."""
        if self.is_draining:
            raise _restarting()
        is_read = room.pending is None and room.record.version >= version
        if is_read and connection.identity.id not in room.record.members:
            raise Refused("kicked", "You were sent out of this room.")

    def _forget(self, member: str) -> None:
        self._sockets[member] -= 1
        if not self._sockets[member]:
            del self._sockets[member]

    async def _enter(self, connection: Connection) -> int:
        return await self._store.join(
            connection.room,
            Sender(connection.identity.id, connection.id),
            name=connection.identity.name,
            is_guest=connection.identity.is_guest,
            replica=self._node,
            lease_ms=self._lease_ms(connection),
            address=connection.address,
            judged_until=self._clock.judged_until(connection.room),
            most_members=self._settings.room_members_max,
        )

    def _lease_ms(self, connection: Connection) -> int:
        lease_s = self._settings.hidden_lease_s if connection.is_hidden else self._settings.lease_s
        return round(lease_s * 1000)

    async def _hold(self, room: str) -> HostedRoom:
        hosted = self._rooms.get(room)
        if hosted is None:
            opening = self._opening.get(room)
            if opening is None:
                opening = self._opening[room] = asyncio.create_task(self._open(room))
                opening.add_done_callback(lambda _: self._opening.pop(room, None))
            hosted = await asyncio.shield(opening)
        hosted.users += 1
        return hosted

    def _release(self, room: HostedRoom) -> None:
        room.users -= 1
        if room.users == 0 and self._rooms.get(room.id) is room:
            del self._rooms[room.id]
            self._by_channel.pop(self._keys.events(room.id), None)
            self._subscriber.unsubscribe(self._keys.events(room.id))
            metrics.ROOMS.dec()

    async def _open(self, room: str) -> HostedRoom:
        channel = self._keys.events(room)
        hosted = HostedRoom(RoomRecord(room, run=self._store.masters.run_of(room)), Veil(self._alias))
        self._by_channel[channel] = hosted
        try:
            await self._subscriber.subscribe(channel)
            snapshot = await self._store.snapshot(room)
        except BaseException:
            self._by_channel.pop(channel, None)
            self._subscriber.unsubscribe(channel)
            raise
        self._rooms[room] = hosted
        metrics.ROOMS.inc()
        if not hosted.replace(snapshot):
            self.reread(hosted)
        return hosted

    async def _reach(self, room: HostedRoom, version: int) -> None:
        """Wait until the mirror has seen `version`: the joiner finds itself among the members."""
        deadline = self._clock.monotonic() + _REACH_TIMEOUT_S
        while room.pending is not None or room.record.version < version:
            if self._clock.monotonic() > deadline:
                if room.record.run == self._store.masters.run_of(room.id):
                    self.reread(room)
                return
            await asyncio.sleep(0.002)

    async def _reread(self, room: HostedRoom, *, by_log: bool) -> None:
        pause_s = 0.02
        while self._rooms.get(room.id) is room:
            try:
                await self._store.masters.refresh_at(self._store.masters.of(room.id))
                if await self._read_once(room, by_log=by_log):
                    return
                by_log = False
            except Unavailable:
                # Players play on; what was missed is read when Redis is back.
                log.info("room_unreadable", room=room.id)
            await asyncio.sleep(pause_s)
            pause_s = min(1.0, pause_s * 2)

    async def _read_once(self, room: HostedRoom, *, by_log: bool) -> bool:
        room.begin_reading()
        if by_log and room.record.version and room.record.run == self._store.masters.run_of(room.id):
            with contextlib.suppress(Refused):
                missed = await self._store.catch_up(room.id, room.record.version)
                metrics.RESYNCS.labels("log").inc()
                room.pending = [*missed, *(room.pending or [])]
                return room.replace(None)
        snapshot = await self._store.snapshot(room.id)
        metrics.RESYNCS.labels("snapshot").inc()
        caught_up = room.replace(snapshot or RoomRecord(room.id, run=self._store.masters.run_of(room.id)))
        for connection in room.connections:
            connection.outbox.put_snapshot()
        return caught_up


def _restarting() -> Unavailable:
    return Unavailable("restarting", "This server is restarting.", retry_after_ms=500)
