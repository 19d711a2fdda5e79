"""Captions that browsers can't read come out of the proxy as captions that they can."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from aiohttp import web
from redis.asyncio import Redis

from services.common.contexts import ContextStore, StreamContext
from services.common.keys import Keys
from services.common.stream import Kind, object_id
from tests.support.asking import PREFIX, RING, fetched, signed
from tests.support.node import Node
from tests.support.redis import RedisServer

SUBRIP = "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Grüße</i>\r\n"
WEBVTT = "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n<i>Grüße</i>\n"


async def test_a_subrip_file_is_handed_on_as_webvtt(redis_server: RedisServer, tmp_path: Path) -> None:
    asked = 0

    async def serve(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=SUBRIP.encode("cp1252"), content_type="application/x-subrip")

    application = web.Application()
    application.router.add_get("/film.srt", serve)
    site = web.AppRunner(application)
    await site.setup()
    await web.TCPSite(site, "127.0.0.1", 0).start()
    host, port = site.addresses[0][:2]
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": f"{PREFIX}captions",
        "WT_ALLOWED_PRIVATE_HOSTS": f"{host}:{port}",
    }
    proxy = await asyncio.to_thread(Node("services.proxy", tmp_path / "proxy.log", settings=settings).start)
    try:
        async with aiohttp.ClientSession() as http:
            for _ in range(2):
                path = signed(f"http://{host}:{port}/film.srt", Kind.SUBRIP)
                response, body = await fetched(http, proxy, path)
                assert response.headers["Content-Type"] == "text/vtt; charset=utf-8"
                assert body.decode() == WEBVTT
    finally:
        await asyncio.to_thread(proxy.stop)
        await site.cleanup()
    assert asked == 1


async def test_captions_that_a_page_holds_itself_are_handed_on_without_asking_it(
    redis_server: RedisServer, redis: Redis, tmp_path: Path
) -> None:
    prefix, page = f"{PREFIX}inline", "https://site.example/watch"
    texts = {Kind.SUBRIP: SUBRIP, Kind.SUBTITLE: WEBVTT}
    contexts = {
        f"words-{kind}": StreamContext(page_url=page, format_id=kind, url=page, object_id=object_id(kind), text=text)
        for kind, text in texts.items()
    }
    await ContextStore(redis, Keys(prefix), RING).put(contexts, 60)
    settings = {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": prefix}
    proxy = await asyncio.to_thread(Node("services.proxy", tmp_path / "proxy.log", settings=settings).start)
    try:
        async with aiohttp.ClientSession() as http:
            for kind in texts:
                for _ in range(2):
                    response, body = await fetched(http, proxy, signed(page, kind, context=f"words-{kind}", name=kind))
                    assert response.headers["Content-Type"] == "text/vtt; charset=utf-8"
                    assert body.decode() == WEBVTT
            # Of a context that is a text nothing else is fetched.
            response, body = await fetched(http, proxy, signed(page, Kind.SUBTITLE, context="words-t", name="else"))
            assert body.decode() == WEBVTT
    finally:
        await asyncio.to_thread(proxy.stop)
