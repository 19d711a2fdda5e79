"""Which sites are left alone: known to all workers, so that not each of them must fail there, and one alone probes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final, Protocol, TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.keys import Keys, url_digest
from services.resolver.breaker import Breaker

T = TypeVar("T")

log = structlog.get_logger(__name__)

# Beyond the longest pause nothing more is learnt of a site that nobody asks for.
LIFETIME_S: Final = 3600
NAMED_S: Final = 24 * 3600
_ATTEMPTS: Final = 5


class Breakers(Protocol):
    """Keeps a breaker for each site."""

    async def change(self, site: str, change: Callable[[Breaker], T]) -> T:
        """Read and change a site's breaker in one step. Answers what `change` does, which may be called again."""

    async def name(self, host: str) -> str:
        """Which extractor took a host's links last; '' where that is not known."""

    async def learn(self, host: str, extractor: str) -> None:
        """An extractor took a host's link."""


class OwnBreakers:
    """In the memory of one worker."""

    def __init__(self) -> None:
        self._breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
        self._names: dict[str, str] = {}

    async def change(self, site: str, change: Callable[[Breaker], T]) -> T:
        return change(self._breakers[site])

    async def name(self, host: str) -> str:
        return self._names.get(host, "")

    async def learn(self, host: str, extractor: str) -> None:
        self._names[host] = extractor


class SharedBreakers:
    """In Redis, under digests: what people watch is nobody's business.

    While Redis does not answer every link passes: its flight needs Redis anyway.
    """

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def change(self, site: str, change: Callable[[Breaker], T]) -> T:
        key = self._keys.site(url_digest(site))
        try:
            for _ in range(_ATTEMPTS):
                raw: bytes = await self._redis.get(key) or b""
                breaker = _read(raw)
                outcome = change(breaker)
                new = codec.encode(breaker) if breaker != Breaker() else b""
                if new == raw or await self._replace(key, raw, new):
                    return outcome
        except (RedisError, OSError) as error:
            log.info("breaker_unknown", error=type(error).__name__)
        return change(Breaker())

    async def name(self, host: str) -> str:
        try:
            return (await self._redis.get(self._keys.extractor(url_digest(host))) or b"").decode()
        except (RedisError, OSError):
            return ""

    async def learn(self, host: str, extractor: str) -> None:
        try:
            await self._redis.set(self._keys.extractor(url_digest(host)), extractor, ex=NAMED_S)
        except (RedisError, OSError) as error:
            log.info("extractor_not_told", error=type(error).__name__)

    async def _replace(self, key: str, seen: bytes, new: bytes) -> bool:
        args: list[Any] = [key, seen, new, LIFETIME_S * 1000]
        return bool(await self._redis.eval(_script(), 1, *args))  # type: ignore[misc]


def _read(raw: bytes) -> Breaker:
    """A stored breaker; a fresh one for what this version can't read."""
    try:
        return codec.decode_as(Breaker, raw) if raw else Breaker()
    except codec.MalformedError:
        return Breaker()


@cache
def _script() -> str:
    return (files("services.resolver") / "breaker.lua").read_text(encoding="utf-8")
