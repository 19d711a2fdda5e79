"""Streams whose upstream has stopped to know them: asking the resolver for today's URLs.

A context is written anew under its own id, so that nobody's URLs change.
"""

from __future__ import annotations

from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common.chain import Link
from services.common.errors import Unavailable
from services.common.jobs import Jobs
from services.common.keys import Keys, url_digest

# One page of one scope is opened again at most so often, whatever upstreams answer.
EVERY_S: Final = 30
# For so long the job counts as waited for.
WANTED_S: Final = 30


class Renewals:
    """Asks for flights whose results replace what is cached."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._jobs = Jobs(redis, keys)

    async def ask(self, page_url: str, link: Link) -> bool:
        """Have a page opened again; False if that was asked for within the last 30 s.

        :param page_url: canonical, as contexts name it. `link`: the way that it was opened.
        :raises Unavailable: if Redis does not answer.
        """
        digest, scope = url_digest(page_url), link.scope
        try:
            if not await self._redis.set(self._keys.renewed(digest, scope), 1, nx=True, ex=EVERY_S):
                return False
            async with self._redis.pipeline(transaction=False) as pipe:
                # What is cached names the URLs that were refused.
                pipe.delete(self._keys.format(digest, scope))
                pipe.set(self._keys.wanted(digest, scope), 1, ex=WANTED_S)
                await pipe.execute()
        except (RedisError, OSError) as error:
            raise Unavailable("unavailable", "The stream store does not answer.", retry_after_ms=1000) from error
        await self._jobs.enqueue(digest, page_url, link)
        return True

    async def is_done(self, page_url: str, scope: str) -> bool:
        """Whether there is a result again, be it an error.

        :raises Unavailable: if Redis does not answer.
        """
        try:
            return bool(await self._redis.exists(self._keys.format(url_digest(page_url), scope)))
        except (RedisError, OSError) as error:
            raise Unavailable("unavailable", "The stream store does not answer.", retry_after_ms=1000) from error
