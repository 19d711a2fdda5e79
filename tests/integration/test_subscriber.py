"""Replicas whose link to Redis hangs, is cut or is away for longer than a lease: nobody misses anything."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from services.common.keys import Keys
from services.common.pipe import Lane, NoAnswerError
from services.common.redis import connect
from services.common.room.sender import SYSTEM, Sender
from services.common.room.store import RoomStore
from services.common.topology import Address, Topology
from services.sync.subscriber import Subscriber
from tests.support.member import Member
from tests.support.network import FINE, Network
from tests.support.node import Node
from tests.support.redis import RedisServer
from tests.support.replicas import Replicas, store_on, two_replicas
from tests.support.waiting import until
from tests.support.watching import two_watching

PREFIX = "deaf"
SHORT_LEASE = {"WT_LEASE_S": "6", "WT_REFRESH_S": "2", "WT_SWEEP_S": "0.5"}


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A server of these tests alone: they stop it."""
    with RedisServer(append="always") as running:
        yield running


@pytest.fixture(scope="module")
def network(server: RedisServer) -> Iterator[Network]:
    """What lies between the replicas and Redis."""
    with Network(server.port) as between:
        yield between


@pytest.fixture(scope="module")
def replicas(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    logs = tmp_path_factory.mktemp("deaf")
    settings = {
        "WT_REDIS_URL": f"redis://127.0.0.1:{network.port}/0",
        "WT_KEY_PREFIX": PREFIX,
        "WT_HEARTBEAT_S": "1",
        "WT_DRAIN_S": "0.2",
        **SHORT_LEASE,
    }
    with two_replicas(logs, settings) as running:
        yield running


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    """A client beside the network."""
    client = connect(server.url)
    yield client
    await client.aclose()


@pytest.fixture
async def store(redis: Redis) -> RoomStore:
    """Somebody else who changes rooms, straight in Redis."""
    return await store_on(redis, PREFIX)


def lost(node: Node, reason: str) -> float:
    """How often a replica left its subscription for this reason."""
    with urllib.request.urlopen(f"{node.admin_url}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found = re.search(rf'^wt_\w*reconnects_total{{reason="{reason}"}} (\S+)', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def until_lost(node: Node, reason: str, before: float, timeout_s: float) -> float:
    """Wait until a replica leaves its subscription. Answers how long that took, seconds."""
    begun = time.monotonic()
    async with asyncio.timeout(timeout_s):
        while True:
            if await asyncio.to_thread(lost, node, reason) != before:
                return time.monotonic() - begun
            await asyncio.sleep(0.05)


def announced(member: Member, *kinds: str) -> list[str]:
    return [message["type"] for message in member.seen if message["type"] in kinds]


async def test_a_redis_that_stops_without_closing_is_noticed_in_3_s_and_caught_up_1_s_after_it_goes_on(
    server: RedisServer, replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with two_watching(replicas, store, room) as (ana, ben):
        before = [lost(node, "deaf") for node in replicas]
        server.pause()
        try:
            noticed = await asyncio.gather(
                *(until_lost(node, "deaf", count, 6) for node, count in zip(replicas, before, strict=True))
            )
        finally:
            server.resume()
        begun = time.monotonic()
        version = await store.playback(room, SYSTEM, "seek", 777.0)
        await asyncio.gather(*(member.expect("seek", version=version) for member in (ana, ben)))
        caught_up = time.monotonic() - begun
    sys.stdout.write(f"noticed after {max(noticed):.2f} s, caught up after {caught_up:.2f} s\n")
    assert max(noticed) < 3
    assert caught_up < 1


async def test_a_link_that_forwards_one_way_only_is_noticed_and_what_it_swallowed_arrives(
    network: Network, replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with two_watching(replicas, store, room) as (ana, ben):
        before = lost(replicas[0], "deaf")
        network.change(frozen=frozenset({"down"}))
        try:
            swallowed = [await store.playback(room, SYSTEM, "seek", float(at)) for at in (100, 200, 300)]
            noticed = await until_lost(replicas[0], "deaf", before, 6)
        finally:
            network.change(frozen=FINE.frozen)
        begun = time.monotonic()
        for version in swallowed:
            await asyncio.gather(*(member.expect("seek", version=version) for member in (ana, ben)))
        caught_up = time.monotonic() - begun
    sys.stdout.write(f"noticed after {noticed:.2f} s, caught up after {caught_up:.2f} s\n")
    assert noticed < 3
    assert caught_up < 2


async def test_subscribers_that_are_killed_lose_no_event_for_any_member(
    replicas: Replicas, store: RoomStore, redis: Redis, room: str
) -> None:
    async with two_watching(replicas, store, room) as (ana, ben):
        versions = []
        for n in range(30):
            if n % 5 == 2:
                await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
            versions.append(await store.playback(room, SYSTEM, "seek", float(n)))
            await asyncio.sleep(0.02 if n % 5 else 0.3)
        for member in (ana, ben):
            await member.expect("seek", version=versions[-1])
            assert [message["version"] for message in member.seen if message["type"] == "seek"] == versions


async def test_an_outage_longer_than_the_lease_sends_nobody_away_and_stops_no_room(
    server: RedisServer, replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with two_watching(replicas, store, room) as (ana, ben):
        server.pause()
        await asyncio.sleep(10)
        # Sent while Redis is away, carried out the moment it is back, before any lease is renewed.
        async with asyncio.TaskGroup() as tasks:
            joining = tasks.create_task(Member(replicas[0].url, room, "Cleo").__aenter__())
            await asyncio.sleep(0.2)
            server.resume()
        cleo = joining.result()
        try:
            await ana.expect("member_joined", timeout_s=15)
            await asyncio.sleep(3)
            answer = await ben.ask("seek", timestamp=500)
            await ana.expect("seek", version=answer["version"])
            await ana.send("resync")
            state = await ana.expect("room_state")
        finally:
            await cleo.__aexit__(None, None, None)
        assert state["room"]["is_playing"]
        assert sorted(member["name"] for member in state["room"]["members"].values()) == ["Ana", "Ben", "Cleo"]
        assert (announced(ana, "member_left", "pause"), announced(ben, "member_left", "pause")) == ([], [])
        assert (ana.close_code, ben.close_code) == (None, None)


async def test_a_redis_that_was_dead_for_longer_than_the_lease_comes_back_with_everybody_in_the_room(
    server: RedisServer, replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with two_watching(replicas, store, room) as (ana, ben):
        await ana.ask("seek", timestamp=100)
        server.kill()
        await asyncio.sleep(9)
        server.start()
        await asyncio.sleep(4)
        for member in (ana, ben):
            member.skip()
            await member.send("resync")
            state = await member.expect("room_state")
            assert len(state["room"]["members"]) == 2
            assert state["room"]["is_playing"]
            assert state["room"]["timestamp"] == pytest.approx(113, abs=4)
            assert announced(member, "member_left", "pause") == []


async def test_ghosts_of_before_an_outage_are_gone_after_it(
    server: RedisServer, replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with two_watching(replicas, store, room) as (ana, _):
        await store.join(
            room, Sender("guest-ghost", "c-ghost"), name="Ghost", is_guest=True, replica="dead", lease_ms=3000
        )
        gone = (await ana.expect("member_joined"))["email"]
        server.pause()
        await asyncio.sleep(5)
        server.resume()
        await ana.expect("member_left", email=gone, timeout_s=12)
        assert len(announced(ana, "member_left")) == 1


async def test_members_are_told_once_that_redis_is_away_and_once_that_it_is_back(
    server: RedisServer, replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with two_watching(replicas, store, room) as (ana, ben):
        server.pause()
        try:
            begun = time.monotonic()
            for member in (ana, ben):
                await member.expect("store", is_reachable=False, timeout_s=8)
            told_s = time.monotonic() - begun
            answer = await ana.ask("pause", timestamp=1)
            assert (answer["type"], answer["code"]) == ("error", "unavailable")
        finally:
            server.resume()
        for member in (ana, ben):
            await member.expect("store", is_reachable=True, timeout_s=5)
            assert len(announced(member, "store")) == 2
        assert (await ana.ask("seek", timestamp=1))["type"] == "ack"
    sys.stdout.write(f"told after {told_s:.2f} s\n")
    assert 3.5 < told_s < 6


async def test_a_replica_that_stood_still_itself_tells_nothing_of_redis(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with two_watching(replicas, store, room) as (ana, ben):
        for node in replicas:
            assert node.process is not None
            os.kill(node.process.pid, signal.SIGSTOP)
        # Longer than Redis may be silent, shorter than the leases.
        await asyncio.sleep(5)
        for node in replicas:
            assert node.process is not None
            os.kill(node.process.pid, signal.SIGCONT)
        assert (await ana.ask("seek", timestamp=1))["type"] == "ack"
        await asyncio.sleep(4)
        assert announced(ana, "store") + announced(ben, "store") == []


async def test_a_step_of_the_clock_moves_a_rooms_times_once_however_many_replicas_say_so(
    replicas: Replicas, store: RoomStore, redis: Redis, room: str
) -> None:
    async with two_watching(replicas, store, room):
        # As if it had begun before the step: what was written since is right already.
        began = float(await redis.hget(Keys(PREFIX).room(room), "at")) - 30  # type: ignore[misc]
        await redis.hset(Keys(PREFIX).room(room), "at", f"{began:.6f}")  # type: ignore[misc]
        await asyncio.gather(*(store.reanchor(room, 60.0 + late) for late in (0.0, 0.01, -0.01)))
        moved = await store.snapshot(room)
    assert moved is not None
    assert moved.anchor.at == pytest.approx(began + 60, abs=0.05)


class Pointer:
    """Whereabouts of a service whose sentinels never say a word by themselves."""

    def __init__(self, address: Address) -> None:
        self.address = address

    async def locate(self) -> Address:
        return self.address

    def on_change(self, callback: Callable[[], None]) -> None:
        """Nobody tells."""


async def test_a_subscriber_of_a_master_that_was_demoted_in_silence_moves_to_the_new_one() -> None:
    with RedisServer() as old, RedisServer() as new:
        pointer = Pointer(Address("127.0.0.1", old.port))
        topology = Topology(kind="sentinel", addresses=(pointer.address,), service="rooms")
        heard: list[bytes] = []
        restored = asyncio.Event()

        async def probe(channel: str, took: Callable[[str], None]) -> None:
            async with Redis.from_url(f"redis://{pointer.address}/0") as client:
                await client.publish(channel, "")
                took("")

        subscriber = Subscriber(
            topology, pointer, "probe",
            on_message=lambda _, data: heard.append(data), on_restored=restored.set, probe=probe,
        )  # fmt: skip
        running = asyncio.create_task(subscriber.run())
        try:
            await subscriber.subscribe("events")
            async with Redis.from_url(old.url) as demoted, Redis.from_url(new.url) as master:
                await demoted.replicaof("127.0.0.1", new.port)
                pointer.address = Address("127.0.0.1", new.port)
                async with asyncio.timeout(20):
                    await restored.wait()
                assert await master.pubsub_numsub("events") == [(b"events", 1)]
                await master.publish("events", b"hello")
            await until(lambda: heard == [b"hello"])
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_a_server_that_takes_nobody_in_is_not_stormed() -> None:
    knocks = 0

    async def turn_away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal knocks
        knocks += 1
        writer.close()

    async def probe(channel: str, took: Callable[[str], None]) -> None:
        """Nobody to publish through."""

    async with await asyncio.start_server(turn_away, "127.0.0.1", 0) as door:
        address = Address("127.0.0.1", door.sockets[0].getsockname()[1])
        subscriber = Subscriber(
            Topology(kind="server", addresses=(address,)), Pointer(address), "probe",
            on_message=lambda _, data: None, on_restored=lambda: None, probe=probe,
        )  # fmt: skip
        running = asyncio.create_task(subscriber.run())
        try:
            await asyncio.sleep(2)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert 2 <= knocks <= 12


@asynccontextmanager
async def subscribed(server: RedisServer, lane: Lane, *, db: int = 0) -> AsyncIterator[list[bytes]]:
    """A subscriber of the channel `events` whose connection takes commands, too. What it hears."""
    heard: list[bytes] = []
    address = Address("127.0.0.1", server.port)

    async def probe(channel: str, took: Callable[[str], None]) -> None:
        async with Redis.from_url(server.url) as client:
            await client.publish(channel, "")
            took("")

    subscriber = Subscriber(
        Topology(kind="server", addresses=(address,), db=db), Pointer(address), "probe",
        on_message=lambda _, data: heard.append(data), on_restored=lambda: None, probe=probe, lane=lane,
    )  # fmt: skip
    running = asyncio.create_task(subscriber.run())
    try:
        await subscriber.subscribe("events")
        yield heard
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_commands_go_by_the_connection_that_brings_their_events(redis_server: RedisServer) -> None:
    lane = Lane()
    async with subscribed(redis_server, lane) as heard:
        await until(lambda: lane.is_open)
        said = (await lane.ask("CLIENT", "INFO")).decode()
        assert "sub=2" in said
        script = "redis.call('PUBLISH', 'events', ARGV[1]); return ARGV[1]"
        words = [f"word {number}".encode() for number in range(200)]
        answers = await asyncio.gather(*(lane.ask("EVAL", script, "0", word) for word in words))
        assert answers == words
        await until(lambda: len(heard) == len(words))
        assert heard == words


async def test_commands_beside_a_subscription_go_to_the_database_that_was_named(redis_server: RedisServer) -> None:
    lane, key = Lane(), secrets.token_hex(8)
    async with subscribed(redis_server, lane, db=3), Redis(port=redis_server.port, db=3) as third:
        await until(lambda: lane.is_open)
        await lane.ask("SET", key, "here", "EX", "60")
        assert await third.get(key) == b"here"


async def test_what_was_asked_by_a_subscription_that_is_cut_is_said_to_be_unanswered(redis_server: RedisServer) -> None:
    lane = Lane()
    async with subscribed(redis_server, lane), Redis.from_url(redis_server.url) as other:
        await until(lambda: lane.is_open)
        number = await lane.ask("CLIENT", "ID")
        unanswered = lane.ask("BLPOP", "nothing", "0")
        await other.client_kill_filter(_id=str(number))
        with pytest.raises(NoAnswerError):
            await unanswered
        await until(lambda: lane.is_open)
        assert await lane.ask("CLIENT", "ID") != number


async def test_where_a_connection_can_not_do_both_it_brings_events_alone() -> None:
    lane = Lane()
    with RedisServer(options=("--rename-command", "HELLO", "")) as server:
        async with subscribed(server, lane) as heard, Redis.from_url(server.url) as other:
            await other.publish("events", b"hello")
            await until(lambda: heard == [b"hello"])
            with pytest.raises(NoAnswerError):
                lane.ask("PING")
