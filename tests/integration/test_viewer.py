"""The scripted viewer against real replicas: it must itself keep the rules that it judges others by."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from services.common.room.store import RoomStore
from tests.support.invariants import broken_promises, divergence
from tests.support.network import Network
from tests.support.redis import RedisServer
from tests.support.replicas import Replicas, store_on, two_replicas
from tests.support.rooms import add, start
from tests.support.timepiece import Timepiece
from tests.support.viewer import Viewer
from tests.support.waiting import until

PREFIX = f"viewer{secrets.token_hex(3)}"


@pytest.fixture(scope="module")
def replicas(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    logs = tmp_path_factory.mktemp("viewer")
    settings = {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": PREFIX, "WT_HEARTBEAT_S": "1"}
    with two_replicas(logs, settings) as running:
        yield running


@pytest.fixture
async def store(redis: Redis) -> RoomStore:
    return await store_on(redis, PREFIX)


@pytest.mark.parametrize("skew_s", [-10.0, 10.0])
async def test_viewers_whose_clocks_are_ten_seconds_wrong_see_the_same_picture(
    replicas: Replicas, store: RoomStore, room: str, skew_s: float
) -> None:
    wrong = Timepiece(skew_s=skew_s, drift=0.0005)
    async with (
        Viewer([replicas[0].url], room, "Ana") as ana,
        Viewer([replicas[1].url], room, "Ben", clock=wrong) as ben,
    ):
        await asyncio.gather(ana.joined(), ben.joined())
        await start(store, ana)
        await ben.ask("seek", timestamp=120)
        await asyncio.sleep(2)
        assert abs(ana.room_now() - time.time()) < 0.05
        assert abs(ben.room_now() - time.time()) < 0.05
        apart = ana.player.position(ana.clock.now()) - ben.player.position(ben.clock.now())
        assert abs(apart) < 0.5
        assert 120 < ana.player.position(ana.clock.now()) < 125
        assert not broken_promises([ana, ben])


async def test_a_viewer_that_loses_its_line_says_again_what_was_not_answered_and_it_counts_once(
    replicas: Replicas, room: str
) -> None:
    with Network(replicas[0].port) as network:
        async with Viewer([network.url], room, "Ana") as ana, Viewer([replicas[1].url], room, "Ben") as ben:
            await asyncio.gather(ana.joined(), ben.joined())
            network.freeze("down")
            command = ana.command("queue_add", url="http://93.184.216.34/once.mp4")
            await until(lambda: len(ben.picture.queue) == 1)
            network.cut()
            network.thaw()
            await until(lambda: command in ana.box.done, 15)
            await until(lambda: ana.is_live and ana.picture.version == ben.picture.version)
            assert command.sent > 1
            assert [item["url"] for item in ana.picture.queue] == ["http://93.184.216.34/once.mp4"]
            assert not divergence([ana, ben])
            assert not broken_promises([ana, ben])


async def test_a_viewer_notices_a_half_open_line_and_comes_back_as_the_same_member(
    replicas: Replicas, room: str
) -> None:
    with Network(replicas[0].port) as network:
        async with (
            Viewer([network.url, replicas[1].url], room, "Ana", silence_s=3, seed=2) as ana,
            Viewer([replicas[1].url], room, "Ben") as ben,
        ):
            await asyncio.gather(ana.joined(), ben.joined())
            me = ana.id
            network.freeze()
            await add(ben)
            await until(lambda: ana.picture.version == ben.picture.version, 20)
            assert (ana.id, len(ben.picture.members)) == (me, 2)
            assert not ben.picture.left


async def test_an_audit_by_resync_finds_nothing_wrong(replicas: Replicas, store: RoomStore, room: str) -> None:
    async with Viewer([replicas[0].url], room, "Ana") as ana, Viewer([replicas[1].url], room, "Ben") as ben:
        await asyncio.gather(ana.joined(), ben.joined())
        await start(store, ana)
        for n in range(4):
            await ben.ask("seek" if n % 2 else "pause", timestamp=n * 10)
        await asyncio.sleep(0.7)
        for viewer in (ana, ben):
            await viewer.say("resync")
        await until(lambda: ana.picture.audits and ben.picture.audits)
        assert not broken_promises([ana, ben])
        assert not divergence([ana, ben])
