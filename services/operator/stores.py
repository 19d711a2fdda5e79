"""Connections of one command, and the walks over keys that no index lists."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from services.common.config import CommonSettings
from services.common.errors import Unavailable
from services.common.keyring import KeyRing
from services.common.keys import Keys
from services.common.loans import Loans
from services.common.redis import connect, masters
from services.common.room.store import RoomStore
from services.common.vault import Vault
from services.operator.place import keyring

REACH_S: Final = 5.0
_AT_ONCE: Final = 500


class Stores:
    """The Redis of rooms and that of jobs, which may be one, and what reads them. Use it as a context manager."""

    def __init__(self, settings: CommonSettings) -> None:
        self.settings = settings
        self.keys = Keys(settings.key_prefix)
        self.rooms_redis = connect(settings.redis_url, max_connections=8)
        self.is_one = settings.jobs_url == settings.redis_url
        self.jobs_redis = self.rooms_redis if self.is_one else connect(settings.jobs_url, max_connections=8)
        self.rooms = RoomStore(self.rooms_redis, self.keys)

    async def reach(self) -> None:
        """Make sure of both.

        :raises Unavailable: naming the one that does not answer, and never its address: there may be a password in it.
        """
        await _answering(self.rooms_redis, "WT_REDIS_URL")
        if not self.is_one:
            await _answering(self.jobs_redis, "WT_JOBS_REDIS_URL")
        await self.rooms.masters.refresh()

    def ring(self) -> KeyRing:
        """The installation's secrets.

        :raises SettingsError: if there are none.
        """
        return keyring(self.settings)

    def vault(self) -> Vault:
        """People's cookies, those of guests too wherever they came from."""
        return Vault(self.rooms_redis, self.keys, self.ring(), guests_allowed=True)

    def loans(self) -> Loans:
        """What cookies opened."""
        return Loans(self.jobs_redis, self.keys, self.ring())

    async def __aenter__(self) -> Stores:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rooms_redis.aclose()
        if not self.is_one:
            await self.jobs_redis.aclose()


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Talk to Redis.

    :raises Unavailable: in place of what redis-py raises.
    """
    try:
        yield
    except NoPermissionError as error:
        raise Unavailable("unavailable", f"Redis does not allow it to this user: {error}") from error
    except (RedisError, OSError) as error:
        raise Unavailable("unavailable", "Redis does not answer any more.") from error


async def names(redis: Redis, start: str) -> AsyncIterator[list[str]]:
    """The names of all keys that begin with `start`, some hundreds at a time; of a Cluster every master's.

    A name may come twice. What changes meanwhile may be missed.
    """
    pattern = re.sub(r"([*?\[\]\\])", r"\\\1", start) + "*"
    with asking():
        clients = await masters(redis)
    for client in clients.values():
        cursor = 0
        while True:
            with asking():
                cursor, found = await client.scan(cursor, match=pattern, count=_AT_ONCE)
            if found:
                yield [name.decode(errors="replace") for name in found]
            if not cursor:
                break


async def _answering(redis: Redis, name: str) -> None:
    try:
        async with asyncio.timeout(REACH_S):
            for client in (await masters(redis)).values():
                await client.ping()
    except AuthenticationError:
        raise Unavailable("unavailable", f"Redis refuses the password that stands in {name}.") from None
    except (RedisError, OSError, TimeoutError):
        advice = "is it running, and is that its address?"
        raise Unavailable("unavailable", f"The Redis of {name} does not answer: {advice}") from None
