"""The list of rooms: which there are, which were active last, which must be looked at for members who are gone.

Outside of the rooms' hash tags, so that no room's script can keep it: a hint that the sweep heals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Literal

from redis.asyncio import Redis

from services.common.errors import Refused, Unavailable
from services.common.keys import Keys
from services.common.room.runner import ScriptRunner, reaching
from services.common.room.sender import SYSTEM
from services.common.room.snapshot import read_summary
from services.common.wire.models import RoomSummary

# How long a room is remembered as told, so that a busy room doesn't write here on every command.
_TOUCH_EVERY_S: Final = 20.0
# How many rooms are remembered so, before those told longer ago are looked for.
_MOST_TOUCHED: Final = 10_000
_AT_ONCE: Final = 100
# As long as a room's keys live (`prelude.lua`).
ROOM_TTL_S: Final = 30 * 24 * 3600.0


class Directory:
    """Every method but `touch` raises `Unavailable` when Redis does not answer."""

    def __init__(self, redis: Redis, keys: Keys, runner: ScriptRunner) -> None:
        self._redis = redis
        self._keys = keys
        self._runner = runner
        self._touched: dict[str, float] = {}

    async def list_rooms(self, limit: int) -> list[RoomSummary]:
        """The listed rooms, last active first."""
        with reaching():
            ids = [room.decode() for room in await self._redis.zrevrange(self._keys.rooms(), 0, limit - 1)]
        outcomes = await asyncio.gather(*(self._summary(room) for room in ids))
        gone = [room for room, outcome in zip(ids, outcomes, strict=True) if outcome == "gone"]
        if gone:
            with reaching():
                await self._redis.zrem(self._keys.rooms(), *gone)
        return [outcome for outcome in outcomes if isinstance(outcome, RoomSummary)]

    async def _summary(self, room: str) -> RoomSummary | Literal["gone", "unlisted"]:
        try:
            answer = await self._runner.run("summary", room, "", SYSTEM)
        except Refused:
            return "gone"
        _, unlisted, playing, active_at, settings, item, *members = answer
        return read_summary(room, unlisted, playing, active_at, settings, item, members) or "unlisted"

    async def touch(self, room: str, now: float, *, listed: bool, lease_s: float = 0.0) -> None:
        """Somebody came into a room at `now` (Unix seconds), for `lease_s` at first. A hint: a failure is of no
        consequence.
        """
        try:
            # However lately it was told: a sweep may have found the room empty since.
            due, due_ms = self._keys.rooms_due(), f"{(now + lease_s) * 1000:.0f}"
            await self._runner.ask(due, "ZADD", due, "NX", due_ms, room)
            if listed and self._is_news(room, now):
                await self._runner.ask(self._keys.rooms(), "ZADD", self._keys.rooms(), f"{now * 1000:.0f}", room)
        except Unavailable:
            self._touched.pop(room, None)

    async def tell_active(self, activity: Mapping[str, float]) -> None:
        """Listed rooms are active at these times (Unix seconds): one write for many."""
        news = [(room, now) for room, now in activity.items() if self._is_news(room, now)]
        key = self._keys.rooms()
        for start in range(0, len(news), _AT_ONCE):
            scores = [part for room, now in news[start : start + _AT_ONCE] for part in (f"{now * 1000:.0f}", room)]
            await self._runner.ask(key, "ZADD", key, *scores)

    async def forget(self, now: float) -> None:
        """Take rooms off the list whose keys are gone at `now` (Unix seconds), because nobody came for so long."""
        key = self._keys.rooms()
        await self._runner.ask(key, "ZREMRANGEBYSCORE", key, "-inf", f"({(now - ROOM_TTL_S) * 1000:.0f}")

    async def drop(self, room: str) -> None:
        """Take a room that is no more off both lists."""
        self._touched.pop(room, None)
        for key in (self._keys.rooms(), self._keys.rooms_due()):
            await self._runner.ask(key, "ZREM", key, room)

    async def due(self, now_ms: float, limit: int = 100) -> list[str]:
        """Rooms whose earliest lease may be over: for the sweep of rooms that no replica hosts any more."""
        with reaching():
            found = await self._redis.zrangebyscore(self._keys.rooms_due(), "-inf", now_ms, start=0, num=limit)
        return [room.decode() for room in found]

    async def set_due(self, dues: Mapping[str, float | None]) -> None:
        """When the sweep must look at rooms again (room clock, ms); None: it is empty."""
        key = self._keys.rooms_due()
        empty = [room for room, due_ms in dues.items() if due_ms is None]
        scores = [part for room, due_ms in dues.items() if due_ms is not None for part in (f"{due_ms:.0f}", room)]
        if empty:
            await self._runner.ask(key, "ZREM", key, *empty)
        if scores:
            await self._runner.ask(key, "ZADD", key, *scores)

    def _is_news(self, room: str, now: float) -> bool:
        """Whether a room's activity was not told lately; it then counts as told."""
        if abs(now - self._touched.get(room, 0.0)) < _TOUCH_EVERY_S:
            return False
        if len(self._touched) >= _MOST_TOUCHED:
            self._touched = {name: at for name, at in self._touched.items() if abs(now - at) < _TOUCH_EVERY_S}
        self._touched[room] = now
        return True
