"""People's playlists in Redis."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.errors import Refused, Unavailable, unanswered
from services.common.keys import Keys
from services.common.wire.rest import Playlist

# What is said not to answer, where Redis does not.
STORE: Final = "The store of playlists"
LIFETIME_S: Final = 365 * 24 * 3600
MOST_PLAYLISTS: Final = 50
MOST_BYTES: Final = 1 << 20
# This version's record and the next one's, so that a rolling upgrade works.
READABLE: Final = (1, 2)
# Somebody else who changes the same playlist is the same person, elsewhere.
_ATTEMPTS: Final = 8


class _Record(Struct, frozen=True, kw_only=True):
    playlist: Playlist
    v: int = 1


class Playlists:
    """Keeps playlists by person. Every method raises `Unavailable` when Redis does not answer."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def all(self, owner: str) -> list[Playlist]:
        """A person's playlists, last changed first."""
        try:
            stored: dict[bytes, bytes] = await self._redis.hgetall(self._keys.playlists(owner))  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        found = [playlist for raw in stored.values() if (playlist := _read(raw)) is not None]
        return sorted(found, key=lambda playlist: playlist.updated_at, reverse=True)

    async def get(self, owner: str, playlist: str) -> Playlist:
        """One of a person's playlists.

        :raises Refused: `not_found`.
        """
        found = _read(await self._raw(owner, playlist))
        if found is None:
            raise _not_found()
        return found

    async def add(self, owner: str, playlist: Playlist) -> None:
        """Keep a new playlist.

        :raises Refused: `too_many_playlists`, `too_large`.
        """
        await self._write(owner, playlist.id, b"", _encoded(playlist))

    async def change(self, owner: str, playlist: str, change: Callable[[Playlist], Playlist]) -> Playlist:
        """Change a playlist, and answer what it is now. `change` is called again when somebody else was faster.

        :raises Refused: `not_found`, `too_large`, and what `change` raises.
        """
        for _ in range(_ATTEMPTS):
            raw = await self._raw(owner, playlist)
            found = _read(raw)
            if found is None:
                raise _not_found()
            changed = change(found)
            if await self._write(owner, playlist, raw, _encoded(changed)):
                return changed
        raise Unavailable("unavailable", "This playlist is being changed elsewhere. Try again.", retry_after_ms=1000)

    async def delete(self, owner: str, playlist: str) -> None:
        """Forget a playlist, whatever version wrote it.

        :raises Refused: `not_found`.
        """
        try:
            gone = await self._redis.hdel(self._keys.playlists(owner), playlist)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        if not gone:
            raise _not_found()

    async def _raw(self, owner: str, playlist: str) -> bytes:
        try:
            found: bytes | None = await self._redis.hget(self._keys.playlists(owner), playlist)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        return found or b""

    async def _write(self, owner: str, playlist: str, seen: bytes, new: bytes) -> bool:
        """Whether it was written: not if somebody else wrote since `seen` was read."""
        args: list[Any] = [self._keys.playlists(owner), playlist, seen, new]
        args += [MOST_PLAYLISTS, MOST_BYTES, LIFETIME_S * 1000]
        try:
            answer = int(await self._redis.eval(_script(), 1, *args))  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        if answer == -1:
            raise Refused("too_many_playlists", f"You have {MOST_PLAYLISTS} playlists. Delete one first.")
        if answer == -2:
            raise Refused("too_large", "Your playlists are full. Remove some links first.")
        return answer == 1


def _read(raw: bytes) -> Playlist | None:
    """A stored playlist; None for what this version can't read: it stays as it is."""
    try:
        record = codec.decode_as(_Record, raw) if raw else None
    except codec.MalformedError:
        return None
    return record.playlist if record is not None and record.v in READABLE else None


def _encoded(playlist: Playlist) -> bytes:
    return codec.encode(_Record(playlist=playlist))


@cache
def _script() -> str:
    return (files("services.common") / "playlists.lua").read_text(encoding="utf-8")


def _not_found() -> Refused:
    return Refused("not_found", "You have no such playlist.")
