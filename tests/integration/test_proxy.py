"""The proxy as a process, before the media origin: what a player gets, and what the origin sees of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from redis.asyncio import Redis
from yarl import URL

from services.common.contexts import ContextStore, StreamContext
from services.common.cookies import Cookie
from services.common.keyring import KeyRing
from services.common.keys import Keys
from services.common.loans import Loan, Loans
from services.common.stream import Kind, StreamRef, StreamSigner, expiry, object_id
from tests.support import media as clips
from tests.support.media import Media
from tests.support.node import SECRET, Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer, free_port
from tests.support.shelf import blob
from tests.support.waiting import until

PREFIX = f"proxy{secrets.token_hex(3)}"
RING = KeyRing((SECRET,))
SIGNER = StreamSigner(RING)
BIG = 200_000_000


@pytest.fixture(scope="module")
def proxy(origin: Origin, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": PREFIX,
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_PROXY_DOMAINS": origin.address,
        "WT_PROXY_FIRST_BYTE_TIMEOUT_S": "1.5",
        "WT_PROXY_CHUNK_TIMEOUT_S": "1.5",
    }
    with Node("services.proxy", tmp_path_factory.mktemp("proxy") / "log", settings=settings) as node:
        yield node


@pytest.fixture
async def http(proxy: Node) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


@pytest.fixture
def store(redis: Redis) -> ContextStore:
    return ContextStore(redis, Keys(PREFIX), RING)


def open_path(url: str) -> str:
    return f"/api/proxy?url={quote(url, safe='')}"


def unique() -> str:
    """A query that makes an object of its own."""
    return secrets.token_hex(4)


def signed(url: str, kind: Kind = Kind.SEGMENT, *, context: str = "", name: str = "") -> str:
    return SIGNER.path(StreamRef(url, kind, object_id(name or url), context, expiry(time.time())))


@asynccontextmanager
async def asked(
    http: aiohttp.ClientSession, proxy: Node, path: str, *, method: str = "GET", **headers: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.request(method, URL(proxy.url + path, encoded=True), headers=given) as response:
        yield response


async def fetched(
    http: aiohttp.ClientSession, proxy: Node, path: str, *, method: str = "GET", **headers: str
) -> tuple[aiohttp.ClientResponse, bytes]:
    async with asked(http, proxy, path, method=method, **headers) as response:
        return response, await response.read()


async def code_of(http: aiohttp.ClientSession, proxy: Node, path: str, **headers: str) -> tuple[int, str]:
    async with asked(http, proxy, path, **headers) as response:
        return response.status, (await response.json())["error"]["code"]


async def test_a_file_comes_through_byte_for_byte(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    response, body = await fetched(http, proxy, open_path(origin.url(clips.MP4, v=unique())))
    assert response.status == 200
    assert body == media.path(clips.MP4).read_bytes()
    assert response.headers["Content-Type"] == "video/mp4"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert "Content-Range" in response.headers["Access-Control-Expose-Headers"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, no-transform"


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


def decoded(url: str) -> str:
    """The checksums of all decoded pictures and of all decoded sound, as ffmpeg reads `url`."""
    streams = ("-map", "0:v:0", "-map", "0:a:0", "-t", "12")
    command = ("ffmpeg", "-nostdin", "-v", "error", "-i", url, *streams, "-f", "streamhash", "-hash", "md5", "-")
    done = subprocess.run(command, capture_output=True, timeout=40, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.count(b"MD5=") == 2
    return done.stdout.decode()


@pytest.mark.parametrize(
    "name",
    [
        *(clips.MP4, clips.HLS_TS, clips.HLS_FMP4, clips.HLS_MASTER, clips.HLS_SPLIT),
        *(clips.DASH_TEMPLATE, clips.DASH_BASE),
    ],
)
def test_ffmpeg_decodes_the_same_through_the_proxy(proxy: Node, origin: Origin, name: str) -> None:
    url = origin.url(name)
    assert decoded(proxy.url + open_path(url)) == decoded(url)


async def test_every_segment_of_a_playlist_comes_through_byte_for_byte(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    response, body = await fetched(http, proxy, open_path(origin.url(clips.HLS_FMP4)))
    assert response.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    text = body.decode()
    assert origin.address not in re.sub(r"url=[^&\"\s]*", "", text)
    children = [line for line in text.splitlines() if line.startswith("/api/proxy?")]
    assert len(children) == clips.SEGMENTS
    for number, child in enumerate(children):
        _, segment = await fetched(http, proxy, child)
        assert segment == media.path(f"hls/fmp4/{number:03}.m4s").read_bytes()


async def test_a_manifest_rewritten_twice_is_the_same(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    url = origin.url("live/index.m3u8", v=unique())
    path = signed(url, Kind.MANIFEST)
    (first, one), (second, two) = [await fetched(http, proxy, path), await fetched(http, proxy, path)]
    assert one == two
    assert first.headers["ETag"] == second.headers["ETag"]
    unchanged, _ = await fetched(http, proxy, path, If_None_Match=first.headers["ETag"])
    assert unchanged.status in (200, 304)


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


async def test_head_tells_the_length_and_sends_nothing(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    response, body = await fetched(http, proxy, signed(origin.url(f"blob/{BIG}.mp4")), method="HEAD")
    assert (response.status, response.headers["Content-Length"], body) == (200, str(BIG), b"")


async def test_a_preflight_is_answered(http: aiohttp.ClientSession, proxy: Node) -> None:
    response, _ = await fetched(http, proxy, "/api/proxy?url=x", method="OPTIONS", Origin="http://elsewhere.example")
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Headers"].startswith("Range, If-Range, If-None-Match")


async def test_methods_that_change_something_are_not_there(http: aiohttp.ClientSession, proxy: Node) -> None:
    for method in ("POST", "PUT", "DELETE"):
        response, _ = await fetched(http, proxy, "/api/proxy?url=x", method=method)
        assert response.status == 405


async def test_the_media_type_is_never_one_that_a_browser_runs(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    for declared in ("text/html", "text/html; charset=utf-8", "image/svg+xml", "application/xhtml+xml", "text/xml"):
        response, _ = await fetched(http, proxy, signed(origin.url("blob/10.mp4", type=declared, v=unique())))
        assert response.headers["Content-Type"] == "application/octet-stream"
    page, _ = await fetched(http, proxy, open_path(origin.url("watch/pair")))
    assert page.headers["Content-Type"] == "application/octet-stream"


async def test_subtitles_are_webvtt_whatever_the_origin_calls_them(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    url = origin.url(clips.subtitle("en"), type="text/plain", v=unique())
    response, body = await fetched(http, proxy, signed(url, Kind.SUBTITLE))
    assert response.headers["Content-Type"] == "text/vtt; charset=utf-8"
    assert body == media.path(clips.subtitle("en")).read_bytes()


@pytest.mark.parametrize(
    "faults", [{"type": "text/plain"}, {"type": "application/octet-stream"}, {"type": "video/mp2t"}]
)
@pytest.mark.parametrize(("name", "sign"), [(clips.HLS_TS, "#EXTM3U"), (clips.DASH_BASE, "<MPD")])
async def test_a_manifest_is_known_by_its_name_though_its_type_lies(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, faults: dict[str, str], name: str, sign: str
) -> None:
    response, body = await fetched(http, proxy, open_path(origin.url(name, v=unique(), **faults)))
    assert sign in body.decode()
    assert b"/api/proxy?url=" in body
    assert "video" not in response.headers["Content-Type"]


@pytest.mark.parametrize("declared", ["application/vnd.apple.mpegurl", "text/plain", ""])
async def test_a_manifest_without_a_name_is_known_by_type_or_first_bytes(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, declared: str
) -> None:
    with origin.fault(f"/{clips.HLS_TS}", type=declared or "application/octet-stream"):
        url = origin.url("redirect", to=f"/{clips.HLS_TS}", v=unique())
        for given in ({}, {"Range": "bytes=0-"}):
            response, body = await fetched(http, proxy, signed(url), **given)
            assert response.headers["Content-Type"] == "application/vnd.apple.mpegurl"
            assert b"/api/proxy?url=" in body


async def test_children_are_relative_to_where_a_redirect_led(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    path = signed(origin.url("redirect", to=f"/{clips.HLS_TS}", n=2), Kind.MANIFEST)
    _, body = await fetched(http, proxy, path)
    child = next(line for line in body.decode().splitlines() if line.startswith("/api/proxy"))
    _, segment = await fetched(http, proxy, child)
    assert segment == media.path("hls/360/000.ts").read_bytes()


async def test_a_redirect_to_a_private_address_is_refused(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    for there in ("http://169.254.169.254/x", f"http://127.0.0.1:{free_port()}/x", "http://[::1]:8080/x"):
        path = signed(origin.url("redirect", to=there))
        assert await code_of(http, proxy, path) == (403, "private_address")
    path = signed(origin.url("redirect", to=f"http://localhost:{origin.address.partition(':')[2]}/clip.mp4"))
    assert await code_of(http, proxy, path) == (403, "private_address")
    assert await code_of(http, proxy, signed(origin.url("redirect", to="ftp://x/"))) == (400, "bad_url")


async def test_an_open_url_may_not_be_redirected_off_the_list(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = open_path(origin.url("redirect", to="http://example.com/"))
    assert await code_of(http, proxy, path) == (403, "refused_target")


async def test_a_fourth_redirect_is_one_too_many(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    async with asked(http, proxy, signed(origin.url("redirect", to="/blob/10.mp4", n=3))) as response:
        assert response.status == 200
    path = signed(origin.url("redirect", to="/blob/10.mp4", n=4))
    assert await code_of(http, proxy, path) == (502, "upstream_failed")


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://example.com/", 403, "refused_target"),
        ("http://127.0.0.1/", 403, "refused_target"),
        ("http://googlevideo.com.example.com/", 403, "refused_target"),
        ("http://user@127.0.0.1/", 403, "refused_target"),
        ("ftp://example.com/", 400, "bad_url"),
        ("", 400, "bad_url"),
    ],
)
async def test_an_open_url_off_the_list_is_refused(
    http: aiohttp.ClientSession, proxy: Node, url: str, status: int, code: str
) -> None:
    assert await code_of(http, proxy, open_path(url)) == (status, code)


async def test_a_signed_url_to_a_private_address_is_refused(http: aiohttp.ClientSession, proxy: Node) -> None:
    for url in ("http://127.0.0.1:8001/", "http://localhost:8000/", "http://[::ffff:10.0.0.1]/", "http://10.1.2.3/"):
        assert await code_of(http, proxy, signed(url)) == (403, "private_address")


async def test_a_signed_url_that_was_changed_is_refused(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = signed(origin.url("blob/10.mp4"), context="")
    good = StreamRef(origin.url("blob/10.mp4"), Kind.SEGMENT, "o", "", 1)
    changed = [
        path.replace("blob%2F10", "blob%2F11"),
        path.replace("&k=s", "&k=m"),
        re.sub(r"&e=\d+", "&e=99999999999", path),
        path.replace("&o=", "&o=a"),
        path + "&c=other",
        path[:-1] + ("0" if path[-1] != "0" else "1"),
        path.partition("&s=")[0],
        StreamSigner(KeyRing(("another secret altogether",))).path(good),
    ]
    for each in changed:
        assert await code_of(http, proxy, each) == (403, "bad_signature"), each
    assert await code_of(http, proxy, SIGNER.path(good)) == (403, "expired_signature")


async def test_a_request_that_came_from_a_proxy_of_ours_is_refused(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = signed(origin.url("blob/10.mp4"))
    assert await code_of(http, proxy, path, X_Watch_Together_Hop="1") == (403, "refused_target")
    await fetched(http, proxy, path)
    assert "x-watch-together-hop" in origin.requests("/blob/10.mp4")[-1].headers


@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [
        ({"status": 404}, 404, "not_found"),
        ({"status": 403}, 502, "upstream_failed"),
        ({"status": 500}, 502, "upstream_failed"),
        ({"status": 503}, 503, "unavailable"),
        ({"delay": 9}, 504, "upstream_late"),
    ],
)
@pytest.mark.parametrize("kind", [Kind.SEGMENT, Kind.MANIFEST])
async def test_a_failing_upstream_has_a_code_of_its_own(
    http: aiohttp.ClientSession,
    proxy: Node,
    origin: Origin,
    faults: dict[str, int],
    status: int,
    code: str,
    kind: Kind,
) -> None:
    path = signed(origin.url("hls/360/index.m3u8", v=unique(), **faults), kind)
    assert await code_of(http, proxy, path) == (status, code)


async def test_a_manifest_cut_short_is_no_manifest(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    path = signed(origin.url(clips.HLS_TS, v=unique(), cut_at=500), Kind.MANIFEST)
    assert await code_of(http, proxy, path) == (502, "upstream_failed")


async def test_an_upstream_that_nobody_listens_at_has_failed(http: aiohttp.ClientSession, proxy: Node) -> None:
    assert (await code_of(http, proxy, signed("http://nowhere.invalid/")))[0] == 502


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


async def test_a_stream_gets_its_headers_and_its_children_too(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, store: ContextStore
) -> None:
    context, mark = unique(), unique()
    needs = f"need=X-Token&need={quote('Referer:http://sample.invalid/', safe='')}"
    url = f"{origin.url()}with/v={mark}&{needs}/{clips.HLS_TS}"
    headers = {
        "Referer": "http://sample.invalid/",
        "X-Token": "a token of nobody",
        "Host": "evil.example",
        "Range": "bytes=0-1",
    }
    await store.put({context: StreamContext(page_url="p", format_id="f", url=url, headers=headers)}, 600)
    assert await code_of(http, proxy, signed(url, Kind.MANIFEST)) == (502, "upstream_failed")
    _, body = await fetched(http, proxy, signed(url, Kind.MANIFEST, context=context))
    child = next(line for line in body.decode().splitlines() if line.startswith("/api/proxy"))
    assert f"&c={context}" in child
    assert "token of nobody" not in body.decode()
    response, _ = await fetched(http, proxy, child)
    assert response.status == 200
    assert {seen.headers["host"] for seen in origin.requests("/hls/360") if seen.query.get("v") == mark} == {
        origin.address
    }


async def test_cookies_do_not_follow_a_stream_to_another_host(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, store: ContextStore
) -> None:
    context, mark = unique(), unique()
    headers = {"Cookie": "session=1", "Authorization": "Bearer x", "X-Other": "1"}
    await store.put(
        {context: StreamContext(page_url="p", format_id="f", url="http://example.com/", headers=headers)}, 600
    )
    response, _ = await fetched(http, proxy, signed(origin.url("blob/10.mp4", v=mark), context=context))
    assert response.status == 200
    [seen] = [seen for seen in origin.requests("/blob/10.mp4") if seen.query.get("v") == mark]
    assert seen.headers["x-other"] == "1"
    assert "cookie" not in seen.headers
    assert "authorization" not in seen.headers


async def test_members_only_bytes_are_no_hit_for_others(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, store: ContextStore, redis: Redis
) -> None:
    context = unique()
    url = origin.url("blob/5000.mp4", v=unique(), need_cookie="session=1")
    scope = unique()
    cookies = [Cookie(domain="127.0.0.1", name="session", value="1")]
    await store.put({context: StreamContext(page_url="p", format_id="f", url=url, scope=scope, owner="ana")}, 600)
    assert await code_of(http, proxy, signed(url, context=context)) == (403, "expired_signature")
    loan = Loan(owner="ana", audience="", sites=["127.0.0.1"], digest="d", cookies=cookies, contexts=[context])
    await Loans(redis, Keys(PREFIX), RING).put(scope, loan, 600)
    for expected in ("MISS", "L1"):
        response, body = await fetched(http, proxy, signed(url, context=context))
        assert (body, response.headers["X-Cache"]) == (blob(0, 5000), expected)
    assert await code_of(http, proxy, signed(url)) == (502, "upstream_failed")
    assert await code_of(http, proxy, open_path(url)) == (502, "upstream_failed")


async def test_a_stream_whose_context_is_gone_has_expired(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = signed(origin.url("blob/10.mp4"), context=unique())
    assert await code_of(http, proxy, path) == (403, "expired_signature")


async def test_a_stream_whose_upstream_url_changed_plays_on(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, store: ContextStore
) -> None:
    context, mark, size = unique(), unique(), 30_000_000
    old = origin.url(f"blob/{size}.mp4", v=f"{mark}-old", forbid_after=1)
    new = origin.url(f"blob/{size}.mp4", v=f"{mark}-new")
    root = object_id("site", mark)

    def context_of(url: str) -> dict[str, StreamContext]:
        return {context: StreamContext(page_url="p", format_id="f", url=url, object_id=root)}

    await store.put(context_of(old), 600)
    path = SIGNER.path(StreamRef(old, Kind.SEGMENT, root, context, expiry(time.time())))
    response, _ = await fetched(http, proxy, path, Range="bytes=0-9")
    assert response.status == 206
    await store.put(context_of(new), 600)
    await asyncio.sleep(2.1)
    response, body = await fetched(http, proxy, path, Range="bytes=20000000-20000009")
    assert (response.status, body) == (206, blob(20_000_000, 20_000_010))
    assert [seen.query["v"] for seen in origin.requests("/blob/") if mark in seen.query.get("v", "")] == [
        f"{mark}-old",
        f"{mark}-old",
        f"{mark}-new",
    ]


async def test_a_stream_that_is_not_available_yet_is_waited_for(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, store: ContextStore
) -> None:
    context, mark = unique(), unique()
    url = origin.url("blob/1000.mp4", v=mark)
    available_at = time.time() + 0.8
    await store.put({context: StreamContext(page_url="p", format_id="f", url=url, available_at=available_at)}, 600)
    assert (await fetched(http, proxy, signed(url, context=context)))[1] == blob(0, 1000)
    [seen] = [seen for seen in origin.requests("/blob/1000.mp4") if seen.query.get("v") == mark]
    assert seen.at >= available_at


async def test_players_directives_reach_the_origin(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    mark = unique()
    path = signed(origin.url("live/index.m3u8", v=mark), Kind.MANIFEST)
    response, body = await fetched(http, proxy, f"{path}&_HLS_msn=7&_HLS_part=2&other=1")
    assert response.status == 200
    [seen] = [seen for seen in origin.requests("/live/index.m3u8") if seen.query.get("v") == mark]
    assert {name: value for name, value in seen.query.items() if name != "v"} == {"_HLS_msn": "7", "_HLS_part": "2"}
    child = next(line for line in body.decode().splitlines() if line.startswith("/api/proxy"))
    assert "_HLS" not in child


async def test_the_very_bytes_of_a_url_reach_the_origin(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    await fetched(http, proxy, signed(f"{origin.url('blob/10.mp4')}?v={mark}&sig=%7e%2B%2c+a%27'~|x"))
    [seen] = [seen for seen in origin.requests("/blob/10.mp4") if seen.query.get("v") == mark]
    assert seen.query["sig"] == "~+, a''~|x"


async def test_a_known_stream_survives_its_redis(origin: Origin, tmp_path: Path) -> None:
    with RedisServer() as server:
        settings = {"WT_REDIS_URL": server.url, "WT_ALLOWED_PRIVATE_HOSTS": origin.address}
        async with aiohttp.ClientSession() as http:
            with Node("services.proxy", tmp_path / "log", settings=settings) as proxy:
                redis = Redis.from_url(server.url)
                url = origin.url(f"blob/{BIG}.mp4")
                context = StreamContext(page_url="p", format_id="f", url=url)
                await ContextStore(redis, Keys(), RING).put({"known": context, "unknown": context}, 600)
                await redis.aclose()
                path = signed(url, context="known")
                assert (await fetched(http, proxy, path, Range="bytes=0-9"))[0].status == 206
                server.kill()
                assert (await fetched(http, proxy, path, Range="bytes=10-19"))[1] == blob(10, 20)
                assert await code_of(http, proxy, signed(url, context="unknown")) == (503, "unavailable")


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


@pytest.mark.parametrize(("name", "container"), [(clips.avc(240), "mp4"), (clips.VP9, "webm")])
async def test_where_the_pieces_of_a_file_lie_is_read_once_for_everybody(
    name: str, container: str, http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    path = signed(origin.url(name, v=(mark := unique()))) + "&view=index"
    answers = await asyncio.gather(*(fetched(http, proxy, path) for _ in range(5)))
    again, _ = await fetched(http, proxy, path)
    told = json.loads(answers[0][1])
    whole = media.path(name).read_bytes()
    assert {body for _, body in answers} == {answers[0][1]}
    assert again.headers["X-Cache"] == "L1"
    assert (told["container"], told["init"][0]) == (container, 0)
    assert told["duration"] == pytest.approx(clips.DURATION_S, abs=0.2)
    assert told["pieces"][0] > told["init"][1] - 1
    assert len(whole) > told["pieces"][1]
    seen = [request for request in origin.requests(f"/{name}") if request.query.get("v") == mark]
    assert len(seen) <= 2


async def test_a_file_that_has_no_pieces_says_so(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    path = signed(origin.url(clips.MP4, v=unique())) + "&view=index"
    assert [await code_of(http, proxy, path) for _ in range(2)] == [(400, "no_index")] * 2


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


async def on_disk(proxy: Node, path: str, span: str) -> None:
    """Have the proxy keep a span of an object that nobody has asked for."""
    async with aiohttp.ClientSession() as http:
        for _ in range(500):
            response, _ = await fetched(http, proxy, path, Range=span)
            if response.headers["X-Cache"] == "L2":
                return
    raise AssertionError("it never came from disk")


def descriptors(proxy: Node) -> int:
    assert proxy.process is not None
    return len(list(Path(f"/proc/{proxy.process.pid}/fd").iterdir()))


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
