"""What flights have found, errors included: kept until it expires."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.chain import PUBLIC, Resolution
from services.common.errors import unanswered
from services.common.keys import Keys

# What is said not to answer, where Redis does not.
STORE: Final = "The resolver's store"
# Videos of which a process answers without asking Redis: some kilobytes each.
MOST_REMEMBERED: Final = 200
_NOTHING: Final[tuple[float, None]] = (0.0, None)
# This version's record and the next one's, so that a rolling upgrade works.
READABLE: Final = (1, 2)


class Results:
    """The cache of formats. Errors are cached as results are, only shorter."""

    def __init__(self, redis: Redis, keys: Keys, *, remember_s: float = 0.0) -> None:
        """:param remember_s: how long a video of everybody's is told without asking Redis again; of others' never."""
        self._redis = redis
        self._keys = keys
        self._remember_s = remember_s
        # By digest, with when (monotonic seconds) it is asked for again; the oldest first.
        self._remembered: OrderedDict[str, tuple[float, Resolution]] = OrderedDict()

    async def peek(self, digest: str, scope: str) -> Resolution | None:
        """What is known of a link, by the digest of its canonical URL.

        :raises Unavailable: if Redis does not answer.
        """
        if scope == PUBLIC and (held := self._held(digest)) is not None:
            return held
        try:
            raw = await self._redis.get(self._keys.format(digest, scope))
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        if raw is None:
            return None
        try:
            known = codec.decode_as(Resolution, raw)
        except codec.MalformedError:
            # Written by a version that this one can't read: resolve again.
            return None
        if known.v not in READABLE or known.expires_at <= time.time():
            return None
        if scope == PUBLIC and self._remember_s and known.video is not None:
            self._remember(digest, known)
        return known

    def _held(self, digest: str) -> Resolution | None:
        again_at, known = self._remembered.get(digest, _NOTHING)
        if known is None or time.monotonic() >= again_at or known.expires_at <= time.time():
            return None
        return known

    def _remember(self, digest: str, known: Resolution) -> None:
        self._remembered.pop(digest, None)
        self._remembered[digest] = (time.monotonic() + self._remember_s, known)
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)

    async def put(self, digest: str, scope: str, resolution: Resolution) -> None:
        """Cache a flight's result until it expires, and tell those who wait for it.

        :raises Unavailable: if Redis does not answer; then it may be cached.
        """
        ttl_ms = max(1000, int((resolution.expires_at - time.time()) * 1000))
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(self._keys.format(digest, scope), codec.encode(resolution), px=ttl_ms)
                pipe.publish(self._keys.resolve(digest), codec.encode({"done": True}))
                await pipe.execute()
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
