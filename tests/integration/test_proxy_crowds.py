"""Many at one proxy: those who read slowly cost little, and those who leave leave nothing behind."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.support.asking import descriptors, on_disk, signed, unique
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.shelf import blob
from tests.support.waiting import until

READERS = 1000
SIZE = 100_000_000
# Each connection and its request; and of the object what has not come to disk yet, once, whoever holds parts of it.
MOST_MORE_BYTES = READERS * 100_000 + SIZE
LEAVERS = 500


@pytest.fixture(scope="module")
def proxy(origin: Origin, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": unique(),
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        # The crowd is one address here.
        "WT_PROXY_ADDRESS_REQUESTS_PER_S": "0",
        "WT_PROXY_ADDRESS_STREAMS": "0",
    }
    with Node("services.proxy", tmp_path_factory.mktemp("crowds") / "log", settings=settings) as node:
        yield node


def resident_bytes(proxy: Node) -> int:
    assert proxy.process is not None
    text = Path(f"/proc/{proxy.process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024


def streams(proxy: Node) -> float:
    with urllib.request.urlopen(f"{proxy.admin_url}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith("wt_proxy_streams ")).split()[1])


@asynccontextmanager
async def reading(proxy: Node, path: str, first: int) -> AsyncIterator[socket.socket]:
    """A reader on a small socket who asked for everything from `first` on, and reads what it is told to."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", proxy.port))
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nRange: bytes={first}-\r\n\r\n"
        await loop.sock_sendall(connection, request.encode())
        yield connection


async def sip(connection: socket.socket, count: int) -> bytes:
    """The next `count` bytes of a body, or of a head and a body."""
    received = bytearray()
    while len(received) < count:
        piece = await asyncio.get_running_loop().sock_recv(connection, count - len(received))
        assert piece, "a slow reader was cut off"
        received += piece
    return bytes(received)


async def test_a_thousand_slow_readers_hold_a_bounded_part_of_memory(proxy: Node, origin: Origin) -> None:
    path = signed(origin.url(f"blob/{SIZE}.mp4", v=unique()))
    before = resident_bytes(proxy)
    async with AsyncExitStack() as there:
        # All over the object, so that what one holds is not what all hold.
        firsts = [n * (SIZE // READERS) for n in range(READERS)]
        readers = [await there.enter_async_context(reading(proxy, path, first)) for first in firsts]
        heads = await asyncio.gather(*(sip(reader, 4000) for reader in readers))
        for _ in range(3):
            await asyncio.sleep(0.5)
            assert resident_bytes(proxy) - before < MOST_MORE_BYTES
            await asyncio.gather(*(sip(reader, 16_000) for reader in readers))
        assert resident_bytes(proxy) - before < MOST_MORE_BYTES
        for first, head in zip(firsts, heads, strict=True):
            body = head.partition(b"\r\n\r\n")[2]
            assert body == blob(first, first + len(body))


@pytest.mark.parametrize("where", ["arriving", "disk"])
async def test_those_who_leave_leave_nothing_behind(proxy: Node, origin: Origin, where: str) -> None:
    mark = unique()
    faults = {"rate": 200_000} if where == "arriving" else {}
    path = signed(origin.url(f"blob/{SIZE}.mp4", v=mark, **faults))
    if where == "disk":
        await on_disk(proxy, path, "bytes=99614720-")
    await until(lambda: streams(proxy) == 0)
    before = descriptors(proxy)
    for n in range(LEAVERS):
        async with reading(proxy, path, 99_614_720 + n) as connection:
            if n % 2:
                await sip(connection, 1000)
    # Each is let go of at once: nobody waits for a time-out, and no fetch goes on for nobody.
    await until(lambda: streams(proxy) == 0 and descriptors(proxy) <= before, timeout_s=5)
    await until(
        lambda: all(seen.is_done for seen in origin.requests("/blob/") if seen.query.get("v") == mark), timeout_s=5
    )
