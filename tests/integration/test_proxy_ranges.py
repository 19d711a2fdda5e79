"""Parts of objects through a proxy: ranges, conditions, generations."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.support.asking import (
    BIG,
    asked,
    code_of,
    fetched,
    open_path,
    signed,
    unique,
)
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.shelf import blob


@pytest.mark.parametrize(
    ("asked_range", "status", "start", "stop"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=0-", 206, 0, BIG),
        ("bytes=150000000-150099999", 206, 150_000_000, 150_100_000),
        ("bytes=-100000", 206, BIG - 100_000, BIG),
        (f"bytes={BIG - 10}-{BIG + 10}", 206, BIG - 10, BIG),
        (f"bytes={BIG}-", 416, 0, 0),
        ("bytes=5-1", 200, 0, BIG),
        ("items=0-1", 200, 0, BIG),
    ],
)
async def test_ranges_of_a_large_file_pass_through(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, asked_range: str, status: int, start: int, stop: int
) -> None:
    async with asked(http, proxy, open_path(origin.url(f"blob/{BIG}.mp4")), Range=asked_range) as response:
        assert response.status == status
        if status == 416:
            assert response.headers["Content-Range"] == f"bytes */{BIG}"
            return
        assert int(response.headers["Content-Length"]) == stop - start
        if status == 206:
            assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{BIG}"
        wanted = min(stop - start, 100_000)
        assert await response.content.readexactly(wanted) == blob(start, start + wanted)


async def test_an_upstream_that_ignores_ranges_is_sliced_where_it_is_small(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = signed(origin.url("blob/3000000.mp4", v=unique(), no_range=True))
    response, body = await fetched(http, proxy, path, Range="bytes=1000000-1999999")
    assert (response.status, response.headers["Content-Range"]) == (206, "bytes 1000000-1999999/3000000")
    assert body == blob(1_000_000, 2_000_000)


async def test_an_upstream_that_ignores_ranges_of_a_large_object_is_relayed_whole(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = signed(origin.url(f"blob/{BIG}.mp4", v=unique(), no_range=True))
    async with asked(http, proxy, path, Range="bytes=1000-1999") as response:
        assert (response.status, response.headers["Content-Length"]) == (200, str(BIG))
        assert response.headers["Accept-Ranges"] == "none"
        assert await response.content.readexactly(10_000) == blob(0, 10_000)


async def test_a_part_that_was_not_asked_for_is_refused(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = signed(origin.url(f"blob/{BIG}.mp4", v=unique(), shift_range=True))
    assert await code_of(http, proxy, path, Range="bytes=1000-1999") == (502, "upstream_failed")


async def test_if_range_with_another_generation_gives_the_whole(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    for size in (BIG, 3_000_000):
        path = signed(origin.url(f"blob/{size}.mp4", v=unique()))
        async with asked(http, proxy, path, Range="bytes=5-9", If_Range='"other"') as response:
            assert response.status == 200
        async with asked(http, proxy, path, Range="bytes=5-9", If_Range=f'"blob-{size}"') as response:
            assert (response.status, await response.read()) == (206, blob(5, 10))


async def test_hosts_that_throttle_range_headers_are_asked_by_parameter(
    origin: Origin, redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_PROXY_RANGE_PARAMETER_DOMAINS": origin.address,
        "WT_PROXY_CONNECTION_CLOSE": "1",
    }
    async with aiohttp.ClientSession() as http:
        with Node("services.proxy", tmp_path / "log", settings=settings) as proxy:
            mark, size = unique(), 26_000_000
            url = origin.url(f"blob/{size}.mp4", v=mark, clen=size, range_parameter=True)
            response, body = await fetched(http, proxy, signed(url), Range="bytes=5000-5999")
            assert (response.status, response.headers["Content-Range"]) == (206, f"bytes 5000-5999/{size}")
            assert body == blob(5000, 6000)
            assert response.headers["Connection"] == "close"
            [seen] = [seen for seen in origin.requests(f"/blob/{size}.mp4") if seen.query.get("v") == mark]
            assert seen.query["range"] == "0-10485759"
            assert seen.range is None


async def test_several_ranges_come_as_one_multipart_body(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    for size in (BIG, 500_000):
        path = signed(origin.url(f"blob/{size}.mp4", v=unique()))
        response, body = await fetched(http, proxy, path, Range="bytes=10-19,300000-300009,-5")
        assert response.status == 206
        kind, _, boundary = response.headers["Content-Type"].partition("; boundary=")
        assert kind == "multipart/byteranges"
        assert int(response.headers["Content-Length"]) == len(body)
        parts = body.split(f"--{boundary}".encode())
        assert (parts[0], parts[-1]) == (b"", b"--\r\n")
        found = {}
        for part in parts[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            assert b"Content-Type: video/mp4" in head
            found[head.rpartition(b"Content-Range: ")[2].decode()] = content.removesuffix(b"\r\n")
        assert found == {
            f"bytes 10-19/{size}": blob(10, 20),
            f"bytes 300000-300009/{size}": blob(300_000, 300_010),
            f"bytes {size - 5}-{size - 1}/{size}": blob(size - 5, size),
        }
        one, _ = await fetched(http, proxy, path, Range=f"bytes={size}-,3-4")
        assert one.headers["Content-Range"] == f"bytes 3-4/{size}"
        none, _ = await fetched(http, proxy, path, Range=f"bytes={size}-,{size + 5}-")
        assert (none.status, none.headers["Content-Range"]) == (416, f"bytes */{size}")


async def test_conditions_are_answered_without_the_origin(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark, size = unique(), 40_000_000
    path = signed(origin.url(f"blob/{size}.mp4", v=mark))
    etag = f'"blob-{size}"'
    # The first block whole: a fill that nobody reads any more ends where it is.
    await fetched(http, proxy, path, Range="bytes=0-300000")
    for given, status in [
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": '"other", W/' + etag}, 304),
        ({"If-Match": '"other"'}, 412),
        ({"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}, 304),
        ({"If-Unmodified-Since": "Wed, 31 Dec 2025 00:00:00 GMT"}, 412),
        ({"Range": "bytes=5-9", "If-Range": etag}, 206),
        ({"Range": "bytes=5-9", "If-Range": "Thu, 01 Jan 2026 00:00:00 GMT"}, 206),
        ({"Range": "bytes=5-9", "If-Match": etag}, 206),
    ]:
        response, body = await fetched(http, proxy, path, **given)
        assert response.status == status, given
        assert body == (blob(5, 10) if status == 206 else b"")
    assert len([seen for seen in origin.requests("/blob/") if seen.query.get("v") == mark]) == 1
    # A weak validator proves nothing: the whole is meant, and the rest of it is fetched.
    async with asked(http, proxy, path, **{"Range": "bytes=5-9", "If-Range": f"W/{etag}"}) as response:
        assert response.status == 200


async def test_generations_of_an_object_are_never_mixed(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    size = 30_000_000
    path = signed(origin.url(f"blob/{size}.mp4", v=unique()))
    async with asked(http, proxy, path, Range="bytes=0-") as reader:
        await reader.content.readexactly(1000)
        with origin.fault(f"/blob/{size}.mp4", etag="another"):
            later, piece = await fetched(http, proxy, path, Range="bytes=25000000-25000009")
            assert (later.headers["ETag"], piece) == ('"another"', blob(25_000_000, 25_000_010))
            with pytest.raises(aiohttp.ClientPayloadError):
                await reader.read()
            again, piece = await fetched(http, proxy, path, Range="bytes=0-9")
            assert (again.headers["ETag"], again.headers["X-Cache"]) == ('"another"', "MISS")
