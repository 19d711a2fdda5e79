"""Paired browsers: each has a token that changes its person's cookies, and nothing else."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.errors import Refused, unanswered
from services.common.keyring import KeyRing
from services.common.keys import Keys, MemberId
from services.common.names import clean_name
from services.common.wire.rest import PairedBrowser

# What is said not to answer, where Redis does not.
STORE: Final = "The list of browsers"
# A token that was not used for so long is none any more.
LIFETIME_S: Final = 180 * 24 * 3600
MOST_BROWSERS: Final = 20
# How exactly the list tells when a browser was last here: the rest would be a write for every request.
TOUCH_S: Final = 60.0
_PREFIX: Final = "wt1"


class _Kept(Struct, frozen=True, kw_only=True):
    """What Redis holds of one browser, under the digest of its token. Times are Unix seconds."""

    id: str
    name: str
    paired_at: float
    used_at: float
    v: int = 1


@dataclass(frozen=True, slots=True)
class Bearer:
    """A browser that showed its token, and whose it is."""

    owner: MemberId
    browser: str


class Browsers:
    """The browsers that people connected. Every method raises `Unavailable` when Redis does not answer.

    A token names its owner and carries 256 random bits. Redis holds one hash for each owner with keyed digests of their
    tokens: who reads Redis has no token, who writes to it can make none, and taking one away is a single command.
    """

    def __init__(self, redis: Redis, keys: Keys, ring: KeyRing, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._keys = keys
        self._subkeys = ring.subkeys("extension")
        self._clock = clock

    async def admit(self, owner: MemberId, name: str) -> str:
        """A token for one more browser of a person. Answers it; it is not told again.

        :raises Refused: `too_many_browsers` if they have twenty.
        """
        if len(await self._living(owner)) >= MOST_BROWSERS:
            raise Refused("too_many_browsers", f"You have connected {MOST_BROWSERS} browsers. Disconnect one first.")
        token = f"{_PREFIX}.{_wrapped(owner)}.{secrets.token_urlsafe(32)}"
        now = self._clock()
        kept = _Kept(id=secrets.token_hex(6), name=clean_name(name) or "A browser", paired_at=now, used_at=now)
        key = self._keys.browsers(owner)
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(key, self._digest(token, self._subkeys[0]), codec.encode_text(kept))
                pipe.expire(key, LIFETIME_S)
                await pipe.execute()
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        return token

    async def bearer(self, token: str) -> Bearer:
        """Who shows this token.

        :raises Refused: `bad_token` if it was never given, is taken away, or was not used for half a year.
        """
        owner = _owner(token)
        if owner is None:
            raise _unknown()
        for subkey in self._subkeys:
            field = self._digest(token, subkey)
            raw = await self._get(owner, field)
            kept = _read(raw)
            if raw is not None and kept is not None and self._clock() - kept.used_at <= LIFETIME_S:
                await self._touch(owner, field, raw, kept, self._digest(token, self._subkeys[0]))
                return Bearer(owner, kept.id)
        raise _unknown()

    async def list(self, owner: MemberId) -> list[PairedBrowser]:
        """A person's browsers, the last used first."""
        browsers = [
            PairedBrowser(id=kept.id, name=kept.name, paired_at=kept.paired_at, used_at=kept.used_at)
            for kept in (await self._living(owner)).values()
        ]
        return sorted(browsers, key=lambda browser: -browser.used_at)

    async def revoke(self, owner: MemberId, browser: str) -> None:
        """Take a browser's token away.

        :raises Refused: `not_found` if the person has no such browser.
        """
        gone = [field for field, kept in (await self._living(owner)).items() if kept.id == browser]
        if not gone:
            raise Refused("not_found", "This browser is not connected.")
        try:
            await self._redis.hdel(self._keys.browsers(owner), *gone)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)

    async def _living(self, owner: MemberId) -> Mapping[str, _Kept]:
        """A person's browsers by field; those whose time is over are removed."""
        try:
            raw: dict[bytes, bytes] = await self._redis.hgetall(self._keys.browsers(owner))  # type: ignore[misc]
            kept = {field.decode(): _read(value) for field, value in raw.items()}
            oldest = self._clock() - LIFETIME_S
            living = {field: value for field, value in kept.items() if value is not None and value.used_at >= oldest}
            if over := [field for field in kept if field not in living]:
                await self._redis.hdel(self._keys.browsers(owner), *over)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        return living

    async def _touch(self, owner: MemberId, field: str, raw: bytes, kept: _Kept, newest: str) -> None:
        """Note that it was used, and keep it under the newest secret."""
        now = self._clock()
        if field == newest and now - kept.used_at < TOUCH_S:
            return
        renewed = codec.encode(replace(kept, used_at=now))
        args: list[Any] = [self._keys.browsers(owner), field, raw, newest, renewed, LIFETIME_S * 1000]
        try:
            await self._redis.eval(_script(), 1, *args)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)

    async def _get(self, owner: MemberId, field: str) -> bytes | None:
        try:
            found: bytes | None = await self._redis.hget(self._keys.browsers(owner), field)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        return found

    def _digest(self, token: str, subkey: bytes) -> str:
        return hmac.digest(subkey, f"token:{token}".encode(), "sha256").hex()


def _wrapped(owner: str) -> str:
    return base64.urlsafe_b64encode(owner.encode()).decode().rstrip("=")


def _owner(token: str) -> MemberId | None:
    """Whom a token says it belongs to. Only its digest proves that."""
    prefix, _, rest = token.partition(".")
    wrapped, dot, _ = rest.partition(".")
    if prefix != _PREFIX or not dot or len(token) > 1024 or not token.isascii():
        return None
    try:
        return MemberId(base64.urlsafe_b64decode(wrapped + "=" * (-len(wrapped) % 4)).decode())
    except (binascii.Error, ValueError):
        return None


def _read(raw: bytes | None) -> _Kept | None:
    try:
        return codec.decode_as(_Kept, raw) if raw else None
    except codec.MalformedError:
        return None


@cache
def _script() -> str:
    return (files("services.gateway") / "browsers.lua").read_text(encoding="utf-8")


def _unknown() -> Refused:
    return Refused("bad_token", "This browser is not connected any more. Connect it again on the page.")
