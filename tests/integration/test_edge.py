"""The shipped nginx in front of something that says what it was told: who calls, and where what goes."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.types import Scope

from services.common.net import Caller, TrustedProxies
from tests.drill.stand import Edge
from tests.support.lock import make_lock

SERVICES = ("gateway", "sync", "proxy")
CLAIMS = {
    "x-forwarded-for": "203.0.113.66, 198.51.100.7",
    "x-forwarded-proto": "gopher",
    "x-forwarded-host": "evil.example",
    "cf-connecting-ip": "203.0.113.77",
    "host": "watch.example",
}

ROUTES = {
    "/": "gateway",
    "/room/film": "gateway",
    "/api/rooms": "gateway",
    "/ws/film": "sync",
    "/api/proxy?url=x": "proxy",
    "/internal/proxy": None,
    "/internal/buckets/x": None,
    "/INTERNAL/../internal/proxy": None,
    "/x/..%2finternal/proxy": None,
    "//internal/proxy": None,
    "/metrics": None,
}

HAS_NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") is not None
pytestmark = pytest.mark.skipif(not HAS_NGINX, reason="no nginx here: apt-get install nginx-light")


class Mirror(BaseHTTPRequestHandler):
    """Says who it is and which headers came."""

    def __init__(self, name: str, *arguments: object) -> None:
        self.name = name
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if "silence" in self.path:
            self.rfile.read()
        body = json.dumps({"service": self.name, "headers": [*self.headers.items()]}).encode()
        self.send_response(200)
        if kind := parse_qs(urlsplit(self.path).query).get("kind"):
            body = body.ljust(4096)
            self.send_header("content-type", kind[0])
            self.send_header("etag", '"one"')
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def upstreams() -> Iterator[dict[str, list[int]]]:
    servers = {name: ThreadingHTTPServer(("127.0.0.1", 0), partial(Mirror, name)) for name in SERVICES}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {name: [server.server_port] for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


Start = Callable[..., AbstractContextManager[Edge]]


@pytest.fixture
def start(upstreams: dict[str, list[int]], tmp_path: Path) -> Start:
    @contextmanager
    def begin(**options: object) -> Iterator[Edge]:
        folder = tmp_path / "edge"
        folder.mkdir()
        for parent in (tmp_path, *tmp_path.parents[:2]):
            parent.chmod(0o755)
        with Edge(folder, upstreams, **options) as running:  # type: ignore[arg-type]
            yield running

    return begin


def caller(answer: httpx.Response) -> Caller:
    """Whom a service takes the caller for that trusts the edge, as `compose.yaml` lets it."""
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.json()["headers"]]
    scope: Scope = {"type": "http", "scheme": "http", "client": ("127.0.0.1", 1), "headers": headers}
    return TrustedProxies(("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")).caller(scope)


def test_what_a_client_claims_about_itself_ends_at_the_edge(start: Start) -> None:
    with start() as edge:
        for path in ("/", "/api/proxy?o=x", "/ws/room"):
            assert caller(httpx.get(edge.url + path, headers=CLAIMS)) == Caller("127.0.0.1", "http", "watch.example")


def test_behind_something_that_ends_tls_the_caller_is_whom_that_saw_and_spoke_tls(start: Start) -> None:
    with start(listen="listen-behind.conf") as edge:
        for path in ("/", "/api/proxy?o=x", "/ws/room"):
            assert caller(httpx.get(edge.url + path, headers=CLAIMS)) == Caller(
                "198.51.100.7", "https", "watch.example"
            )
        two_edges = {**CLAIMS, "x-forwarded-for": "203.0.113.66, 198.51.100.7, 10.0.0.9"}
        assert caller(httpx.get(edge.url, headers=two_edges)).address == "198.51.100.7"


def test_of_a_tunnel_the_caller_is_whom_cloudflare_saw(start: Start) -> None:
    with start() as edge:
        answer = httpx.get(f"http://127.0.0.1:{edge.tunnel_port}/", headers=CLAIMS)
        assert caller(answer) == Caller("203.0.113.77", "https", "watch.example")


def test_the_example_of_tls_speaks_tls_and_asks_browsers_to_stay_with_it(start: Start, tmp_path: Path) -> None:
    lock = make_lock(tmp_path / "lock", "wt")
    trust = ssl.create_default_context(cafile=lock.ca_file)
    with start(listen="listen-tls.conf", lock=lock) as edge, httpx.Client(verify=trust) as client:
        answer = client.get(edge.url, headers=CLAIMS)
        assert caller(answer) == Caller("127.0.0.1", "https", "watch.example")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_it_ends_soon_though_a_socket_stays_open(start: Start) -> None:
    with start() as edge, socket.create_connection(("127.0.0.1", edge.port)) as waiting:
        waiting.sendall(b"GET /ws/silence HTTP/1.1\r\nHost: watch.example\r\n\r\n")
        time.sleep(0.5)
        begun = time.monotonic()
        edge.stop()
        assert 1 < time.monotonic() - begun < 6
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", edge.port))


def test_a_path_goes_to_its_service_and_the_operators_side_nowhere(start: Start) -> None:
    with start() as edge:
        for path, service in ROUTES.items():
            answer = httpx.get(edge.url + path)
            assert (answer.json()["service"] if answer.status_code == 200 else None) == service, path


def test_playlists_go_packed_to_whoever_takes_that_and_media_as_it_is(start: Start) -> None:
    packed = ("application/vnd.apple.mpegurl", "application/dash+xml", "text/vtt; charset=utf-8")
    with start() as edge:
        for kind in (*packed, "video/mp2t", "audio/mp4", "application/octet-stream"):
            answer = httpx.get(f"{edge.url}/api/proxy", params={"kind": kind})
            assert (answer.headers.get("content-encoding") == "gzip") is (kind in packed), kind
            assert answer.json()["service"] == "proxy"
            plain = httpx.get(f"{edge.url}/api/proxy", params={"kind": kind}, headers={"accept-encoding": "identity"})
            assert "content-encoding" not in plain.headers
            assert plain.headers["etag"] == '"one"'
