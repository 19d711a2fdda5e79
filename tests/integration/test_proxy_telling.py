"""What a proxy tells of itself: in every answer where it came from, and in its metrics what it did."""

from __future__ import annotations

import asyncio
import re
import socket
import urllib.request
from collections.abc import Callable

import aiohttp
import pytest

from services.common.stream import Kind
from tests.support.asking import BIG, asked, fetched, on_disk, open_path, signed, unique
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.waiting import until


def told(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """Status and tier, after a look at the form of both headers."""
    cache = response.headers["X-Cache"]
    assert re.fullmatch(rf"cache;desc={cache};dur=\d+\.\d", response.headers["Server-Timing"])
    exposed = response.headers["Access-Control-Expose-Headers"]
    assert {"X-Cache", "Age", "Server-Timing"} <= set(exposed.split(", "))
    return response.status, cache


def counted(proxy: Node, name: str) -> float:
    """A metric with its labels, as it stands now."""
    with urllib.request.urlopen(f"{proxy.admin_url}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


async def connected(proxy: Node) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of which the system takes little that nobody reads."""
    end = socket.socket()
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    end.setblocking(False)
    await asyncio.get_running_loop().sock_connect(end, ("127.0.0.1", proxy.port))
    return await asyncio.open_connection(sock=end, limit=4096)


async def test_every_answer_about_an_object_tells_tier_time_and_age(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    small = signed(origin.url("blob/5000.ts", v=unique()))
    large = signed(origin.url("blob/15000000.mp4", v=unique()))
    first, _ = await fetched(http, proxy, small)
    await on_disk(proxy, large, "bytes=10485760-")
    etag = first.headers["ETag"]
    answers = {
        "first": first,
        "again": (await fetched(http, proxy, small))[0],
        "part": (await fetched(http, proxy, small, Range="bytes=0-9"))[0],
        "parts": (await fetched(http, proxy, small, Range="bytes=0-9,20-29"))[0],
        "known": (await fetched(http, proxy, small, If_None_Match=etag))[0],
        "another": (await fetched(http, proxy, small, If_Match='"another"'))[0],
        "beyond": (await fetched(http, proxy, small, Range="bytes=9000-"))[0],
        "head": (await fetched(http, proxy, small, method="HEAD"))[0],
        "disk": (await fetched(http, proxy, large, Range="bytes=10485760-"))[0],
        "disk, beyond": (await fetched(http, proxy, large, Range="bytes=99999999-"))[0],
        "disk, head": (await fetched(http, proxy, large, method="HEAD"))[0],
        "disk, known": (await fetched(http, proxy, large, If_None_Match='"blob-15000000"'))[0],
    }
    assert {name: told(answer) for name, answer in answers.items()} == {
        "first": (200, "MISS"),
        "again": (200, "L1"),
        "part": (206, "L1"),
        "parts": (206, "L1"),
        "known": (304, "L1"),
        "another": (412, "L1"),
        "beyond": (416, "L1"),
        "head": (200, "L1"),
        "disk": (206, "L2"),
        "disk, beyond": (416, "META"),
        "disk, head": (200, "META"),
        "disk, known": (304, "META"),
    }
    assert {name for name, answer in answers.items() if not 0 <= int(answer.headers["Age"]) < 60} == set()


async def test_the_age_of_what_is_kept_grows(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    path = signed(origin.url("blob/5000.ts", v=unique()))
    await fetched(http, proxy, path)
    await asyncio.sleep(1.1)
    response, _ = await fetched(http, proxy, path)
    assert int(response.headers["Age"]) >= 1


async def test_what_is_passed_on_and_what_is_still_arriving_say_so(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    # Without a length it can't be shared.
    passed, _ = await fetched(http, proxy, open_path(origin.url("blob/5000.mp4", v=unique(), no_length=True)))
    assert told(passed) == (200, "PASS")
    slow = signed(origin.url("blob/900000.mp4", v=unique(), rate=600_000))
    async with asked(http, proxy, slow) as begun:
        await begun.content.readexactly(1000)
        async with asked(http, proxy, slow) as joined:
            assert (told(begun), told(joined)) == ((200, "MISS"), (200, "FILL"))
            await joined.read()


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        (lambda origin: "/api/proxy", "GET", 400),
        (lambda origin: open_path("http://elsewhere.invalid/"), "GET", 403),
        (lambda origin: signed(origin.url("nothing")), "GET", 404),
        (lambda origin: signed(origin.url("clip.mp4", v=unique(), status=500)), "GET", 502),
        (lambda origin: "/api/proxy", "POST", 405),
        (lambda origin: "/api/proxy", "OPTIONS", 204),
    ],
)
async def test_answers_about_nothing_say_that_too(
    http: aiohttp.ClientSession,
    proxy: Node,
    origin: Origin,
    path: Callable[[Origin], str],
    method: str,
    status: int,
) -> None:
    response, _ = await fetched(http, proxy, path(origin), method=method)
    assert told(response) == (status, "NONE")


async def test_a_manifest_tells_where_it_came_from(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    path = signed(origin.url("hls/360/index.m3u8", v=unique()), Kind.MANIFEST)
    answers = [(await fetched(http, proxy, path))[0] for _ in range(2)]
    assert [told(answer) for answer in answers] == [(200, "MISS"), (200, "L1")]
    assert all(int(answer.headers["Age"]) >= 0 for answer in answers)


async def test_answers_that_are_not_finished_are_counted_by_reason(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    def aborts(reason: str) -> float:
        return counted(proxy, f'wt_proxy_aborts_total{{reason="{reason}"}}')

    cut, left = aborts("upstream_failed"), aborts("left")
    with pytest.raises(aiohttp.ClientPayloadError):
        await fetched(http, proxy, signed(origin.url("blob/900000.mp4", v=unique(), no_range=True, cut_at=400_000)))
    assert (aborts("upstream_failed"), aborts("left")) == (cut + 1, left)
    # While it arrives, and from disk.
    async with asked(http, proxy, signed(origin.url(f"blob/{BIG}.mp4", v=unique(), rate=500_000))) as response:
        await response.content.readexactly(1000)
        response.close()
    await until(lambda: aborts("left") == left + 1)
    kept = signed(origin.url("blob/19000000.mp4", v=unique()))
    await on_disk(proxy, kept, "bytes=10485760-")
    reader, writer = await connected(proxy)
    writer.write(f"GET {kept} HTTP/1.1\r\nHost: x\r\nRange: bytes=10485760-\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    await until(lambda: aborts("left") == left + 2)
    # Whoever read all of it did not leave.
    await fetched(http, proxy, kept, Range="bytes=10485760-")
    assert (aborts("upstream_failed"), aborts("left")) == (cut + 1, left + 2)
    # None of them is a mistake of ours.
    assert "ASGI" not in proxy.log.read_text()


# So many looks find the same.
REST = 10


async def at_rest(proxy: Node) -> None:
    """Nothing arrives any more of what others asked for: a fill that nobody reads goes on to the end of its block."""
    arrived = [-1.0]

    def rests() -> bool:
        arrived.append(counted(proxy, "wt_proxy_upstream_bytes_total"))
        return len(arrived) > REST and len(set(arrived[-REST:])) == 1

    await until(rests)


async def test_bytes_fetches_and_those_who_shared_them_are_counted(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    def now() -> list[float]:
        names = (
            'wt_proxy_sent_bytes_total{cache="MISS"}',
            'wt_proxy_sent_bytes_total{cache="FILL"}',
            'wt_proxy_sent_bytes_total{cache="L1"}',
            "wt_proxy_upstream_bytes_total",
            "wt_proxy_fills_total",
            "wt_proxy_shared_fills_total",
        )
        return [counted(proxy, name) for name in names]

    path = signed(origin.url("blob/600000.ts", v=unique(), rate=400_000))
    await at_rest(proxy)
    before = now()
    async with asked(http, proxy, path) as first:
        await first.content.readexactly(1000)
        others = await asyncio.gather(*(fetched(http, proxy, path) for _ in range(3)))
        await first.read()
    assert [len(body) for _, body in others] == [600_000] * 3
    await fetched(http, proxy, path)
    grown = [after - was for was, after in zip(before, now(), strict=True)]
    assert grown == [600_000, 1_800_000, 600_000, 600_000, 1, 3]
    assert counted(proxy, "wt_loop_lag_seconds_count") > 0
