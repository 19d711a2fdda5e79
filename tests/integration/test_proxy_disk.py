"""What a proxy keeps on disk, and how it is read and left."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import aiohttp

from tests.support.asking import (
    asked,
    code_of,
    descriptors,
    fetched,
    on_disk,
    signed,
    unique,
)
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.shelf import blob
from tests.support.waiting import until


async def test_blocks_on_disk_are_served_though_the_origin_is_gone(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark, size = unique(), 30_000_000
    url = origin.url(f"blob/{size}.mp4", v=mark)
    first, body = await fetched(http, proxy, signed(url), Range="bytes=15000000-15999999")
    assert (first.status, first.headers["X-Cache"], body) == (206, "MISS", blob(15_000_000, 16_000_000))
    [seen] = [seen for seen in origin.requests("/blob/") if seen.query.get("v") == mark]
    # From the block that was asked for to the end of its bucket.
    assert seen.range == "bytes=14942208-20971519"
    _, body = await fetched(http, proxy, signed(url), Range="bytes=15000000-20971519")
    assert body == blob(15_000_000, 20_971_520)
    for _ in range(500):
        last, _ = await fetched(http, proxy, signed(url), Range="bytes=20971519-20971519")
        if last.headers["X-Cache"] == "L2":
            break
    with origin.fault(f"/blob/{size}.mp4", status=500):
        for asked_range, start, stop in [
            ("15000001-15000002", 15_000_001, 15_000_003),
            ("18000000-20971519", 18_000_000, 20_971_520),
        ]:
            part, piece = await fetched(http, proxy, signed(url), Range=f"bytes={asked_range}")
            assert (part.status, part.headers["X-Cache"], piece) == (206, "L2", blob(start, stop))
            assert int(part.headers["Age"]) >= 0
            assert part.headers["Server-Timing"].startswith("cache;desc=L2;dur=")
        assert await code_of(http, proxy, signed(url), Range="bytes=1000-1999") == (502, "upstream_failed")
        head, _ = await fetched(http, proxy, signed(url), method="HEAD")
        assert (head.status, head.headers["Content-Length"]) == (200, str(size))


async def test_what_a_killed_proxy_kept_is_served_by_the_next(
    origin: Origin, redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {"WT_REDIS_URL": redis_server.url, "WT_ALLOWED_PRIVATE_HOSTS": origin.address, "WT_NODE": "one"}
    mark, size = unique(), 12_000_000
    url = origin.url(f"blob/{size}.mp4", v=mark)
    async with aiohttp.ClientSession() as http:
        node = Node("services.proxy", tmp_path / "log", settings=settings)
        with node as proxy:
            async with asked(http, proxy, signed(url), Range="bytes=0-") as response:
                assert await response.content.readexactly(11_000_000) == blob(0, 11_000_000)
        [one] = list((tmp_path / "data" / "proxy" / "one").glob("*/*-0-*.bucket"))
        with one.open("r+b") as file:
            # One byte of the fourth block has gone bad meanwhile.
            file.seek(8192 + 3 * 262144 + 77)
            file.write(b"?")
        with node as proxy:
            response, body = await fetched(http, proxy, signed(url), Range="bytes=0-9999999")
            assert (response.headers["X-Cache"], body) == ("L2", blob(0, 10_000_000))
    asked_ranges = [seen.range for seen in origin.requests("/blob/") if seen.query.get("v") == mark]
    assert asked_ranges[0] == "bytes=0-10485759"
    assert "bytes=786432-1048575" in asked_ranges


async def test_a_slow_reader_gets_every_byte_from_disk_and_its_connection_goes_on(proxy: Node, origin: Origin) -> None:
    size = 15_000_000
    path = signed(origin.url(f"blob/{size}.mp4", v=unique()))
    await on_disk(proxy, path, "bytes=10485760-")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=4096)
    try:
        for first in (10_485_760, 12_000_001, size - 1):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nRange: bytes={first}-\r\n\r\n".encode())
            assert b"x-cache: L2" in await reader.readuntil(b"\r\n\r\n")
            digest, left = hashlib.sha256(), size - first
            while left:
                digest.update(chunk := await reader.read(min(left, 50_000)))
                left -= len(chunk)
            assert digest.digest() == hashlib.sha256(blob(first, size)).digest()
    finally:
        writer.close()


async def test_readers_that_leave_in_the_middle_of_a_file_leave_nothing_behind(proxy: Node, origin: Origin) -> None:
    path = signed(origin.url("blob/19000000.mp4", v=unique()))
    await on_disk(proxy, path, "bytes=10485760-")
    before = descriptors(proxy)
    for _ in range(50):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=4096)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nRange: bytes=10485760-\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
    await until(lambda: descriptors(proxy) <= before)


async def test_what_disk_keeps_takes_no_memory_beside_and_without_disk_it_is_in_memory(
    origin: Origin, redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {"WT_REDIS_URL": redis_server.url, "WT_ALLOWED_PRIVATE_HOSTS": origin.address}
    for disk_bytes, tier in (("1000000000", "L2"), ("0", "L1")):
        folder = tmp_path / tier
        folder.mkdir()
        with Node("services.proxy", folder / "log", settings={**settings, "WT_PROXY_DISK_BYTES": disk_bytes}) as node:
            async with aiohttp.ClientSession() as http:
                path, small = (signed(origin.url(f"blob/{size}.mp4", v=unique())) for size in (3_000_000, 300_000))
                first, body = await fetched(http, node, path)
                assert (first.headers["X-Cache"], body) == ("MISS", blob(0, 3_000_000))
                for _ in range(500):
                    again, body = await fetched(http, node, path)
                    assert body == blob(0, 3_000_000)
                    if again.headers["X-Cache"] != "FILL":
                        break
                assert again.headers["X-Cache"] == tier
                assert [(await fetched(http, node, small))[0].headers["X-Cache"] for _ in range(2)] == ["MISS", "L1"]
