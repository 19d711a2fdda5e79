"""Listens to where rooms are in their streams. Without Redis there are no such hints, and players ask by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import playback
from services.common.codec import MalformedError
from services.common.keys import Keys

POLL_S: Final = 5.0
AGAIN_S: Final = 2.0


class PlaybackListener:
    """Hands on every position. `run` until cancelled."""

    def __init__(self, redis: Redis, keys: Keys, heard: Callable[[str, float], None]) -> None:
        """:param heard: gets a stream's context and a position in seconds."""
        self._redis = redis
        self._channel = keys.playback()
        self._heard = heard

    async def run(self) -> None:
        """Listen, again and again."""
        while True:
            try:
                await self._listen()
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        listener = self._redis.pubsub(ignore_subscribe_messages=True)
        try:
            await listener.subscribe(self._channel)
            while True:
                message = await listener.get_message(timeout=POLL_S)
                if message is not None:
                    self._take(message["data"])
        finally:
            await listener.aclose()  # type: ignore[no-untyped-call]

    def _take(self, raw: bytes) -> None:
        try:
            rooms = playback.decode(raw)
        except MalformedError:
            return
        for room in rooms:
            for context in room.contexts:
                self._heard(context, room.position_s)
