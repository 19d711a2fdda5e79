"""Incidents of other watch-party programs, as regression tests: what the server does in each."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.common.keys import Keys
from services.common.room.store import RoomStore
from tests.support.invariants import broken_promises, divergence
from tests.support.network import Network
from tests.support.node import Node
from tests.support.redis import RedisServer
from tests.support.replicas import Replicas, store_on, two_replicas
from tests.support.rooms import LINK, add, start
from tests.support.viewer import Viewer
from tests.support.waiting import until

PREFIX = f"incident{secrets.token_hex(3)}"


def settings_of(server: RedisServer) -> dict[str, str]:
    return {"WT_REDIS_URL": server.url, "WT_KEY_PREFIX": PREFIX, "WT_HEARTBEAT_S": "1"}


@pytest.fixture(scope="module")
def replicas(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    logs = tmp_path_factory.mktemp("incidents")
    with two_replicas(logs, settings_of(redis_server)) as running:
        yield running


@pytest.fixture
async def store(redis: Redis) -> RoomStore:
    """Stands for the resolver."""
    return await store_on(redis, PREFIX)


@asynccontextmanager
async def party(replicas: Replicas, room: str, *names: str) -> AsyncIterator[list[Viewer]]:
    """Viewers by turns on both replicas; at the end they must agree, and the server have kept its promises."""
    viewers = [Viewer([replicas[n % 2].url], room, name) for n, name in enumerate(names)]
    for viewer in viewers:
        await viewer.__aenter__()
    try:
        await asyncio.gather(*(viewer.joined() for viewer in viewers))
        yield viewers
        await agreed(viewers)
        assert not broken_promises(viewers)
    finally:
        await asyncio.gather(*(viewer.leave() for viewer in viewers))


async def agreed(viewers: list[Viewer], timeout_s: float = 15.0) -> None:
    """Wait until all are live and see the same room."""
    try:
        await until(lambda: not divergence(viewers), timeout_s)
    except TimeoutError:
        assert not divergence(viewers)


def kinds(viewer: Viewer) -> Counter[str]:
    """How many events of each kind a viewer saw."""
    return Counter(link.kind for link in viewer.picture.chain)


async def test_a_buffering_members_report_is_not_relayed_as_a_pause(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with party(replicas, room, "Ana", "Ben") as (ana, ben):
        await start(store, ana)
        await until(lambda: ben.picture.is_moving)
        for state in ("buffering", "stalled", "hidden", "ready"):
            await ben.say("status", state=state, position=0.0)
        await asyncio.sleep(3.5)
        assert ana.picture.is_moving
        assert kinds(ana)["pause"] == 0


async def test_the_frozen_position_of_a_stalled_member_drags_nobody_back(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with party(replicas, room, "Ana", "Ben") as (ana, ben):
        await start(store, ana)
        await ana.ask("seek", timestamp=100)
        for _ in range(5):
            await ben.say("status", state="stalled", position=3.0, drift=-97.0)
            await asyncio.sleep(0.3)
        assert ana.picture.position_at(ana.room_now()) > 101
        assert kinds(ana)["seek"] == 1


async def test_a_late_echo_of_ones_own_command_leaves_the_room_as_the_last_command_left_it(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with party(replicas, room, "Ana", "Ben") as (ana, ben):
        await start(store, ana)
        paused = await ana.ask("pause", timestamp=10)
        await ben.ask("play", timestamp=10)
        await ana.say("pause", id=paused.id, timestamp=10)
        await asyncio.sleep(0.5)
        await agreed([ana, ben])
        assert ana.picture.is_playing
        assert kinds(ben)["pause"] == 1


async def test_the_end_said_by_everybody_moves_the_queue_on_once(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with party(replicas, room, "Ana", "Ben", "Cleo", "Dan") as viewers:
        first, second, third = [await start(store, viewers[0], duration=30) for _ in range(3)]
        await viewers[0].ask("seek", timestamp=29)
        await asyncio.gather(*(viewer.ask("ended", item_id=first) for viewer in viewers))
        await agreed(viewers)
        assert [item["id"] for item in viewers[3].picture.queue] == [second, third]


async def test_two_who_edit_the_queue_at_once_hit_the_items_that_they_meant(replicas: Replicas, room: str) -> None:
    async with party(replicas, room, "Ana", "Ben") as (ana, ben):
        items = [await add(ana, f"{LINK}?{n}") for n in range(5)]
        await asyncio.gather(
            ana.ask("queue_remove", item_id=items[1]),
            ben.ask("queue_remove", item_id=items[3]),
            ana.ask("queue_reorder", queue=[items[0], items[4], items[3], items[2], items[1]]),
        )
        await agreed([ana, ben])
        assert {item["id"] for item in ben.picture.queue} == {items[0], items[2], items[4]}


async def test_seek_spam_puts_nobody_permanently_out(replicas: Replicas, store: RoomStore, room: str) -> None:
    async with party(replicas, room, "Ana", "Ben", "Cleo") as (ana, ben, cleo):
        await start(store, ana)
        began = time.monotonic()
        for n in range(120):
            ana.command("seek", timestamp=n)
            if n % 10 == 0:
                ben.command("seek", timestamp=300 + n)
            await asyncio.sleep(0.01)
        await until(lambda: not ana.box.waiting and not ben.box.waiting, 20)
        await agreed([ana, ben, cleo])
        assert ana.close_code is None
        # One each 150 ms and person: what a hand on a scrubber says in between is nobody's wish.
        assert kinds(cleo)["seek"] <= 2 * (time.monotonic() - began) / 0.15 + 2
        await cleo.ask("seek", timestamp=500)
        await asyncio.sleep(1.5)
        for viewer in (ana, ben, cleo):
            assert abs(viewer.off_by_s()) < 0.5


async def test_a_superseded_seek_that_is_said_again_later_does_not_move_the_room_back(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with party(replicas, room, "Ana", "Ben") as (ana, ben):
        await start(store, ana)
        wishes = [ana.command("seek", timestamp=100 * n) for n in range(1, 6)]
        await until(lambda: not ana.box.waiting)
        await asyncio.sleep(0.3)
        # Each alone: said together, the last of them would win again.
        for wish in wishes[1:-1]:
            await ana.say("seek", id=wish.id, timestamp=wish.fields["timestamp"])
            await asyncio.sleep(0.4)
        await agreed([ana, ben])
        assert 500 <= ben.picture.position_at(ben.room_now()) < 510


async def test_a_flaky_guest_who_comes_and_goes_pauses_nobody(replicas: Replicas, store: RoomStore, room: str) -> None:
    async with party(replicas, room, "Ana", "Ben") as (ana, ben):
        await start(store, ana)
        await until(lambda: ben.picture.is_moving)
        for _ in range(4):
            ben.drop()
            await asyncio.sleep(0.2)
            await ben.joined()
        assert ana.picture.is_moving
        assert kinds(ana)["pause"] == 0
        assert not ana.picture.left


async def test_the_reconnect_of_one_pauses_nobody_and_lands_where_the_room_is(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    with Network(replicas[1].port) as network:
        async with (
            Viewer([replicas[0].url], room, "Ana") as ana,
            Viewer([network.url], room, "Ben", silence_s=3) as ben,
        ):
            await asyncio.gather(ana.joined(), ben.joined())
            await start(store, ana)
            await ana.ask("seek", timestamp=200)
            network.freeze()
            await asyncio.sleep(4)
            network.thaw()
            await agreed([ana, ben])
            assert ana.picture.is_moving
            assert kinds(ana)["pause"] == 0
            await asyncio.sleep(1.5)
            assert abs(ben.off_by_s()) < 0.5


async def test_a_waking_laptop_does_not_move_the_room_by_what_it_wished_before(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with party(replicas, room, "Ana", "Ben") as (ana, ben):
        await start(store, ana)
        await ana.ask("seek", timestamp=50)
        ben.sleep()
        stale = ben.command("seek", timestamp=400)
        pasted = ben.command("queue_add", url=f"{LINK}?late")
        await asyncio.sleep(0.5)
        ben.wake(slept_s=60)
        await until(lambda: pasted in ben.box.done and stale in ben.box.done)
        await agreed([ana, ben])
        assert (stale.is_expired, stale.sent) == (True, 0)
        assert pasted.version is not None
        assert ana.picture.position_at(ana.room_now()) < 100


async def test_several_tabs_of_one_person_are_one_member_until_the_last_is_closed(
    replicas: Replicas, room: str
) -> None:
    async with party(replicas, room, "Ana") as (ana,):
        async with Viewer([replicas[0].url], room, "Ben") as first:
            await first.joined()
            async with Viewer([replicas[1].url], room, "Ben", cookie=first.cookie) as second:
                await second.joined()
                assert second.id == first.id
            await asyncio.sleep(4)
            assert len(ana.picture.members) == 2
            assert not ana.picture.left
        await until(lambda: ana.picture.left == [first.id])
        await asyncio.sleep(2.5)
        assert ana.picture.left == [first.id]


async def test_a_hidden_tab_that_says_nothing_for_longer_than_a_lease_is_still_a_member(
    redis_server: RedisServer, room: str, tmp_path: Path
) -> None:
    settings = settings_of(redis_server) | {"WT_LEASE_S": "2", "WT_HIDDEN_LEASE_S": "60", "WT_REFRESH_S": "1"}
    with (
        Node("services.sync", tmp_path / "a.log", settings=settings) as first,
        Node("services.sync", tmp_path / "doomed.log", settings=settings) as doomed,
    ):
        async with Viewer([first.url], room, "Ana") as ana, Viewer([doomed.url], room, "Ben") as ben:
            await asyncio.gather(ana.joined(), ben.joined())
            await ben.hide()
            await asyncio.sleep(1.5)
            doomed.kill()
            await asyncio.sleep(6)
            assert ben.id in ana.picture.members
            assert not ana.picture.left


async def test_a_hidden_tab_has_ninety_seconds_and_one_that_is_seen_twenty_five(
    redis_server: RedisServer, redis: Redis, store: RoomStore, room: str, tmp_path: Path
) -> None:
    settings = {**settings_of(redis_server), "WT_REFRESH_S": "0.5"}

    async def left_s() -> list[float]:
        leases: list[tuple[bytes, float]] = await redis.zrange(Keys(PREFIX).presence(room), 0, -1, withscores=True)
        return [ends_ms / 1000 - await store.masters.time() for _, ends_ms in leases]

    async def is_leased(least_s: float, most_s: float) -> None:
        for _ in range(200):
            leases = await left_s()
            if leases and all(least_s < lease <= most_s for lease in leases):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"leases of {leases} s")

    with Node("services.sync", tmp_path / "log", settings=settings) as node:
        async with Viewer([node.url], room, "Ana") as ana:
            await ana.joined()
            await is_leased(15, 25)
            await ana.hide()
            await is_leased(75, 90)
            await ana.hide(False)
            await is_leased(15, 25)


@pytest.mark.timeout(90)
async def test_ghosts_of_a_killed_replica_are_gone_within_35_seconds_and_announced_once(
    redis_server: RedisServer, replicas: Replicas, room: str, tmp_path: Path
) -> None:
    async with party(replicas, room, "Ana", "Cleo") as (ana, cleo):
        with Node("services.sync", tmp_path / "doomed.log", settings=settings_of(redis_server)) as doomed:
            ghosts = [Viewer([doomed.url], room, name) for name in ("Ben", "Dan")]
            for ghost in ghosts:
                await ghost.__aenter__()
            await asyncio.gather(*(ghost.joined() for ghost in ghosts))
            await until(lambda: len(ana.picture.members) == 4)
            doomed.kill()
            killed_at = time.monotonic()
            await asyncio.gather(*(ghost.leave(says_goodbye=False) for ghost in ghosts))
        await until(lambda: len(ana.picture.members) == 2, 36, "the ghosts are still there")
        assert time.monotonic() - killed_at < 35
        await asyncio.sleep(2.5)
        for witness in (ana, cleo):
            assert sorted(witness.picture.left) == sorted(ghost.id for ghost in ghosts)


def offer(item: str, *, end: float, span_s: float = 60.0) -> dict[str, object]:
    """What a player says of a live stream, as a field of `status`."""
    return {"item_id": item, "start": end - span_s, "end": end, "segment": 2.0}


async def test_nobody_is_announced_gone_when_every_replica_was_dead_for_longer_than_a_lease(
    redis_server: RedisServer, room: str, tmp_path: Path
) -> None:
    settings = settings_of(redis_server) | {"WT_LEASE_S": "12", "WT_REFRESH_S": "1", "WT_SWEEP_S": "0.5"}
    with Node("services.sync", tmp_path / "log", settings=settings) as only:
        async with AsyncExitStack() as stack:
            viewers = [Viewer([only.url], room, f"V{number}", seed=number) for number in range(5)]
            for viewer in viewers:
                await stack.enter_async_context(viewer)
            await asyncio.gather(*(viewer.joined() for viewer in viewers))
            only.kill()
            # By then pages wait for up to ten seconds between two attempts.
            await asyncio.sleep(13)
            await asyncio.to_thread(only.start)
            await until(lambda: all(viewer.is_live for viewer in viewers), 15)
            # Whoever is not back by then is gone.
            await asyncio.sleep(6)
            assert [viewer.picture.left for viewer in viewers] == [[]] * len(viewers)
            assert set(viewers[0].picture.members) == {viewer.id for viewer in viewers}


async def test_two_who_join_one_live_stream_apart_hold_the_same_date(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with party(replicas, room, "Ana") as (ana,):
        item = await start(store, ana, duration=None, is_live=True)
        # The stream's own clock is an hour behind ours: what a player sees of it says where the room may be.
        lag = 3610.0
        await ana.say("status", state="ready", window=offer(item, end=ana.room_now() - lag))
        await until(lambda: abs(ana.picture.position_at(ana.room_now()) - (ana.room_now() - lag)) < 30)
        behind = ana.room_now() - ana.picture.position_at(ana.room_now())
        assert lag <= behind <= lag + 10
        await asyncio.sleep(4)
        async with Viewer([replicas[1].url], room, "Ben") as ben:
            await ben.joined()
            await ben.say("status", state="ready", window=offer(item, end=ben.room_now() - lag - 1))
            for viewer in (ana, ben):
                held = viewer.room_now() - viewer.picture.position_at(viewer.room_now())
                assert held == pytest.approx(behind, abs=0.1)
        assert kinds(ana)["seek"] == 1
