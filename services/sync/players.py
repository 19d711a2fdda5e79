"""How members' players are: told to everybody, and waited for as the room's policy says."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog

from services.common import codec
from services.common.errors import Refused, Unavailable
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.wire.client import Status
from services.common.wire.models import LiveWindow, MemberStatus
from services.sync import metrics
from services.sync.clock import RoomClock
from services.sync.connection import Connection, PlayerReport
from services.sync.hosted import HostedRoom
from services.sync.lights import Digest, is_dry, worst

log = structlog.get_logger()

# A player that is dry for so long is worth waiting for, and nobody for longer than that.
GRACE_S: Final = 2.0
MOST_WAIT_MS: Final = 10_000
DIGEST_S: Final = 2.0
# What a live stream offers moves on as the clock does, nearly.
WINDOW_EVERY_S: Final = 4.0


class Players:
    """Takes status reports of the sockets here; holds and releases rooms for them."""

    def __init__(self, store: RoomStore, clock: RoomClock, node: str) -> None:
        self._store = store
        self._clock = clock
        self._node = node
        self._digest_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def report(self, room: HostedRoom, connection: Connection, status: Status) -> None:
        """A member's player says how it is. Never waits."""
        now = self._clock.monotonic()
        before = connection.player
        connection.is_hidden = status.state == "hidden"
        if status.rtt is not None:
            connection.rtt_s = status.rtt
        shown = MemberStatus(state=status.state, drift=status.drift, position=status.position)
        dry = is_dry(shown)
        room.has_dry = room.has_dry or dry
        report = PlayerReport(
            status=shown,
            dry_since=(before.dry_since or now) if dry else None,
            ready_for=room.record.item_id if status.state == "ready" else before.ready_for,
            is_told=True,
            is_asked=before.is_asked and dry,
            is_excused=before.is_excused and dry,
        )
        connection.player = report
        _count(status)
        self._note(room, connection.identity.id)
        if not dry and self._is_waited_for(room, connection) and not self._is_dry_elsewhere(room, connection):
            self._begin(self._release(room, connection.identity.id))
        if status.window is not None and self._is_news(room, status.window, now):
            room.window_told = (status.window.item_id, now)
            self._begin(self._see_window(room, connection, status.window))

    def look(self, room: HostedRoom) -> None:
        """Hold a room for whoever has been dry for too long, and let go what is over. Never waits."""
        waiting = room.record.waiting
        if waiting is None and not room.has_dry:
            return
        now = self._clock.monotonic()
        if waiting is not None:
            if self._clock.now(room.id) >= waiting.until:
                self._begin(self._release(room, ""))
            for member in waiting.members:
                if member not in room.record.members:
                    self._begin(self._release(room, member))
        room.has_dry = any(connection.player.dry_since is not None for connection in room.connections)
        if room.record.settings.buffering == "never" or not room.record.anchor.is_playing:
            return
        for connection in room.connections:
            if self._is_worth_waiting(room, connection.player, now):
                connection.player = replace(connection.player, is_asked=True)
                self._begin(self._hold(room, connection))

    def left(self, room: HostedRoom, connection: Connection) -> None:
        """A socket is gone from the room: it says nothing for its member any more."""
        me = connection.identity.id
        connection.player = PlayerReport()
        room.reports.pop(me, None)
        self._note(room, me)
        if me not in room.reports and room.lights.elsewhere(me, self._node):
            self._begin(self._tell_gone(room, me))

    async def tell(self, rooms: list[HostedRoom]) -> None:
        """Tell every replica what changed since the last time, one message a room."""
        now = self._clock.monotonic()
        if now - self._digest_at < DIGEST_S:
            return
        self._digest_at = now
        for room in rooms:
            if room.reports:
                reports, room.reports = room.reports, {}
                await self._publish(room, reports)

    async def close(self) -> None:
        """Stop what is under way."""
        for task in self._tasks:
            task.cancel()

    def _is_waited_for(self, room: HostedRoom, connection: Connection) -> bool:
        return room.record.waiting is not None and connection.identity.id in room.record.waiting.members

    def _is_worth_waiting(self, room: HostedRoom, player: PlayerReport, now: float) -> bool:
        # Who joins is not ready for the item yet: a joiner never stops the room.
        return (
            player.dry_since is not None
            and now - player.dry_since >= GRACE_S
            and player.ready_for == room.record.item_id
            and not player.is_asked
        )

    def _is_news(self, room: HostedRoom, window: LiveWindow, now: float) -> bool:
        """Whether the room should be told what a live stream offers: at once, and then now and again."""
        video = room.record.video
        if video is None or not video.is_live or window.item_id != room.record.item_id or window.end <= window.start:
            return False
        item, told_at = room.window_told
        return item != window.item_id or now - told_at >= WINDOW_EVERY_S

    async def _see_window(self, room: HostedRoom, connection: Connection, window: LiveWindow) -> None:
        try:
            await self._store.see_window(room.id, Sender(connection.identity.id), window.item_id, window)
        except Unavailable:
            room.window_told = ("", 0.0)

    async def _hold(self, room: HostedRoom, connection: Connection) -> None:
        try:
            await self._store.hold(room.id, connection.identity.id, most_ms=MOST_WAIT_MS)
        except Refused as refusal:
            if refusal.code == "excused":
                connection.player = replace(connection.player, is_excused=True)
                self._note(room, connection.identity.id)
        except Unavailable:
            connection.player = replace(connection.player, is_asked=False)

    async def _release(self, room: HostedRoom, member: str) -> None:
        try:
            await self._store.release(room.id, member)
        except Unavailable:
            log.info("not_released", room=room.id)

    def _note(self, room: HostedRoom, member: str) -> None:
        """Have it told how a member's tabs here are."""
        tabs = [tab.player for tab in room.connections if tab.identity.id == member and tab.player.is_told]
        if (status := worst(public_status(player) for player in tabs)) is not None:
            room.reports[member] = status

    def _is_dry_elsewhere(self, room: HostedRoom, connection: Connection) -> bool:
        me = connection.identity.id
        return any(tab.player.dry_since is not None for tab in _other_tabs(room, connection)) or any(
            is_dry(status) for status in room.lights.elsewhere(me, self._node)
        )

    async def _tell_gone(self, room: HostedRoom, member: str) -> None:
        try:
            await self._publish(room, {}, gone=[member])
        except Unavailable:
            log.info("gone_not_told", room=room.id)

    async def _publish(self, room: HostedRoom, members: dict[str, MemberStatus], gone: Sequence[str] = ()) -> None:
        digest = Digest(members=members, replica=self._node, at=self._clock.now(room.id), gone=list(gone))
        await self._store.publish(room.id, codec.encode({"type": "statuses", **codec.to_builtins(digest)}))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _other_tabs(room: HostedRoom, connection: Connection) -> list[Connection]:
    """The same member's other sockets here that are seen."""
    me = connection.identity.id
    return [tab for tab in room.connections if tab.identity.id == me and tab is not connection and not tab.is_hidden]


def _count(status: Status) -> None:
    metrics.PLAYERS.labels(status.state).inc()
    if status.state == "ready" and status.drift is not None:
        metrics.DRIFT_SECONDS.observe(abs(status.drift))
    metrics.CORRECTIONS.labels("seek").inc(status.seeks)
    metrics.CORRECTIONS.labels("rate").inc(status.rates)


def public_status(report: PlayerReport) -> MemberStatus:
    """What others are told of a report."""
    status = report.status
    return MemberStatus(state=status.state, drift=status.drift, position=status.position, is_excused=report.is_excused)
