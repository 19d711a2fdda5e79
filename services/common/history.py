"""What people watched, for themselves alone."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.errors import Refused, unanswered
from services.common.keys import Keys, url_digest
from services.common.wire.rest import HistoryEntry

# What is said not to answer, where Redis does not.
STORE: Final = "The watch history"
LIFETIME_S: Final = 365 * 24 * 3600
MOST_ENTRIES: Final = 300
# This version's record and the next one's, so that a rolling upgrade works.
READABLE: Final = (1, 2)


class _Record(Struct, frozen=True, kw_only=True):
    entry: HistoryEntry
    v: int = 1


def entry_id(room: str, item: str) -> str:
    """The id of an item of a room: watching it again moves its entry on."""
    return url_digest(f"{room}|{item}")[:12]


class Histories:
    """Keeps watch histories by person. Every method raises `Unavailable` when Redis does not answer."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def note(self, owner: str, entry: HistoryEntry) -> bool:
        """Enter what somebody watches; False if they keep no history. The oldest beyond 300 go."""
        names = (self._keys.history(owner), self._keys.watched(owner), self._keys.forgetful(owner))
        args: list[Any] = [*names, entry.id, codec.encode(_Record(entry=entry)), round(entry.watched_at * 1000)]
        args += [MOST_ENTRIES, LIFETIME_S * 1000]
        try:
            answer = await self._redis.eval(_script(), 3, *args)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        return bool(answer)

    async def entries(self, owner: str) -> list[HistoryEntry]:
        """What somebody watched, last first."""
        try:
            order: list[bytes] = await self._redis.zrevrange(self._keys.history(owner), 0, -1)
            stored: dict[bytes, bytes] = await self._redis.hgetall(self._keys.watched(owner))  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        return [entry for each in order if (entry := _read(stored.get(each, b""))) is not None]

    async def is_kept(self, owner: str) -> bool:
        """Whether somebody wants a history."""
        try:
            return not await self._redis.exists(self._keys.forgetful(owner))
        except (RedisError, OSError) as error:
            unanswered(error, STORE)

    async def keep(self, owner: str, is_kept: bool) -> None:
        """Note more, or no more; what is there stays."""
        name = self._keys.forgetful(owner)
        try:
            await (self._redis.delete(name) if is_kept else self._redis.set(name, 1, ex=LIFETIME_S))
        except (RedisError, OSError) as error:
            unanswered(error, STORE)

    async def remove(self, owner: str, entry: str) -> None:
        """Forget one entry.

        :raises Refused: `not_found`.
        """
        try:
            # The entry first: what is only in the order is shown to nobody.
            gone = await self._redis.hdel(self._keys.watched(owner), entry)  # type: ignore[misc]
            await self._redis.zrem(self._keys.history(owner), entry)
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        if not gone:
            raise Refused("not_found", "That is not in your history any more.")

    async def clear(self, owner: str) -> None:
        """Forget all of it."""
        try:
            await self._redis.delete(self._keys.watched(owner))
            await self._redis.delete(self._keys.history(owner))
        except (RedisError, OSError) as error:
            unanswered(error, STORE)


def _read(raw: bytes) -> HistoryEntry | None:
    try:
        record = codec.decode_as(_Record, raw) if raw else None
    except codec.MalformedError:
        return None
    return record.entry if record is not None and record.v in READABLE else None


@cache
def _script() -> str:
    return (files("services.common") / "history.lua").read_text(encoding="utf-8")
