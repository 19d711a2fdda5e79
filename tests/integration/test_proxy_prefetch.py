"""What a proxy fetches before players ask, and what it leaves alone."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from services.common import playback
from services.common.contexts import ContextStore, StreamContext
from services.common.keys import Keys
from services.common.stream import Kind
from tests.support import media as clips
from tests.support.asking import PREFIX, asked, code_of, fetched, signed, unique
from tests.support.media import Media
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.shelf import blob
from tests.support.waiting import until


@pytest.fixture(scope="module")
def proxy(origin: Origin, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": PREFIX,
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_PROXY_DOMAINS": origin.address,
        "WT_PROXY_PREFETCH_S": "10",
        "WT_PROXY_PREFETCH_BYTES": "1000000",
        "WT_TRUSTED_PROXIES": "127.0.0.1",
    }
    with Node("services.proxy", tmp_path_factory.mktemp("proxy") / "log", settings=settings) as node:
        yield node


async def segments_of(http: aiohttp.ClientSession, proxy: Node, url: str) -> list[str]:
    """The addresses in a media playlist."""
    _, body = await fetched(http, proxy, signed(url, Kind.MANIFEST))
    return [line for line in body.decode().split("\n") if line and not line.startswith("#")]


def seen(origin: Origin, mark: str, prefix: str = "/hls/360") -> list[str]:
    """The segments that the origin was asked for, by name."""
    paths = [each.path for each in origin.requests(prefix) if each.query.get("v") == mark]
    return [path.rpartition("/")[2] for path in paths if not path.endswith(".m3u8")]


async def counted(http: aiohttp.ClientSession, proxy: Node, name: str) -> float:
    async with http.get(f"{proxy.admin_url}/metrics") as response:
        text = await response.text()
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_the_next_segments_of_the_rendition_in_use_are_there_before_they_are_asked_for(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    mark = unique()
    segments = await segments_of(http, proxy, origin.url(f"with/v={mark}/{clips.HLS_TS}"))
    other = await segments_of(http, proxy, origin.url(f"with/v={mark}/hls/240/index.m3u8"))
    used = await counted(http, proxy, 'wt_proxy_prefetch_outcome_bytes_total{outcome="used"}')
    await fetched(http, proxy, segments[3])
    # Ten seconds of two-second segments, of this rendition alone.
    await until(lambda: len(seen(origin, mark)) == 6)
    await asyncio.sleep(0.3)
    assert sorted(seen(origin, mark)) == [f"{n:03}.ts" for n in range(3, 9)]
    assert seen(origin, mark, "/hls/240") == []
    answer, body = await fetched(http, proxy, segments[4])
    assert (answer.headers["X-Cache"], body) == ("L1", media.path("hls/360/004.ts").read_bytes())
    assert await counted(http, proxy, 'wt_proxy_prefetch_outcome_bytes_total{outcome="used"}') == used + len(body)
    assert await counted(http, proxy, "wt_proxy_prefetched_bytes_total") >= len(body) * 3
    await until(lambda: "009.ts" in seen(origin, mark))
    assert seen(origin, mark).count("004.ts") == 1
    assert len(other) == clips.SEGMENTS


async def test_a_player_that_seeks_leaves_nothing_running_behind(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    segments = await segments_of(http, proxy, origin.url(f"with/v={mark}/{clips.HLS_TS}"))
    with origin.fault("/hls/360/0", delay=1.0):
        await fetched(http, proxy, segments[0])
        await until(lambda: "001.ts" in seen(origin, mark))
        await fetched(http, proxy, segments[20])
        await until(lambda: "021.ts" in seen(origin, mark))
    assert set(seen(origin, mark)) <= {"000.ts", "001.ts", "002.ts", "020.ts", "021.ts"}


async def test_a_player_that_leaves_a_segment_half_read_is_not_followed(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    segments = await segments_of(http, proxy, origin.url(f"with/v={mark}/{clips.HLS_TS}"))
    with origin.fault("/hls/360/010", rate=20_000):
        async with asked(http, proxy, segments[10]) as response:
            await response.content.readexactly(1000)
    await asyncio.sleep(0.5)
    assert seen(origin, mark) == ["010.ts"]


async def test_nothing_is_fetched_for_someone_without_right_to_it(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    segments = await segments_of(http, proxy, origin.url(f"with/v={mark}/{clips.HLS_TS}"))
    forged = re.sub(r"(&s=)....", r"\1AAAA", segments[3])
    assert forged != segments[3]
    assert await code_of(http, proxy, forged) == (403, "bad_signature")
    await asyncio.sleep(0.3)
    assert seen(origin, mark) == []


async def test_the_next_segment_of_a_numbered_template_is_fetched(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    _, body = await fetched(http, proxy, signed(origin.url(f"with/v={mark}/{clips.DASH_TEMPLATE}"), Kind.MANIFEST))
    media_url = html.unescape(re.findall(r'media="([^"]+)"', body.decode())[0])
    wanted = re.sub(r"\$Number(?:%0(\d)d)?\$", lambda form: f"{3:0{form[1] or 1}d}", media_url)
    assert wanted != media_url
    answer, _ = await fetched(http, proxy, wanted)
    assert answer.status == 200
    await until(lambda: len(chunks := seen(origin, mark, "/dash/")) == 2 and "4" in chunks[1])


async def test_the_next_segment_of_a_live_template_is_not_fetched_before_somebody_asks_for_it(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    _, body = await fetched(http, proxy, signed(origin.url(f"with/v={mark}/live/long.mpd"), Kind.MANIFEST))
    media_url = html.unescape(re.findall(r'media="([^"]+)"', body.decode())[0])
    number = int(time.time() / clips.SEGMENT_S) - 10
    for wanted in (number, number + 1):
        answer, _ = await fetched(http, proxy, media_url.replace("$Number$", str(wanted)))
        assert answer.status == 200
        await asyncio.sleep(0.3)
    assert seen(origin, mark, "/live/dash") == [f"2-{number}.m4s", f"2-{number + 1}.m4s"]


async def test_the_next_bytes_of_a_file_that_is_read_in_ranges_are_fetched(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark, size = unique(), 60_000_000
    path = signed(origin.url(f"blob/{size}.mp4", v=mark))
    before = await counted(http, proxy, "wt_proxy_prefetched_bytes_total")

    async def grown() -> bool:
        return await counted(http, proxy, "wt_proxy_prefetched_bytes_total") >= before + 1_000_000

    # The end of a bucket: what follows is in the next one, which nobody has opened.
    await fetched(http, proxy, path, Range="bytes=9485760-9985759")
    assert not await grown()
    await fetched(http, proxy, path, Range="bytes=9985760-10485759")
    for _ in range(100):
        if await grown():
            break
        await asyncio.sleep(0.05)
    answer, body = await fetched(http, proxy, path, Range="bytes=10485760-10985759")
    assert (answer.headers["X-Cache"] in ("L2", "FILL"), body) == (True, blob(10_485_760, 10_985_760))
    spans = [each.range for each in origin.requests("/blob/") if each.query.get("v") == mark]
    assert spans == ["bytes=9437184-10485759", "bytes=10485760-20971519"]


async def test_under_pressure_nothing_is_fetched_ahead(
    origin: Origin, redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": unique(),
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_PROXY_STREAMS": "6",
    }
    mark = unique()
    with Node("services.proxy", tmp_path / "log", settings=settings) as proxy:
        async with aiohttp.ClientSession(auto_decompress=False) as http, AsyncExitStack() as reading:
            segments = await segments_of(http, proxy, origin.url(f"with/v={mark}/{clips.HLS_TS}"))
            slow = signed(origin.url("blob/30000000.mp4", v=mark, rate=100_000))
            for _ in range(3):
                await reading.enter_async_context(asked(http, proxy, slow, Range="bytes=0-"))
            await fetched(http, proxy, segments[3])
            await asyncio.sleep(0.5)
            assert seen(origin, mark) == ["003.ts"]
            assert await counted(http, proxy, 'wt_proxy_prefetches_total{outcome="rested"}') >= 1


async def test_where_a_room_goes_is_fetched_before_its_players_ask(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, store: ContextStore, redis: Redis
) -> None:
    mark = unique()
    url = origin.url(f"with/v={mark}/{clips.HLS_TS}")
    await store.put({mark: StreamContext(page_url="p", format_id="f", url=url)}, 600)
    _, body = await fetched(http, proxy, signed(url, Kind.MANIFEST, context=mark))
    segments = [line for line in body.decode().split("\n") if line.startswith("/api/proxy")]
    channel = Keys(PREFIX).playback()
    # Nobody plays any of it yet.
    await redis.publish(channel, playback.encode([playback.Position([mark], 30.0)]))
    await asyncio.sleep(0.3)
    assert seen(origin, mark) == []
    await fetched(http, proxy, segments[0])
    await until(lambda: "005.ts" in seen(origin, mark))
    await redis.publish(channel, b"nonsense")
    await redis.publish(channel, playback.encode([playback.Position(["other", mark], 41.0)]))
    await until(lambda: "024.ts" in seen(origin, mark))
    assert sorted(seen(origin, mark))[6:] == ["020.ts", "021.ts", "022.ts", "023.ts", "024.ts"]
