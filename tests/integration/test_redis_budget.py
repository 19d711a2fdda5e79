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
from typing import Any, get_args

import aiohttp
import msgspec
import pytest
from redis.asyncio import Redis

from services.common.contexts import ContextStore, StreamContext
from services.common.keys import Keys
from services.common.playlists import Playlists
from services.common.redis import connect
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.wire.client import AnyCommand
from services.common.wire.rest import Playlist, PlaylistItem
from tests.support.asking import BIG, RING, fetched, on_disk, signed, unique
from tests.support.member import Member
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.replicas import Replicas, store_on, two_replicas
from tests.support.waiting import until
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


async def settled(seen: list[tuple[str, str]]) -> None:
    """What follows by itself, such as a link's opening, has been asked for by then."""
    known = -1
    while known != len(seen):
        known = len(seen)
        await asyncio.sleep(0.1)


def received(node: Node) -> int:
    """How many room events a replica has had from Redis."""
    with urllib.request.urlopen(f"{node.admin_url}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return round(sum(float(count) for count in re.findall(r"^wt_sync_events_total\{.*\} (\S+)$", text, re.MULTILINE)))


async def all_received(replicas: Replicas, told: list[int], what: str) -> None:
    """Return when each replica has had as many events as it was told, and not one more."""
    await until(lambda: [received(node) for node in replicas] == told, what=what)


async def test_a_command_takes_at_most_three_round_trips_and_one_message_for_each_event_and_replica(
    redis: Redis, replicas: Replicas
) -> None:
    room = f"room-{secrets.token_hex(4)}"
    store = await store_on(redis, PREFIX)
    async with two_watching(replicas, store, room) as (ana, ben):
        # A replica's first command of a kind brings the script.
        await everything(ana, "warm")
        await all_told(ana, ben, 1.0)
        before = [received(node) for node in replicas]
        async with watched(redis, room) as seen:
            for n in range(ROUNDS):
                asked = await everything(ana, str(n))
            await all_told(ana, ben, 1.25)
        commands = ROUNDS * asked + 1
        kinds = Counter(seen)
        round_trips = sum(count for (client, _), count in kinds.items() if client == "tcp")
        published = kinds["lua", "PUBLISH"]
        assert commands <= round_trips <= ROUND_TRIPS * commands, kinds
        assert published == commands, kinds
        await all_received(replicas, [then + published for then in before], f"{published}: {kinds}")


async def test_no_command_of_any_kind_takes_more_than_three_round_trips(redis: Redis, replicas: Replicas) -> None:
    store = await store_on(redis, PREFIX)
    # The first time each brings its script.
    await spent_on_one_of_each(redis, store, replicas)
    spent = await spent_on_one_of_each(redis, store, replicas)
    tags = {msgspec.inspect.type_info(shape).tag for shape in get_args(AnyCommand)}  # type: ignore[attr-defined]
    assert spent.keys() == tags
    assert {kind: count for kind, count in spent.items() if count > ROUND_TRIPS} == {}


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


async def all_told(ana: Member, ben: Member, rate: float) -> None:
    """Ana sets a rate; then each has been told of it, and so of everything before."""
    last = await ana.ask("set_rate", rate=rate)
    for member in (ana, ben):
        await member.expect("set_rate", version=last["version"])


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


async def spent_on_one_of_each(redis: Redis, store: RoomStore, replicas: Replicas) -> dict[str, int]:
    """Round trips to Redis by kind of command, in a room of its own. Each event is one message to each replica."""
    room = f"room-{secrets.token_hex(4)}"
    spent = {}
    async with two_watching(replicas, store, room) as (ana, _), guest(replicas[1], room) as cleo:
        async for kind, fields in one_of_each(redis, store, room, ana, cleo):
            before = [received(node) for node in replicas]
            async with watched(redis, room) as seen:
                answer = await ana.ask(kind, **fields)
                assert answer["type"] == "ack", (kind, answer)
                await settled(seen)
            published = sum(what == "PUBLISH" for _, what in seen)
            await all_received(replicas, [then + published for then in before], f"{published} of {kind}: {seen}")
            spent[kind] = sum(client == "tcp" for client, _ in seen)
    return spent


@asynccontextmanager
async def guest(replica: Node, room: str) -> AsyncIterator[str]:
    """Cleo is there, too. Gives her id."""
    async with Member(replica.url, room, "Cleo") as cleo:
        yield (await cleo.expect("room_state"))["you"]["id"]


async def one_of_each(
    redis: Redis, store: RoomStore, room: str, ana: Member, cleo: str
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Every command that there is, of Ana, whose room it is. Each needs what those before it have done."""
    record = await store.snapshot(room)
    assert record is not None
    playing, tag = record.queue()[0].id, secrets.token_hex(6)
    yield "play", {"timestamp": 1.0}
    yield "pause", {"timestamp": 2.0}
    yield "set_rate", {"rate": 1.25}
    ana.skip()
    yield "seek", {"timestamp": 500.0}
    yield "undo", {"version": (await ana.expect("seek"))["version"]}
    ana.skip()
    yield "queue_add", {"url": f"http://93.184.216.34/{tag}.mp4"}
    added = (await ana.expect("queue_update"))["queue"][-1]["id"]
    songs = [PlaylistItem(id=f"{n}", url=f"http://93.184.216.34/{tag}-{n}.mp4", title="Song") for n in range(3)]
    await Playlists(redis, Keys(PREFIX)).add(record.owner, Playlist(id=tag, name="Songs", items=songs))
    yield "queue_add_playlist", {"playlist": tag}
    yield "queue_vote", {"item_id": added}
    yield "queue_lend", {"item_id": added, "lend": True}
    yield "queue_reorder", {"queue": [playing, added]}
    await store.resolved(room, added, code="unavailable", message="Nobody is there.")
    yield "queue_retry", {"item_id": added}
    yield "queue_play", {"item_id": playing}
    yield "queue_remove", {"item_id": added}
    yield "chat", {"text": "hello"}
    yield "react", {"emoji": "👍"}
    yield "rename", {"name": "Anna"}
    yield "set_settings", {"tight_sync": True}
    yield "set_role", {"member": cleo, "role": "viewer"}
    yield "kick", {"member": cleo}
    yield "ban", {"member": cleo}
    (banned,) = await store.bans(room, Sender(record.owner))
    yield "unban", {"ban": banned.id}
    await ana.ask("seek", timestamp=3599.5)
    yield "ended", {"item_id": playing}
    yield "queue_clear", {}
