"""Links that lead inside, as people have disguised them: none is opened, and the server inside hears nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import secrets
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from services.common.keys import Keys
from services.gateway.app import GatewayApp, build
from tests.support.node import ROOT, SECRET, Node, free_port
from tests.support.origin import Origin
from tests.support.redis import RedisServer

KEYS = Keys(f"inward{secrets.token_hex(3)}")
REFUSALS = {"bad_url", "refused_target", "private_address"}

PRIVATE_V4 = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.254", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3"),
    *("127.255.255.254", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.254", "192.0.0.1", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.254", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
)
PRIVATE_V6 = (
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1"),
    *("2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:db8::1", "3fff::1", "100::1", "fc00::1", "fd00:ec2::254"),
    *("fe80::1", "fec0::1", "ff02::1", "2001:10::1", "2001:20::1", "::ffff:0:127.0.0.1", "2600::5efe:7f00:1"),
)
# How libc and browsers read 127.0.0.1, and names that mean it.
DISGUISES = (
    *("2130706433", "0x7f000001", "017700000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0x0.0x0.0x1"),
    *("127.0.0.1.", "127.0.0.%31", "%31%32%37.0.0.1", "127。0。0。1", "①②⑦.⓪.⓪.①", "１２７.0.0.1", "0", "00000177.1"),
    *("localhost", "LOCALHOST", "localhost.", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:7f00:1]"),
    *("127.0.0.1:80", "256.0.0.1", "127.0.0.1.2", "1.2.3", "0x", "[::1", "::1", "[::1%25lo]", "[fe80::1%eth0]"),
)
OTHER = (
    *("http://user@127.0.0.1/", "http://user:pw@example.com/", "http://example.com@127.0.0.1/", "http://@10.0.0.1/"),
    *("http://127.0.0.1\\@example.com/", "http://example.com\\.10.0.0.1/", "http://10.0.0.1#@example.com/"),
    *("http://10.0.0.1?@example.com/", "//127.0.0.1/", "http:127.0.0.1", "http:///127.0.0.1", "http:/127.0.0.1/"),
    *("file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "ftp://127.0.0.1/", "dict://127.0.0.1:6379/info"),
    *("data:text/html,x", "javascript:alert(1)", "jar:http://127.0.0.1!/", "ws://127.0.0.1/", "unix:/run/docker.sock"),
    *("http://127.0.0.1:6379/", "http://example.com:25/", "http://example.com:22/", "http://example.com:6379/"),
    *("http://example.com:0/", "http://example.com:65536/", "http://example.com:-1/", "http://example.com:1e3/"),
    *("http://example.com:11211/", "http://127.0.0.1 /", "http://127.0.0.1\t/", "http://127.0.0.1\n/", " http://", ""),
    *("http://exa\u200bmple.com/", "http://example.com\u2024local/", "http://[::ffff:10.0.0.1]:8080/x"),
    *("https://[64:ff9b::a9fe:a9fe]/latest/meta-data/", "http://169.254.169.254/latest/meta-data/"),
    *("ytsearch:inside", "ytdl://127.0.0.1", "generic:http://127.0.0.1/"),
)


def packed(*addresses: str) -> str:
    """The label under which the tests' names have these addresses."""
    return "-".join(ipaddress.ip_address(address).packed.hex() for address in addresses)


