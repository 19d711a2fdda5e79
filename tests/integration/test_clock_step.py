"""Redis' wall clock is stepped under two replicas that host a room that plays."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.common import redis as connections
from services.common.keys import Keys
from services.common.room.store import RoomStore
from tests.support.invariants import broken_promises, divergence
from tests.support.redis import RedisServer
from tests.support.replicas import two_replicas
from tests.support.rooms import start
from tests.support.viewer import Viewer
from tests.support.waiting import until
from tests.support.wallclock import WallClock, library

pytestmark = pytest.mark.skipif(library() is None, reason="libfaketime is not installed: apt-get install faketime")

# How long a step takes to be noticed by every replica, and time for what might go wrong after it.
WATCHED_S = 8.0


@pytest.fixture
async def party(tmp_path: Path) -> AsyncIterator[tuple[WallClock, RoomStore, list[Viewer]]]:
    """A clock, and two viewers on two replicas of a room that plays."""
    clock = WallClock(tmp_path)
    with RedisServer(environment=clock.environment) as server:
        settings = {"WT_REDIS_URL": server.url, "WT_HEARTBEAT_S": "1"}
        with two_replicas(tmp_path, settings) as (first, second):
            redis = connections.connect(server.url)
            store = RoomStore(redis, Keys())
            await store.masters.refresh()
            room = f"room-{secrets.token_hex(4)}"
            async with Viewer([first.url], room, "Ana") as ana, Viewer([second.url], room, "Ben") as ben:
                await asyncio.gather(ana.joined(), ben.joined())
                await start(store, ana)
                await until(lambda: ana.picture.is_moving and ben.picture.is_moving)
                yield clock, store, [ana, ben]
            await redis.aclose()


async def jumps(viewers: list[Viewer], seconds: float) -> float:
    """Watch for so long: how far anybody's room went from where its own pace would have brought it, at most."""
    began = time.monotonic()
    starts = [viewer.picture.position_at(viewer.room_now()) for viewer in viewers]
    worst = 0.0
    while (passed := time.monotonic() - began) < seconds:
        for viewer, at in zip(viewers, starts, strict=True):
            worst = max(worst, abs(viewer.picture.position_at(viewer.room_now()) - at - passed))
        await asyncio.sleep(0.05)
    return worst


async def stepped(store: RoomStore, before: float) -> None:
    """Wait until Redis has read its new clock."""
    async with asyncio.timeout(10):
        while abs(await store.masters.time() - before) < 20:  # noqa: ASYNC110 - it happens in Redis
            await asyncio.sleep(0.05)


async def test_a_wall_clock_that_is_stepped_moves_no_viewer_and_sends_nobody_away(
    party: tuple[WallClock, RoomStore, list[Viewer]],
) -> None:
    clock, store, viewers = party
    # What was written just now would be taken for new.
    await asyncio.sleep(6)
    for offset_s in (30.0, 0.0):
        before = await store.masters.time()
        clock.set(offset_s)
        await stepped(store, before)
        assert await jumps(viewers, WATCHED_S) < 1.5
        await until(lambda: not divergence(viewers))
        assert not [viewer.name for viewer in viewers if viewer.picture.left]
        # A step within twenty seconds of another is taken for an echo.
        await asyncio.sleep(0 if offset_s == 0.0 else 1)
    await viewers[0].ask("seek", timestamp=100)
    await until(lambda: abs(viewers[1].picture.position_at(viewers[1].room_now()) - 100) < 15)
    assert not broken_promises(viewers)
