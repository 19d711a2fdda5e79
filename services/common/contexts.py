"""Stream contexts: what a signed stream needs upstream and no client may see, encrypted in Redis."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.chain import PUBLIC
from services.common.cookies import Cookie
from services.common.errors import unanswered
from services.common.keyring import KeyRing, Seal
from services.common.keys import Keys
from services.common.loans import STORE, Loans

# What a page opened hours ago still names.
MOST_EARLIER: Final = 8


class StreamContext(Struct, kw_only=True, frozen=True):
    """One stream as it is today.

    `url` is the current upstream URL; `headers` are those yt-dlp said it needs; `scope` is `public` or the cookie
    owner's; `available_at` and `expires_at` are Unix seconds; `earlier` are the URLs that stood in `url`'s place
    before. `object_id` is the object whose URL `url` is: of others that share the context (the segments of a manifest)
    it tells the headers and cookies, and where they have moved. `owner` and `audience` are those of the way that opened
    it. `cookies` are those the site gave to somebody without any; in another scope they are never kept here but in its
    loan. `text` is the stream itself where it has no address: subtitles that a site's page holds. `v` is the version of
    this record.
    """

    page_url: str
    format_id: str
    url: str
    object_id: str = ""
    headers: dict[str, str] = {}
    scope: str = PUBLIC
    owner: str = ""
    audience: str = ""
    cookies: list[Cookie] = []
    extractor: str = ""
    available_at: float | None = None
    expires_at: float | None = None
    earlier: list[str] = []
    text: str = ""
    v: int = 1


class ContextStore:
    """Reads and writes contexts. The caller keeps them in memory: no Redis call stands on a segment's hit path."""

    def __init__(self, redis: Redis, keys: Keys, ring: KeyRing) -> None:
        self._redis = redis
        self._keys = keys
        self._seal = Seal(ring, "cookies")
        self._loans = Loans(redis, keys, ring)

    async def put(self, contexts: dict[str, StreamContext], ttl_s: int) -> None:
        """Write contexts by id, each replacing what was there.

        :raises Unavailable: if Redis does not answer; then some may be written.
        """
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for context, value in contexts.items():
                    pipe.set(self._keys.stream(context), self._seal.close(codec.encode(value)), ex=ttl_s)
                await pipe.execute()
        except (RedisError, OSError) as error:
            unanswered(error, STORE)

    async def renew(self, contexts: dict[str, StreamContext], ttl_s: int) -> None:
        """As `put`; each context remembers the URLs that it replaces.

        :raises Unavailable: if Redis does not answer; then some may be written.
        """
        former = await self._read(list(contexts))
        merged = {context: _succeeding(former.get(context), value) for context, value in contexts.items()}
        await self.put(merged, ttl_s)

    async def _read(self, contexts: list[str]) -> dict[str, StreamContext]:
        try:
            sealed = await self._redis.mget([self._keys.stream(context) for context in contexts]) if contexts else []
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        opened = {context: self._open(raw) for context, raw in zip(contexts, sealed, strict=True)}
        return {context: value for context, value in opened.items() if value is not None}

    def _open(self, sealed: bytes | None) -> StreamContext | None:
        content = self._seal.open(sealed) if sealed else None
        try:
            return codec.decode_as(StreamContext, content) if content else None
        except codec.MalformedError:
            return None

    async def get(self, context: str) -> StreamContext | None:
        """The context with its cookies, or None if it has expired, was taken back or its secret is gone.

        :raises Unavailable: if Redis does not answer.
        """
        try:
            sealed = await self._redis.get(self._keys.stream(context))
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        found = self._open(sealed)
        if found is None or found.scope == PUBLIC:
            return found
        loan = await self._loans.get(found.scope)
        return None if loan is None else replace(found, cookies=loan.cookies)


def _succeeding(former: StreamContext | None, value: StreamContext) -> StreamContext:
    if former is None:
        return value
    urls = [url for url in (*former.earlier, former.url) if url != value.url]
    return replace(value, earlier=urls[-MOST_EARLIER:])
