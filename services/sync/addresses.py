"""Hashes of callers' addresses: what bans by address hold."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

import structlog
from redis.asyncio import Redis

from services.common.errors import Unavailable
from services.common.keyring import KeyRing, Seal
from services.common.keys import Keys
from services.common.net import address_group
from services.common.room.runner import reaching

log = structlog.get_logger()

_RETRY_S: Final = 1.0


class Addresses:
    """Hashes addresses under a key that outlives rotations of the secret.

    The key lies in Redis, sealed under the installation's secret: each start seals it anew under the newest, so that it
    can be read when the oldest goes, also if nobody came meanwhile. Where it was sealed under a secret that is lost,
    another one is put beside it; who can read several takes the first.
    """

    def __init__(self, redis: Redis, keys: Keys, ring: KeyRing) -> None:
        self._redis = redis
        self._name = keys.address_keys()
        self._seal = Seal(ring, "address")
        # Older versions hashed under this one: their bans go on.
        self._first = ring.subkeys("session")[0]
        self._key: bytes | None = None

    async def prepare(self) -> None:
        """Read the key, as soon as Redis is there."""
        while self._key is None:
            try:
                await self._read()
            except Unavailable:
                await asyncio.sleep(_RETRY_S)

    async def digest(self, address: str) -> str:
        """The hash of an address, or of an IPv6 address' network.

        :raises Unavailable: if the key is not known yet, and Redis does not answer.
        """
        key = self._key or await self._read()
        return hashlib.blake2b(address_group(address).encode(), digest_size=12, key=key).hexdigest()

    async def _read(self) -> bytes:
        found = await self._readable()
        if found is None:
            with reaching():
                await self._redis.rpush(self._name, self._seal.close(self._first))  # type: ignore[misc]
            # Others may have been faster.
            found = await self._readable()
        self._key = found or self._first
        return self._key

    async def _readable(self) -> bytes | None:
        with reaching():
            all_sealed: list[bytes] = await self._redis.lrange(self._name, 0, -1)  # type: ignore[misc]
            for index, sealed in enumerate(all_sealed):
                if (key := self._seal.open(sealed)) is None:
                    continue
                if self._seal.is_old(sealed):
                    await self._redis.lset(self._name, index, self._seal.close(key))  # type: ignore[misc, arg-type]
                return key
        if all_sealed:
            log.warning("address_keys_unreadable", count=len(all_sealed))
        return None
