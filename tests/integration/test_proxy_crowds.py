"""Crowds that read slowly, or leave at once: what they cost a proxy, and what is left of them."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from pathlib import Path

import aiohttp
import pytest

from tests.support.asking import fetched, on_disk, signed, unique
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.shelf import blob
from tests.support.waiting import until

READERS = 500
# `tests.bench.proxy` has ten thousand of them.
LEAVING = 3000
AT_ONCE = 100
MOST_BYTES = 150_000_000


def resident_bytes(proxy: Node) -> int:
    """What a proxy holds of the machine's memory."""
    assert proxy.process is not None
    pages = int(Path(f"/proc/{proxy.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def sockets(proxy: Node) -> int:
    """How many connections a proxy has open; files of buckets stay open, up to a number."""
    assert proxy.process is not None
    found = 0
    for path in Path(f"/proc/{proxy.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += str(path.readlink()).startswith("socket:")
    return found


async def opened(proxy: Node, path: str, span: str) -> asyncio.StreamWriter:
    """A connection on which a part is asked for, and nothing but its head is read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=4096)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nRange: bytes={span}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return writer


@pytest.mark.timeout(180)
async def test_five_hundred_readers_who_stop_reading_take_little_memory(proxy: Node, origin: Origin) -> None:
    path = signed(origin.url("blob/100000000.mp4", v=unique()))
    await on_disk(proxy, path, "bytes=52428800-62914559")
    before = resident_bytes(proxy)
    writers = [await opened(proxy, path, f"{52_428_800 + n * 1000}-") for n in range(READERS)]
    try:
        await asyncio.sleep(3)
        assert resident_bytes(proxy) - before <= MOST_BYTES
    finally:
        for writer in writers:
            writer.transport.abort()


@pytest.mark.timeout(300)
async def test_thousands_who_leave_at_once_leave_nothing_behind(proxy: Node, origin: Origin) -> None:
    url = origin.url("blob/50000000.mp4", v=unique(), rate=2_000_000)
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        await fetched(http, proxy, signed(url), Range="bytes=0-99")
    before = sockets(proxy)
    request = f"GET {signed(url)} HTTP/1.1\r\nHost: x\r\nRange: bytes=10000000-\r\n\r\n".encode()

    async def leave() -> None:
        for _ in range(LEAVING // AT_ONCE):
            _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(request)
            await writer.drain()
            writer.transport.abort()

    await asyncio.gather(*(leave() for _ in range(AT_ONCE)))
    # The pool may keep a connection to the origin or two.
    await until(lambda: sockets(proxy) <= before + 2, 40)
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        answer, body = await fetched(http, proxy, signed(url), Range="bytes=10000000-10000999")
    assert (answer.status, body) == (206, blob(10_000_000, 10_001_000))


async def test_a_disk_that_takes_no_more_costs_nobody_a_byte(
    origin: Origin, redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": unique(),
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
    }
    node = Node("services.proxy", tmp_path / "log", settings=settings)
    await asyncio.to_thread(node.start)
    try:
        assert node.process is not None
        # Whatever is written to a file beyond this fails, as on a full disk.
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        async with aiohttp.ClientSession(auto_decompress=False) as http:
            path = signed(origin.url("blob/30000000.mp4", v=unique()))
            for span, start, stop in (("0-11999999", 0, 12_000_000), ("20000000-", 20_000_000, 30_000_000)):
                answer, body = await fetched(http, node, path, Range=f"bytes={span}")
                assert (answer.status, body) == (206, blob(start, stop))
            async with http.get(f"{node.admin_url}/metrics") as response:
                metrics = await response.text()
        assert 'wt_proxy_disk_pauses_total{reason="error"} 1.0' in metrics
    finally:
        await asyncio.to_thread(node.stop)
