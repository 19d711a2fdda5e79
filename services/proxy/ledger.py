"""Who holds or fetches which bucket, in Redis: hints. What is true of a bucket stands in its file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common.keys import Keys
from services.proxy.bucket import Bucket

# How long a reader's first byte may wait for Redis; after a failure it is left alone for a while.
TIMEOUT_S: Final = 0.25
PAUSE_S: Final = 2.0
LEASE_MS: Final = 15_000
INDEX_S: Final = 7 * 86_400
_SCRIPTS: Final = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True)
class Claim:
    """What Redis said to a wish to fetch a bucket. `fence` 0: it said nothing, or `filler` fetches it already."""

    holder: str = ""
    filler: str = ""
    fence: int = 0


class Ledger:
    """Claims and commits of one node. Without Redis every claim is granted."""

    def __init__(self, redis: Redis, keys: Keys, node: str) -> None:
        self._redis = redis
        self._keys = keys
        self._node = node
        self._claim = redis.register_script((_SCRIPTS / "claim.lua").read_text(encoding="utf-8"))
        self._commit = redis.register_script((_SCRIPTS / "commit.lua").read_text(encoding="utf-8"))
        self._fences: dict[tuple[str, int], int] = {}
        self._touched: dict[str, float] = {}
        self._quiet_until = 0.0

    async def claim(self, digest: str, number: int) -> Claim:
        """Ask to fetch a bucket; a lease keeps others from doing so at the same time."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._quiet_until:
            return Claim()
        keys = [self._keys.bucket(digest), self._keys.bucket_fill(digest, number)]
        try:
            async with asyncio.timeout(TIMEOUT_S):
                holder, filler, fence = await self._claim(keys=keys, args=[self._node, number, LEASE_MS, INDEX_S])
        except (RedisError, OSError, TimeoutError):
            self._quiet_until = loop.time() + PAUSE_S
            return Claim()
        self._fences[digest, number] = int(fence)
        while len(self._fences) > 10_000:
            del self._fences[next(iter(self._fences))]
        return Claim(_text(holder).rpartition(" ")[2], _text(filler), int(fence))

    async def commit(self, bucket: Bucket) -> None:
        """Tell that all of a bucket is here."""
        fence = self._fences.pop((bucket.digest, bucket.number), 0)
        keys = [self._keys.bucket(bucket.digest), self._keys.bucket_fill(bucket.digest, bucket.number)]
        generation = bucket.salt
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._commit(keys=keys, args=[self._node, bucket.number, fence, generation])
        except (RedisError, OSError, TimeoutError):
            self._quiet_until = asyncio.get_running_loop().time() + PAUSE_S

    async def order(self) -> dict[str, float]:
        """When buckets were last read, by file name (Unix seconds), as far as an earlier process told."""
        try:
            async with asyncio.timeout(TIMEOUT_S * 8):
                told = await self._redis.zrange(self._keys.bucket_lru(self._node), 0, -1, withscores=True)
        except (RedisError, OSError, TimeoutError):
            return {}
        return {_text(name): float(score) for name, score in told}

    async def touch(self, read: dict[str, float], dropped: set[str]) -> bool:
        """Write down when buckets were last read, all at once, and which are gone. False if that failed."""
        key = self._keys.bucket_lru(self._node)
        try:
            async with asyncio.timeout(TIMEOUT_S * 8), self._redis.pipeline(transaction=False) as pipe:
                if read:
                    pipe.zadd(key, read)
                if dropped:
                    pipe.zrem(key, *dropped)
                pipe.expire(key, INDEX_S)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError):
            return False
        return True


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
