"""Stream contexts: what a signed stream needs upstream and no client may see, encrypted in Redis."""

from __future__ import annotations

from cryptography.fernet import InvalidToken
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.errors import Unavailable
from services.common.keyring import KeyRing
from services.common.keys import Keys


class StreamContext(Struct, kw_only=True, frozen=True):
    """One stream as it is today.

    `url` is the current upstream URL; `headers` are those yt-dlp said it needs; `scope` is `public` or the cookie
    owner's; `available_at` and `expires_at` are Unix seconds. `object_id` is the object whose URL `url` is: for others
    that share the context (the segments of a manifest) only its headers count. `v` is the version of this record.
    """

    page_url: str
    format_id: str
    url: str
    object_id: str = ""
    headers: dict[str, str] = {}
    scope: str = "public"
    extractor: str = ""
    available_at: float | None = None
    expires_at: float | None = None
    v: int = 1


class ContextStore:
    """Reads and writes contexts. The caller keeps them in memory: no Redis call stands on a segment's hit path."""

    def __init__(self, redis: Redis, keys: Keys, ring: KeyRing) -> None:
        self._redis = redis
        self._keys = keys
        self._fernet = ring.fernet("cookies")

    async def put(self, contexts: dict[str, StreamContext], ttl_s: int) -> None:
        """Write contexts by id, each replacing what was there.

        :raises Unavailable: if Redis does not answer; then some may be written.
        """
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for context, value in contexts.items():
                    pipe.set(self._keys.stream(context), self._fernet.encrypt(codec.encode(value)), ex=ttl_s)
                await pipe.execute()
        except (RedisError, OSError) as error:
            raise Unavailable("unavailable", "The stream store does not answer.", retry_after_ms=1000) from error

    async def get(self, context: str) -> StreamContext | None:
        """The context, or None if it has expired or was written under a secret that is gone.

        :raises Unavailable: if Redis does not answer.
        """
        try:
            sealed = await self._redis.get(self._keys.stream(context))
        except (RedisError, OSError) as error:
            raise Unavailable("unavailable", "The stream store does not answer.", retry_after_ms=1000) from error
        if sealed is None:
            return None
        try:
            return codec.decode_as(StreamContext, self._fernet.decrypt(sealed))
        except (InvalidToken, codec.MalformedError):
            return None
