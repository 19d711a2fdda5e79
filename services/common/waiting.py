"""Who waits for a flight's result: queue items, and those that have it and want to hear of another one."""

from __future__ import annotations

from typing import Final

import structlog
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.chain import ANONYMOUS, PUBLIC, Link, Resolution, attempt, goes_on
from services.common.errors import unanswered
from services.common.keys import Keys
from services.common.results import STORE
from services.common.wire.models import Attempt

log = structlog.get_logger(__name__)

WAITERS_TTL_S: Final = 600
# Longer than a result is kept: then the room asks by itself.
PLAYERS_TTL_S: Final = 3 * 3600


class Waiter(Struct, frozen=True):
    """A queue item that a flight's result must enter.

    `links` are the ways that are still to be tried for it, the flight's own first; `attempts` how those before failed.
    """

    room: str
    item: str
    links: tuple[Link, ...] = (ANONYMOUS,)
    attempts: tuple[Attempt, ...] = ()

    @property
    def scope(self) -> str:
        """The scope of the flight that it waits for."""
        return self.links[0].scope

    def after(self, result: Resolution) -> Waiter | None:
        """The waiter for the next way, after `result` of the first; None if that is its answer."""
        first, *rest = self.links
        if not goes_on(result, rest):
            return None
        return Waiter(self.room, self.item, tuple(rest), (*self.attempts, attempt(first, result)))


class Waiting:
    """Those who wait for flights, and those who play what came of them."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def add(self, digest: str, waiter: Waiter) -> None:
        """Have a waiter wait for the first of its ways.

        :raises Unavailable: if Redis does not answer.
        """
        await self._add(self._keys.waiters(digest, waiter.scope), waiter, WAITERS_TTL_S)

    async def of(self, digest: str, scope: str = PUBLIC) -> list[Waiter]:
        """Who waits for a flight.

        :raises Unavailable: if Redis does not answer.
        """
        return await self._members(self._keys.waiters(digest, scope))

    async def note_player(self, digest: str, waiter: Waiter, result: Resolution) -> None:
        """An item has a flight's video: when it is opened again before its time, the item gets that too.

        :raises Unavailable: if Redis does not answer.
        """
        way = next((link for link in waiter.links if link.owner == result.opened_with), None)
        if result.video is None or way is None:
            return
        player = Waiter(waiter.room, waiter.item, (way,))
        await self._add(self._keys.players(digest, way.scope), player, PLAYERS_TTL_S)

    async def players(self, digest: str, scope: str = PUBLIC) -> list[Waiter]:
        """Which items have a flight's video, or had it until lately.

        :raises Unavailable: if Redis does not answer.
        """
        return await self._members(self._keys.players(digest, scope))

    async def forget_player(self, digest: str, waiter: Waiter) -> None:
        """An item is no more.

        :raises Unavailable: if Redis does not answer.
        """
        await self._remove(self._keys.players(digest, waiter.scope), waiter)

    async def settled(self, digest: str, waiter: Waiter) -> None:
        """Forget a waiter that has its result.

        :raises Unavailable: if Redis does not answer.
        """
        await self._remove(self._keys.waiters(digest, waiter.scope), waiter)

    async def _add(self, name: str, waiter: Waiter, ttl_s: int) -> None:
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.sadd(name, codec.encode(waiter))
                pipe.expire(name, ttl_s)
                await pipe.execute()
        except (RedisError, OSError) as error:
            unanswered(error, STORE)

    async def _members(self, name: str) -> list[Waiter]:
        try:
            members: set[bytes] = await self._redis.smembers(name)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        return [waiter for member in sorted(members) if (waiter := _waiter(member)) is not None]

    async def _remove(self, name: str, waiter: Waiter) -> None:
        try:
            await self._redis.srem(name, codec.encode(waiter))  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)


def _waiter(raw: bytes) -> Waiter | None:
    """A stored waiter; None for what another version wrote and this one can't read: whoever wrote it asks again."""
    try:
        return codec.decode_as(Waiter, raw)
    except codec.MalformedError:
        log.warning("waiter_unreadable")
        return None
