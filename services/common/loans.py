"""What people's cookies opened: the cookies that its streams are fetched with, and how to take all of it back."""

from __future__ import annotations

import time
from typing import Final

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.cookies import Cookie
from services.common.errors import unanswered
from services.common.keyring import KeyRing, Seal
from services.common.keys import Keys

# What is said not to answer, where Redis does not.
STORE: Final = "The stream store"


class Loan(Struct, frozen=True, kw_only=True):
    """Cookies of one scope, as yt-dlp left them, and the ids of the contexts that need them.

    `sites` are those whose cookies they may have begun as, `digest` is the page's.
    """

    owner: str
    audience: str
    sites: list[str]
    digest: str
    cookies: list[Cookie]
    contexts: list[str]
    v: int = 1


class Loans:
    """Keeps loans for as long as their streams. A scope without one is over: its streams are refused."""

    def __init__(self, redis: Redis, keys: Keys, ring: KeyRing) -> None:
        self._redis = redis
        self._keys = keys
        self._seal = Seal(ring, "cookies")

    async def put(self, scope: str, loan: Loan, ttl_s: int) -> None:
        """Keep a loan, replacing the one of its scope.

        :raises Unavailable: if Redis does not answer; then it may be kept.
        """
        name, now = self._keys.loans(loan.owner), time.time()
        sealed = self._seal.close(codec.encode(loan))
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                # The list first: what is not in it could not be taken back.
                pipe.zremrangebyscore(name, "-inf", now)
                pipe.zadd(name, {f"{scope}|{'+'.join(loan.sites)}|{loan.audience}": now + ttl_s})
                pipe.expire(name, ttl_s)
                pipe.set(self._keys.loan(scope), sealed, ex=ttl_s)
                await pipe.execute()
        except (RedisError, OSError) as error:
            unanswered(error, STORE)

    async def get(self, scope: str) -> Loan | None:
        """The loan of a scope, or None if it was taken back, has expired, or its secret is gone.

        :raises Unavailable: if Redis does not answer.
        """
        try:
            sealed = await self._redis.get(self._keys.loan(scope))
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        content = self._seal.open(sealed) if sealed else None
        try:
            return codec.decode_as(Loan, content) if content else None
        except codec.MalformedError:
            return None

    async def drop(
        self, owner: str, *, site: str | None = None, audience: str | None = None, scope: str | None = None
    ) -> list[str]:
        """Take back what a person's cookies opened: of one site, for one audience, one scope, or all of it.

        Its results, streams and cookies are deleted; proxies notice within half a minute. Answers the audiences.

        :raises Unavailable: if Redis does not answer; repeating it is safe.
        """
        name, audiences = self._keys.loans(owner), []
        try:
            for entry in await self._redis.zrange(name, 0, -1):
                of_scope, _, rest = entry.decode().partition("|")
                of_sites, _, of_audience = rest.partition("|")
                if site is not None and site not in of_sites.split("+"):
                    continue
                if audience not in (None, of_audience) or scope not in (None, of_scope):
                    continue
                await self._end(of_scope)
                await self._redis.zrem(name, entry)
                audiences.append(of_audience)
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        return audiences

    async def _end(self, scope: str) -> None:
        loan = await self.get(scope)
        # The loan itself first: with it the scope's streams end, wherever the rest of this ends.
        await self._redis.delete(self._keys.loan(scope))
        if loan is not None:
            streams = [self._keys.stream(context) for context in loan.contexts]
            await self._redis.delete(self._keys.format(loan.digest, scope), *streams)
