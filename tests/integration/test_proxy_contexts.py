"""Streams with a context: headers, cookies, scopes, addresses that change."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import quote

import aiohttp
from redis.asyncio import Redis

from services.common.contexts import ContextStore, StreamContext
from services.common.cookies import Cookie
from services.common.keys import Keys
from services.common.loans import Loan, Loans
from services.common.stream import Kind, StreamRef, expiry, object_id
from tests.support import media as clips
from tests.support.asking import (
    BIG,
    PREFIX,
    RING,
    SIGNER,
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
