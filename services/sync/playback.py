"""Tells proxies where the rooms here are, so that what a seek needs is on its way before the players ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import playback
from services.common.keys import Keys
from services.common.playback import Position, contexts_of
from services.sync.clock import RoomClock
from services.sync.hosted import HostedRoom


class Playback:
    """Publishes positions: of every room at heartbeats, of those that jump at once."""

    def __init__(self, redis: Redis, keys: Keys, clock: RoomClock) -> None:
        self._redis = redis
        self._channel = keys.playback()
        self._clock = clock

    async def tell(self, rooms: Iterable[HostedRoom]) -> None:
        """Publish where the rooms are that play."""
        await self._publish(position for room in rooms if room.record.anchor.is_moving for position in self._of(room))

    async def tell_jumps(self, rooms: Iterable[HostedRoom]) -> None:
        """Publish where the rooms are of which the position was set since the last time."""
        jumped = [room for room in rooms if room.told_anchor is not room.record.anchor]
        for room in jumped:
            room.told_anchor = room.record.anchor
        await self._publish(position for room in jumped for position in self._of(room))

    def _of(self, room: HostedRoom) -> Iterator[Position]:
        video = room.record.video
        if video is None or video.is_live or room.pending is not None:
            return
        if room.contexts[0] is not video:
            room.contexts = video, contexts_of(video)
        if room.contexts[1]:
            yield Position(room.contexts[1], round(room.record.anchor.position_at(self._clock.now(room.id)), 3))

    async def _publish(self, positions: Iterator[Position]) -> None:
        found = list(positions)
        if not found:
            return
        try:
            await self._redis.publish(self._channel, playback.encode(found))
        except (RedisError, OSError):
            # Players ask by themselves.
            return
