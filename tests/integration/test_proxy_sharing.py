"""Crowds at one proxy: one fetch for everyone, read while it arrives, let go when nobody is left."""

from __future__ import annotations

import asyncio
import hashlib
import time

import aiohttp
import pytest

from services.common.stream import Kind
from services.proxy.fetches import ABSENT_S
from tests.support.asking import (
    BIG,
    asked,
    code_of,
    fetched,
    signed,
    unique,
)
from tests.support.media import Media
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.shelf import blob
from tests.support.waiting import until


async def test_a_small_object_is_fetched_once_and_then_served_from_memory(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    url = origin.url("hls/360/003.ts", v=(mark := unique()))
    first, _ = await fetched(http, proxy, signed(url))
    second, body = await fetched(http, proxy, signed(url))
    part, piece = await fetched(http, proxy, signed(url), Range="bytes=100-199")
    whole = media.path("hls/360/003.ts").read_bytes()
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "L1")
    assert body == whole
    assert int(second.headers["Age"]) >= 0
    assert (part.status, piece) == (206, whole[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert part.headers["X-Cache"] == "L1"
    assert len([seen for seen in origin.requests("/hls/360/003.ts") if seen.query.get("v") == mark]) == 1


async def test_a_crowd_asking_for_one_playlist_costs_one_fetch(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    path = signed(origin.url("live/index.m3u8", v=mark, delay=0.3), Kind.MANIFEST)
    answers = await asyncio.gather(*(fetched(http, proxy, path) for _ in range(20)))
    assert {response.status for response, _ in answers} == {200}
    assert len({body for _, body in answers}) == 1
    assert len([seen for seen in origin.requests("/live/index.m3u8") if seen.query.get("v") == mark]) == 1


async def test_a_crowd_shares_one_fetch_and_reads_it_while_it_arrives(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark, size = unique(), 2_000_000
    path = signed(origin.url(f"blob/{size}.mp4", v=mark, rate=1_000_000))

    async def first_byte_and_rest() -> tuple[float, bytes]:
        began = time.monotonic()
        async with asked(http, proxy, path) as response:
            first = await response.content.readexactly(1)
            return time.monotonic() - began, first + await response.read()

    answers = await asyncio.gather(*(first_byte_and_rest() for _ in range(20)))
    assert {hashlib.sha256(body).digest() for _, body in answers} == {hashlib.sha256(blob(0, size)).digest()}
    assert max(waited for waited, _ in answers) < 1.0
    assert len([seen for seen in origin.requests(f"/blob/{size}.mp4") if seen.query.get("v") == mark]) == 1


async def test_the_others_read_on_when_the_one_who_began_leaves(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark, size = unique(), 1_000_000
    path = signed(origin.url(f"blob/{size}.mp4", v=mark, rate=1_000_000))
    async with asked(http, proxy, path) as first:
        await first.content.readexactly(1000)
        other = asyncio.create_task(fetched(http, proxy, path))
        await asyncio.sleep(0.2)
        first.close()
    assert (await other)[1] == blob(0, size)
    assert len([seen for seen in origin.requests(f"/blob/{size}.mp4") if seen.query.get("v") == mark]) == 1


async def test_a_fetch_goes_on_for_the_others_when_the_one_who_asked_leaves(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    path = signed(origin.url("blob/1000.mp4", v=mark, delay=0.6))
    first = asyncio.create_task(fetched(http, proxy, path))
    await asyncio.sleep(0.1)
    others = [asyncio.create_task(fetched(http, proxy, path)) for _ in range(5)]
    await asyncio.sleep(0.1)
    first.cancel()
    assert {body for _, body in await asyncio.gather(*others)} == {blob(0, 1000)}
    assert len([seen for seen in origin.requests("/blob/1000.mp4") if seen.query.get("v") == mark]) == 1


async def test_a_crowd_shares_a_failure(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    mark = unique()
    path = signed(origin.url("blob/1000.mp4", v=mark, delay=0.3, status=500))
    answers = await asyncio.gather(*(code_of(http, proxy, path) for _ in range(10)))
    assert set(answers) == {(502, "upstream_failed")}
    assert len([seen for seen in origin.requests("/blob/1000.mp4") if seen.query.get("v") == mark]) == 1


async def test_what_is_not_there_is_asked_for_once_by_a_crowd_that_tries_again(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    path = signed(origin.url("blob/1000.mp4", v=mark, status=404, times=1))
    answers = [await code_of(http, proxy, path, Range=f"bytes={n}-") for n in range(10)]
    assert set(answers) == {(404, "not_found")}
    assert len([seen for seen in origin.requests("/blob/1000.mp4") if seen.query.get("v") == mark]) == 1
    # What comes a moment later is there.
    await asyncio.sleep(ABSENT_S)
    assert (await fetched(http, proxy, path))[1] == blob(0, 1000)


async def test_a_range_far_ahead_of_a_fill_does_not_wait_for_it(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    size = 20_000_000
    url = origin.url(f"blob/{size}.mp4", v=unique(), rate=100_000)
    async with asked(http, proxy, signed(url)) as slow:
        await slow.content.readexactly(1000)
        began = time.monotonic()
        response, body = await fetched(http, proxy, signed(url), Range=f"bytes={size - 1000}-")
        assert (response.status, body) == (206, blob(size - 1000, size))
        assert time.monotonic() - began < 10
        near, piece = await fetched(http, proxy, signed(url), Range="bytes=2000-2999")
        assert (near.headers["X-Cache"], piece) == ("FILL", blob(2000, 3000))
        slow.close()


@pytest.mark.parametrize("size", [400_000, 40_000_000])
@pytest.mark.parametrize("faults", [{"no_range": True}, {"no_length": True}])
async def test_a_body_cut_short_never_ends_cleanly_and_is_not_kept(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, size: int, faults: dict[str, bool]
) -> None:
    path = signed(origin.url(f"blob/{size}.mp4", v=unique(), cut_at=200_000, times=1, **faults))
    async with asked(http, proxy, path) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    async with asked(http, proxy, path) as response:
        assert response.headers["X-Cache"] != "L1"
        assert len(await response.read()) == size


@pytest.mark.parametrize("size", [4_000_000, 400_000_000])
async def test_a_client_that_leaves_releases_the_upstream(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, size: int
) -> None:
    mark = unique()
    path = signed(origin.url(f"blob/{size}.mp4", v=mark, rate=200_000))
    async with asked(http, proxy, path) as response:
        await response.content.readexactly(1000)
        response.close()
    seen = await origin.wait_async("/blob/", also=lambda seen: seen.query.get("v") == mark and seen.is_done, timeout=3)
    assert seen[0].sent < size / 2


async def test_a_client_that_leaves_before_the_first_byte_releases_the_upstream(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    path = signed(origin.url("blob/1000.mp4", v=mark, delay=9))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3), asked(http, proxy, path):
            pass
    await origin.wait_async("/blob/", also=lambda seen: seen.query.get("v") == mark and seen.is_done, timeout=1)


async def test_a_client_that_stops_reading_holds_the_upstream_back(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    path = signed(origin.url(f"blob/{BIG}.mp4", v=mark))
    async with asked(http, proxy, path) as response:
        await response.content.readexactly(1000)
        [seen] = [seen for seen in origin.requests("/blob/") if seen.query.get("v") == mark]
        # One bucket ahead, and not a byte more is asked for.
        await until(lambda: seen.is_done)
        assert seen.sent < BIG / 4
        assert len([seen for seen in origin.requests("/blob/") if seen.query.get("v") == mark]) == 1
        response.close()


@pytest.mark.parametrize("faults", [{"stall_at": 100_000}, {"cut_at": 100_000}])
async def test_a_body_that_stalls_or_breaks_off_is_taken_up_again_where_it_ended(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, faults: dict[str, int]
) -> None:
    mark, size = unique(), 12_000_000
    path = signed(origin.url(f"blob/{size}.mp4", v=mark, **faults))
    response, body = await fetched(http, proxy, path, Range="bytes=0-")
    assert (response.status, body) == (206, blob(0, size))
    asked = [seen.range for seen in origin.requests("/blob/") if seen.query.get("v") == mark]
    assert asked == ["bytes=0-10485759", "bytes=100000-10485759", "bytes=10485760-11999999"]


async def test_a_body_that_stalls_is_dropped(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    path = signed(origin.url(f"blob/{BIG}.mp4", v=unique(), stall_at=100_000, no_range=True))
    async with asked(http, proxy, path) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_a_crowd_at_a_range_in_the_middle_costs_one_fetch_of_each_block(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark, size = unique(), 100_000_000
    path = signed(origin.url(f"blob/{size}.mp4", v=mark, rate=4_000_000))
    answers = await asyncio.gather(
        *(fetched(http, proxy, path, Range=f"bytes={50_000_000 + n}-{51_000_000 + n}") for n in range(20))
    )
    assert all(body == blob(50_000_000 + n, 51_000_001 + n) for n, (_, body) in enumerate(answers))
    asked_ranges = [seen.range for seen in origin.requests("/blob/") if seen.query.get("v") == mark]
    assert asked_ranges == ["bytes=49807360-52428799"]
