"""A thousand sockets at once: who comes back finds the room soon, who is sent away is missed by nobody."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from services.common.redis import connect
from tests.bench.parts.client import Crowd, Seat, WatchTogether
from tests.support.redis import RedisServer
from tests.support.replicas import two_replicas

SOCKETS: Final = 1000
MEMBERS: Final = 20
ROOMS: Final = [f"crowd-{number}" for number in range(SOCKETS // MEMBERS)]
DRAIN_S: Final = 5.0
# Five seconds are meant, on a machine that has nothing else to do.
BACK_S: Final = 10.0


class Attentive(WatchTogether):
    """Notes who is said to have left."""

    def __init__(self) -> None:
        self.left: list[bytes] = []

    def take(self, seat: Seat, payload: bytes) -> None:
        if b'"type":"member_left"' in payload:
            self.left.append(payload)
        super().take(seat, payload)


def settings_of(server: RedisServer) -> dict[str, str]:
    return {"WT_REDIS_URL": server.url, "WT_KEY_PREFIX": "crowd", "WT_DRAIN_S": str(DRAIN_S)}


async def rooms_read(redis: Redis) -> int:
    """How often a whole room was read so far: no other script of those that run here lists a queue."""
    stats = await redis.info("commandstats")
    return int(stats.get("cmdstat_lrange", {"calls": 0})["calls"])


async def test_a_thousand_who_come_back_at_once_are_soon_live_by_one_read_of_each_room_and_replica(
    tmp_path: Path,
) -> None:
    with RedisServer() as server, two_replicas(tmp_path, settings_of(server)) as replicas:
        redis = connect(server.url)
        crowd = Crowd(WatchTogether())
        await crowd.enter([node.url for node in replicas], ROOMS, MEMBERS)
        before = await rooms_read(redis)
        took_s = await crowd.reconnect()
        reads = await rooms_read(redis) - before
        assert crowd.open == SOCKETS
        await crowd.leave()
        await redis.aclose()
    sys.stdout.write(f"all live after {took_s:.1f} s, {reads} rooms read\n")
    assert took_s < BACK_S
    assert 0 < reads <= len(ROOMS) * len(replicas)


async def test_a_thousand_on_a_draining_replica_go_one_by_one_and_nobody_is_seen_leaving(tmp_path: Path) -> None:
    with RedisServer() as server, two_replicas(tmp_path, settings_of(server)) as (leaving, staying):
        attentive = Attentive()
        crowd, watchers = Crowd(WatchTogether()), Crowd(attentive)
        await crowd.enter([leaving.url], ROOMS, MEMBERS - 1)
        await watchers.enter([staying.url], ROOMS, 1)
        assert leaving.process is not None
        leaving.process.terminate()
        async with asyncio.timeout(DRAIN_S + 15):
            await crowd.emptied.wait()
        closes = sorted(seat.closed_at for seat in crowd.seats if seat.closed_at is not None)
        back = Crowd(WatchTogether())
        back.seats = [Seat(back, staying.url, seat.room, seat.cookie) for seat in crowd.seats]
        begun = time.monotonic()
        await asyncio.gather(*(seat.open() for seat in back.seats))
        took_s = time.monotonic() - begun
        # Longer than a page that is closed on purpose is waited for.
        await asyncio.sleep(4)
        for each in (back, watchers):
            await each.leave()
    span_s = closes[-1] - closes[0]
    busiest = max(sum(1 for close in closes if at <= close < at + 0.5) for at in closes[::10])
    sys.stdout.write(f"closed over {span_s:.1f} s, {busiest} in the busiest half second, back after {took_s:.1f} s\n")
    assert len(closes) == len(crowd.seats)
    assert span_s > DRAIN_S * 0.6
    assert busiest < len(closes) / 3
    assert took_s < BACK_S
    assert not attentive.left
