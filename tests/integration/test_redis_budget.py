"""What a command of a room may ask of Redis, counted by Redis itself."""

from __future__ import annotations

import asyncio
import re
import secrets
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from services.common.contexts import ContextStore, StreamContext
from services.common.keys import Keys
from services.common.redis import connect
from tests.support.asking import BIG, RING, fetched, on_disk, signed, unique
from tests.support.member import Member
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.replicas import Replicas, store_on, two_replicas
from tests.support.watching import two_watching

PREFIX = "budget"
ROUND_TRIPS = 3
# Below what a member may say at once.
ROUNDS = 2
# Each of one from memory and one from disk.
SEGMENTS = 100


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A server of these tests alone: all of it is watched."""
    with RedisServer() as running:
        yield running


@pytest.fixture(scope="module")
def replicas(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    logs = tmp_path_factory.mktemp("budget")
    # What a replica does by itself is not a command's.
    settings = {
        "WT_REDIS_URL": server.url,
        "WT_KEY_PREFIX": PREFIX,
        "WT_DRAIN_S": "0.2",
        "WT_LEASE_S": "600",
        "WT_REFRESH_S": "300",
        "WT_SWEEP_S": "300",
    }
    with two_replicas(logs, settings) as running:
        yield running


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    client = connect(server.url)
    yield client
    await client.aclose()


@asynccontextmanager
async def watched(redis: Redis, room: str) -> AsyncIterator[list[tuple[str, str]]]:
    """What is done meanwhile, about a room or ('') at all: (`tcp` for a client's, `lua` for a script's; what)."""
    seen: list[tuple[str, str]] = []
    end = f"END {secrets.token_hex(4)}"

    async def listen(monitor: Any) -> None:
        while end not in (line := await monitor.next_command())["command"]:
            if room in line["command"]:
                seen.append((line["client_type"], line["command"].split(" ", 1)[0].upper()))

    async with redis.monitor() as monitor:
        listening = asyncio.create_task(listen(monitor))
        yield seen
        await redis.echo(end)
        async with asyncio.timeout(20):
            await listening


def received(node: Node) -> int:
    """How many room events a replica has had from Redis."""
    with urllib.request.urlopen(f"{node.admin_url}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return round(sum(float(count) for count in re.findall(r"^wt_sync_events_total\{.*\} (\S+)$", text, re.MULTILINE)))


async def test_a_command_takes_at_most_three_round_trips_and_one_message_for_each_event_and_replica(
    redis: Redis, replicas: Replicas
) -> None:
    room = f"room-{secrets.token_hex(4)}"
    store = await store_on(redis, PREFIX)
    async with two_watching(replicas, store, room) as (ana, ben):
        # A replica's first command of a kind brings the script.
        await everything(ana, "warm")
        before = [received(node) for node in replicas]
        ana.skip()
        ben.skip()
        async with watched(redis, room) as seen:
            for n in range(ROUNDS):
                asked = await everything(ana, str(n))
            last = await ana.ask("set_rate", rate=1.25)
            for member in (ana, ben):
                await member.expect("set_rate", version=last["version"])
        after = [received(node) for node in replicas]
    commands = ROUNDS * asked + 1
    kinds = Counter(seen)
    round_trips = sum(count for (client, _), count in kinds.items() if client == "tcp")
    published = kinds["lua", "PUBLISH"]
    assert commands <= round_trips <= ROUND_TRIPS * commands, kinds
    assert published == commands, kinds
    assert [now - then for now, then in zip(after, before, strict=True)] == [published, published]


async def test_segments_that_the_proxy_holds_are_served_without_redis(
    server: RedisServer, redis: Redis, origin: Origin, tmp_path: Path
) -> None:
    settings = {"WT_REDIS_URL": server.url, "WT_KEY_PREFIX": PREFIX, "WT_ALLOWED_PRIVATE_HOSTS": origin.address}
    context = unique()
    stream = StreamContext(page_url="p", format_id="f", url=origin.url(), headers={"X-Needed": "1"})
    await ContextStore(redis, Keys(PREFIX), RING).put({context: stream}, 600)
    small = signed(origin.url("blob/20000.ts", v=unique()), context=context)
    large = signed(origin.url(f"blob/{BIG}.mp4", v=unique()), context=context)
    span = "bytes=50000000-50499999"
    with Node("services.proxy", tmp_path / "log", settings=settings) as proxy:
        async with aiohttp.ClientSession() as http:
            await on_disk(proxy, large, span)
            await fetched(http, proxy, small)
            async with watched(redis, "") as seen:
                for _ in range(SEGMENTS):
                    from_memory, _ = await fetched(http, proxy, small)
                    from_disk, _ = await fetched(http, proxy, large, Range=span)
                    assert (from_memory.headers["X-Cache"], from_disk.headers["X-Cache"]) == ("L1", "L2")
    # What a proxy tells of itself at intervals is all that there is.
    assert len(seen) < SEGMENTS / 5, Counter(seen)


async def everything(member: Member, text: str) -> int:
    """Some of each kind that people give all the time. How many."""
    given: list[tuple[str, dict[str, Any]]] = [
        ("pause", {"timestamp": 10.0}),
        ("play", {"timestamp": 11.0}),
        ("set_rate", {"rate": 1.5}),
        ("chat", {"text": text}),
        ("react", {"emoji": "👍"}),
        ("rename", {"name": f"Ana {text}"}),
    ]
    for kind, fields in given:
        assert (await member.ask(kind, **fields))["type"] == "ack"
    return len(given)