def v6_host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@pytest.fixture(scope="module")
def inside() -> Iterator[socket.socket]:
    """A server inside. Whoever connects to it has come through."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture(scope="module")
def settings(redis_server: RedisServer, origin: Origin, manifests_port: int) -> dict[str, str]:
    return {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": KEYS.prefix,
        "WT_SECRET": SECRET,
        "WT_ALLOWED_PRIVATE_HOSTS": f"{origin.address},127.0.0.1:{manifests_port}",
        "WT_RESOLVES_PER_MINUTE": "0",
    }


@pytest.fixture(scope="module")
def manifests_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def resolver(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    more = {
        "PYTHONPATH": str(ROOT / "tests/support/names"),
        "WT_ADDRESS_FAMILY": "any",
        "WT_RESOLVER_CONCURRENCY": "8",
        "WT_YTDLP_PLUGIN_DIRS": str(ROOT / "tests/support/plugins"),
    }
    log = tmp_path_factory.mktemp("inward") / "resolver.log"
    with Node("services.resolver", log, settings=settings | more) as node:
        yield node


@pytest_asyncio.fixture
async def browser(settings: dict[str, str], resolver: Node, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app: GatewayApp = build({**settings, "WT_WEB_DIR": str(tmp_path)})
    await app.start()
    transport = httpx.ASGITransport(app.asgi, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://watch.example", timeout=90) as client:
        yield client
    await app.stop()


async def refused(
    browser: httpx.AsyncClient, inside: socket.socket, links: Iterable[str], codes: frozenset[str] | set[str] = REFUSALS
) -> int:
    """Ask for every link; each must be refused. Answers how many there were."""
    gate = asyncio.Semaphore(24)

    async def ask(link: str) -> str:
        async with gate:
            response = await browser.post("/api/resolve", json={"url": link})
        error = response.json().get("error", {})
        is_right = 400 <= response.status_code < 500 and error.get("code") in codes
        # An empty link is malformed before it is a link.
        is_right = is_right or (not link.strip() and error.get("code") in ("malformed", "bad_url"))
        return "" if is_right else f"{link!r}: {response.status_code} {response.text[:120]}"

    wanted = list(dict.fromkeys(links))
    outcomes = await asyncio.gather(*map(ask, wanted))
    assert [outcome for outcome in outcomes if outcome] == []
    with pytest.raises(BlockingIOError):
        inside.accept()
    return len(wanted)


async def test_no_link_that_leads_inside_is_opened(browser: httpx.AsyncClient, inside: socket.socket) -> None:
    port = inside.getsockname()[1]
    hosts = [*PRIVATE_V4, *map(v6_host, PRIVATE_V6), *DISGUISES]
    literal = [f"http://{host}/" for host in hosts]
    on_port = [f"http://{host}:{port}/film.mp4" for host in ("127.0.0.1", "127.1", "[::ffff:127.0.0.1]", "localhost.")]
    assert await refused(browser, inside, [*literal, *on_port, *OTHER]) > 120


async def test_no_name_that_leads_inside_is_opened(browser: httpx.AsyncClient, inside: socket.socket) -> None:
    port = inside.getsockname()[1]
    names = [packed(address) for address in (*PRIVATE_V4, *PRIVATE_V6)]
    # One address in public does not make up for one inside, and the second look is a look as well.
    mixed = [packed("93.184.216.34", "10.0.0.1"), packed("10.0.0.1", "93.184.216.34"), packed("2600::1", "::1")]
    changing = f"{packed('93.184.216.34')}--{packed('127.0.0.1')}"
    links = [f"http://{name}.names.test:{port}/" for name in (*names, *mixed, changing)]
    assert await refused(browser, inside, links) > 50


async def test_no_redirect_leads_inside(browser: httpx.AsyncClient, inside: socket.socket, origin: Origin) -> None:
    port = inside.getsockname()[1]
    targets = [f"http://{host}:{port}/film.mp4" for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1")]
    targets += [f"http://{v6_host(address)}/" for address in ("10.0.0.1", "169.254.169.254", "::1", "64:ff9b::a00:1")]
    targets += [f"http://{packed('127.0.0.1')}.names.test:{port}/", f"http://user@127.0.0.1:{port}/"]
    links = [origin.url("redirect", to=target, n=hops) for target, hops in zip(targets, itertools.cycle((1, 3)))]
    # A scheme that is none of ours ends the way as well, without a word about addresses.
    codes = REFUSALS | {"unsupported"}
    assert await refused(browser, inside, links, codes) == 10


MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\n{to}\n"
MPD = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT8S">'
    "<BaseURL>{to}</BaseURL><Period><AdaptationSet mimeType='video/mp4'><Representation id='1' bandwidth='1000'"
    " codecs='avc1.4d401e' width='640' height='360'><BaseURL>film.mp4</BaseURL></Representation></AdaptationSet>"
    "</Period></MPD>"
)
PAGE = "<html><body><video src='{to}'></video></body></html>"
OPEN_GRAPH = "<html><head><meta property='og:video' content='{to}'><title>A film</title></head></html>"
REFRESH = "<html><head><meta http-equiv='refresh' content='0;url={to}'></head></html>"
NESTS = {
    "master.m3u8": (MASTER, "application/vnd.apple.mpegurl"),
    "video.html": (PAGE, "text/html"),
    "graph.html": (OPEN_GRAPH, "text/html"),
    "refresh.html": (REFRESH, "text/html"),
    "film.mpd": (MPD, "application/dash+xml"),
}


async def test_nothing_that_a_page_or_manifest_names_leads_inside(
    browser: httpx.AsyncClient, inside: socket.socket, manifests_port: int
) -> None:
    async def nest(request: web.Request) -> web.Response:
        text, kind = NESTS[request.match_info["name"]]
        return web.Response(text=text.replace("{to}", request.query["to"]), content_type=kind)

    app = web.Application()
    app.router.add_get("/{name}", nest)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", manifests_port).start()
    port = inside.getsockname()[1]
    hosts = ("127.0.0.1", f"{packed('127.0.0.1')}.names.test")
    links = [
        f"http://127.0.0.1:{manifests_port}/{name}?to={quote(f'http://{host}:{port}/film.mp4', safe='')}"
        for name in NESTS
        for host in hosts
    ]
    try:
        # A page that names nothing else has no video; the MPD is for the player, and its parts for the proxy's guard.
        assert await refused(browser, inside, links, REFUSALS | {"unsupported", "unavailable"}) == len(NESTS) * 2
    finally:
        await runner.cleanup()
