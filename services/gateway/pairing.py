"""Pairing codes: how a browser's extension learns whose it is. A person copies one from the page, it works once."""

from __future__ import annotations

import hmac
import secrets
import time
from typing import Final, NoReturn

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.errors import Refused, Unavailable
from services.common.keyring import KeyRing
from services.common.keys import Keys, MemberId
from services.common.wire.rest import PairingCode
from services.gateway import metrics

LIFETIME_S: Final = 300
# Without look-alikes: 31^8 codes. With 1,000 wrong guesses in a code's lifetime, whoever guesses finds one of 100
# living codes in one of eight million such times.
ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
LENGTH: Final = 8
MOST_WRONG: Final = 1000


class Holder(Struct, frozen=True, kw_only=True):
    """Whom a code belongs to."""

    owner: MemberId
    name: str
    v: int = 1


class PairingCodes:
    """Makes and takes codes. Redis knows them by their digests only.

    Every method raises `Unavailable` when Redis does not answer.
    """

    def __init__(self, redis: Redis, keys: Keys, ring: KeyRing) -> None:
        self._redis = redis
        self._keys = keys
        self._subkeys = ring.subkeys("extension")

    async def issue(self, holder: Holder) -> PairingCode:
        """A fresh code, good for five minutes and one use."""
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        ends = time.time() + LIFETIME_S
        try:
            await self._redis.set(self._key(code, self._subkeys[0]), codec.encode(holder), ex=LIFETIME_S)
        except (RedisError, OSError) as error:
            _unavailable(error)
        return PairingCode(code=f"{code[:4]}-{code[4:]}", expires_at=ends)

    async def redeem(self, text: str) -> Holder:
        """Whom the code belongs to; from now on it belongs to nobody.

        :raises Refused: `bad_code` if there is none such, or no longer; `too_many_requests` while the whole
            installation is asked for too many that are wrong.
        """
        code = read_code(text)
        try:
            await self._check_pace()
            found = await self._take(code) if code else None
            if found is None:
                await self._count_wrong()
        except (RedisError, OSError) as error:
            _unavailable(error)
        if found is None:
            raise Refused(
                "bad_code", "This code is wrong, used or older than five minutes. Make a new one on the page."
            )
        return codec.decode_as(Holder, found)

    async def _take(self, code: str) -> bytes | None:
        for subkey in self._subkeys:
            # One command, so that of two who bring the same code one gets it.
            found: bytes | None = await self._redis.getdel(self._key(code, subkey))
            if found is not None:
                return found
        return None

    async def _check_pace(self) -> None:
        wrong = await self._redis.get(self._wrong)
        if wrong is not None and int(wrong) >= MOST_WRONG:
            metrics.LIMITED.labels("pairing_all").inc()
            wait_ms = max(1000, int(await self._redis.pttl(self._wrong)))
            raise Refused("too_many_requests", "Too many wrong codes came in. Wait a moment.", retry_after_ms=wait_ms)

    async def _count_wrong(self) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._wrong, 0, ex=LIFETIME_S, nx=True)
            pipe.incr(self._wrong)
            await pipe.execute()

    @property
    def _wrong(self) -> str:
        return self._keys.limit("pairing", "wrong")

    def _key(self, code: str, subkey: bytes) -> str:
        return self._keys.pairing(hmac.digest(subkey, f"pair:{code}".encode(), "sha256").hex())


def read_code(text: str) -> str:
    """A code as somebody typed it, in the form it was made in; '' if it can't be one."""
    code = "".join(text.split()).replace("-", "").upper()
    return code if len(code) == LENGTH and not set(code) - set(ALPHABET) else ""


def _unavailable(error: Exception) -> NoReturn:
    raise Unavailable("unavailable", "Browsers can't be connected just now.", retry_after_ms=1000) from error
