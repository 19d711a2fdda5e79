"""A member whose machine stopped reading, on a real socket: it delays nobody, and it is let go."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import socket
import statistics
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.common.room.sender import SYSTEM
from services.common.room.store import RoomStore
from services.common.wire.models import QueueItem
from tests.support.member import Member
from tests.support.node import Node
from tests.support.redis import RedisServer
from tests.support.replicas import store_on
from tests.support.rooms import resolve

PREFIX = f"slow{secrets.token_hex(3)}"
LINK = "http://93.184.216.34/clip.mp4"
GONE_WITHIN_S = 15.0
MOST_DELAY_S = 0.05
ITEMS = 120
FLOOD_PER_S = 40
# Beyond eight nobody is heard.
COMMANDS_PER_S = 7


@pytest.fixture
def replica(redis_server: RedisServer, tmp_path: Path) -> Iterator[Node]:
    settings = {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": PREFIX}
    with Node("services.sync", tmp_path / "log", settings=settings) as node:
        yield node


@asynccontextmanager
async def flooded(store: RoomStore, room: str) -> AsyncIterator[None]:
    """Fill the room's queue, and have it reordered all the time: each event is a frame of some 40 kB."""
    items = [
        QueueItem(id=f"item-{number}", url=LINK, title="x" * 200, added_by="Ana", added_at=time.time())
        for number in range(ITEMS)
    ]
    for item in items:
        await store.add_item(room, SYSTEM, item)
    await resolve(store, room, items[0].id)

    async def flood() -> None:
        for turn in itertools.count():
            at = turn % ITEMS
            await store.reorder(room, SYSTEM, [item.id for item in (*items[at:], *items[:at])])
            await asyncio.sleep(1 / FLOOD_PER_S)

    flooding = asyncio.create_task(flood())
    yield
    assert not flooding.done()
    flooding.cancel()


async def stuck_socket(replica: Node, room: str) -> socket.socket:
    """A member that does the handshake and never reads again."""
    loop = asyncio.get_running_loop()
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.setblocking(False)
    await loop.sock_connect(peer, ("127.0.0.1", replica.port))
    handshake = (
        f"GET /ws/{room}?name=Stuck HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await loop.sock_sendall(peer, handshake.encode())
    assert (await loop.sock_recv(peer, 12)).startswith(b"HTTP/1.1 101")
    return peer


async def delays(speaker: Member, listener: Member, count: int) -> list[float]:
    """How long what one does takes to reach another, seconds."""
    found = []
    for number in range(count):
        begun = time.perf_counter()
        await speaker.send("set_rate", rate=1 + number / 100)
        await listener.expect("set_rate")
        found.append(time.perf_counter() - begun)
        await asyncio.sleep(1 / COMMANDS_PER_S)
    return found


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def is_held(replica: Node, port: int) -> bool:
    """Whether the kernel still has the replica's end of a connection with `port`, in whatever state."""
    ends = (f"0100007F:{replica.port:04X}", f"0100007F:{port:04X}")
    return any(tuple(line.split()[1:3]) == ends for line in Path("/proc/net/tcp").read_text().splitlines())


async def told(replica: Node, metric: str) -> float:
    """One of a replica's own figures; 0 if it has none of that name."""

    def read() -> float:
        with urllib.request.urlopen(f"{replica.admin_url}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{metric} ")), 0.0)

    return await asyncio.to_thread(read)


async def test_a_member_that_stops_reading_delays_nobody_and_is_gone_soon(replica: Node, redis: Redis) -> None:
    room = f"room-{secrets.token_hex(4)}"
    store = await store_on(redis, PREFIX)
    async with Member(replica.url, room, "Ana") as ana, Member(replica.url, room, "Ben") as ben:
        await ana.expect("room_state")
        await ben.expect("room_state")
        async with flooded(store, room):
            without = await delays(ana, ben, 20)
            peer = await stuck_socket(replica, room)
            with peer:
                await ben.expect("member_joined")
                assert is_held(replica, peer.getsockname()[1])
                begun = time.monotonic()
                beside = await delays(ana, ben, 40)
                while await told(replica, 'wt_sync_slow_total{outcome="aborted"}') < 1:
                    assert time.monotonic() - begun < GONE_WITHIN_S, "it is still there"
                    beside += await delays(ana, ben, 2)
                assert not is_held(replica, peer.getsockname()[1])
                assert await told(replica, "wt_sync_sockets") == 2
                await ben.expect("member_left", timeout_s=40)
        assert p95(beside) < p95(without) + MOST_DELAY_S


async def test_a_member_that_reads_again_in_time_stays_and_gets_the_whole_room(replica: Node, redis: Redis) -> None:
    room = f"room-{secrets.token_hex(4)}"
    store = await store_on(redis, PREFIX)
    async with Member(replica.url, room, "Ana") as ana:
        await ana.expect("room_state")
        peer = await stuck_socket(replica, room)
        with peer:
            await ana.expect("member_joined")
            async with flooded(store, room):
                while await told(replica, 'wt_sync_slow_total{outcome="snapshot"}') < 1:
                    await delays(ana, ana, 1)
            await ana.ask("rename", name="Ana again")
            heard = await read_until(peer, b'"type":"room_state"', b"Ana again")
        assert heard.count(b'"type":"room_state"') >= 2
        assert await told(replica, 'wt_sync_slow_total{outcome="aborted"}') == 0


async def read_until(peer: socket.socket, *marks: bytes, timeout_s: float = 20.0) -> bytes:
    """Read until the last frames hold all of `marks`. Everything that was read."""
    loop = asyncio.get_running_loop()
    heard = b""
    async with asyncio.timeout(timeout_s):
        while not all(mark in heard[-200_000:] for mark in marks):
            chunk = await loop.sock_recv(peer, 1 << 20)
            assert chunk, "it was closed"
            heard += chunk
    return heard
