"""A VOD whose playlists sign each piece by itself: when those URLs end, the old addresses play on."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from redis.asyncio import Redis

from services.common.contexts import ContextStore, StreamContext
from services.common.keys import Keys
from services.common.stream import Kind, object_id
from services.proxy.manifest.hls import uris
from tests.support.asking import RING, fetched, signed
from tests.support.node import Node, free_port
from tests.support.redis import RedisServer

PREFIX = f"relisting{secrets.token_hex(3)}"
PIECES = 4


class Vault:
    """A site whose master stays good, and whose pieces are signed anew each time they are listed."""

    def __init__(self) -> None:
        self.valid = "first"
        self.withdrawn: set[int] = set()
        self.asked: Counter[str] = Counter()
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        if request.path == "/film/master.m3u8":
            lines = ['#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="sound.m3u8"', "#EXT-X-STREAM-INF:BANDWIDTH=1"]
            return self._playlist([*lines, f"video.m3u8?list={self.valid}"])
        if request.path.endswith(".m3u8"):
            name = request.path.rpartition("/")[2].removesuffix(".m3u8")
            pieces = [
                f"#EXTINF:4,\nhttp://127.0.0.1:{self.port}/p/{name}{n}.ts?sig={self.valid}{n}" for n in range(PIECES)
            ]
            return self._playlist(["#EXT-X-TARGETDURATION:4", *pieces, "#EXT-X-ENDLIST"])
        number = request.path.removesuffix(".ts")[-1]
        if int(number) in self.withdrawn or request.query.get("sig") != f"{self.valid}{number}":
            return web.Response(status=403)
        return web.Response(body=request.path.encode() * 100, content_type="video/mp2t")

    def _playlist(self, lines: list[str]) -> web.Response:
        text = "\n".join(["#EXTM3U", *lines, ""])
        return web.Response(text=text, content_type="application/vnd.apple.mpegurl")


@pytest_asyncio.fixture
async def vault() -> AsyncIterator[Vault]:
    vault = Vault()
    app = web.Application()
    app.router.add_get("/{path:.*}", vault.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", vault.port).start()
    yield vault
    await runner.cleanup()


@pytest.fixture
def proxy(redis_server: RedisServer, vault: Vault, tmp_path: Path) -> Iterator[Node]:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": PREFIX,
        "WT_ALLOWED_PRIVATE_HOSTS": f"127.0.0.1:{vault.port}",
    }
    with Node("services.proxy", tmp_path / "proxy.log", settings=settings) as node:
        yield node


@pytest_asyncio.fixture
async def master(redis: Redis, vault: Vault) -> str:
    """The signed path of the film."""
    url, context = f"{vault.url}/film/master.m3u8", secrets.token_hex(8)
    film = StreamContext(page_url="http://93.184.216.34/film", format_id="hls", url=url, object_id=object_id(url))
    await ContextStore(redis, Keys(PREFIX), RING).put({context: film}, 600)
    return signed(url, Kind.MANIFEST, context=context)


async def listed(http: aiohttp.ClientSession, proxy: Node, path: str) -> list[str]:
    response, body = await fetched(http, proxy, path)
    assert response.status == 200, body
    return [uri for uri, _ in uris(body.decode())]


async def test_pieces_whose_own_urls_ended_are_looked_up_again(proxy: Node, vault: Vault, master: str) -> None:
    async with aiohttp.ClientSession() as http:
        sound, video = await listed(http, proxy, master)
        pieces, sounds = await listed(http, proxy, video), await listed(http, proxy, sound)
        assert (await fetched(http, proxy, pieces[0]))[0].status == 200
        vault.valid = "second"
        for path in (*pieces[1:], *sounds[1:]):
            response, body = await fetched(http, proxy, path)
            assert response.status == 200
            assert body.startswith(b"/p/")
        # Asked once for all of them; what is known of today's list is asked for at once.
        assert vault.asked["/film/master.m3u8"] == 2
        assert [vault.asked[f"/p/video{number}.ts"] for number in (1, 2, 3)] == [2, 1, 1]


async def test_what_is_listed_no_more_stays_refused_and_is_looked_for_once(
    proxy: Node, vault: Vault, master: str
) -> None:
    async with aiohttp.ClientSession() as http:
        _, video = await listed(http, proxy, master)
        pieces = await listed(http, proxy, video)
        vault.valid, vault.withdrawn = "second", {0, 1}
        answers = await asyncio.gather(*(fetched(http, proxy, path) for path in pieces))
        assert [response.status for response, _ in answers] == [502, 502, 200, 200]
        assert vault.asked["/film/master.m3u8"] == 2
