"""`python -m tests.bench.proxy [--quick]`: the proxy beside nginx and mediaflow-proxy. Prints, asserts nothing.

Throughput is given for each second of processor time that a server used, by `/proc`; clients and origin do not count.
`wrk` reads where it is installed (`apt-get install wrk`), nginx is Debian's, mediaflow-proxy is run where
`--mediaflow <python>` names an interpreter that has it. All over loopback without TLS.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from services.common.keyring import KeyRing
from services.common.stream import Kind, StreamRef, StreamSigner, expiry, object_id
from tests.support.node import SECRET, Node, free_port
from tests.support.origin import Origin
from tests.support.redis import RedisServer

RATE: Final = 2_000_000
MIDDLE: Final = "bytes=50000000-50999999"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_SIGNER: Final = StreamSigner(KeyRing((SECRET,)))
_NGINX: Final = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  proxy_cache_path {folder}/cache keys_zone=z:10m max_size=10g;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      slice 1m; proxy_cache z; proxy_cache_lock on; proxy_cache_key $uri$args$slice_range;
      proxy_set_header Range $slice_range; proxy_cache_valid 200 206 1h; proxy_ignore_headers Cache-Control;
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://{origin};
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A contestant: its processes, and its address for a link of the origin."""

    name: str
    pids: Callable[[], list[int]]
    link: Callable[[str], str]


def cpu_s(server: Server) -> float:
    """User and system time of a server so far, in seconds."""
    total = 0.0
    for pid in server.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def resident_mb(server: Server) -> float:
    """Memory that a server holds."""
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in server.pids()]
    return sum(int(found[1]) for text in statuses if (found := re.search(r"VmRSS:\s+(\d+)", text))) / 1024


def descriptors(server: Server) -> int:
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in server.pids())


def throughput(server: Server, origin: Origin, name: str, path: str, span: str, seconds: int) -> None:
    """Print what a second of processor time serves of one object that is kept."""
    link = server.link(origin.url(path, v=secrets.token_hex(4)))
    size = 0
    for _ in range(4):
        with urllib.request.urlopen(urllib.request.Request(link, headers={"Range": span} if span else {})) as answer:
            size = len(answer.read())
        time.sleep(0.3)
    headers = ["-H", f"Range: {span}"] if span else []
    before = cpu_s(server)
    said = subprocess.run(
        ["wrk", "-t1", "-c8", f"-d{seconds}s", *headers, link], capture_output=True, text=True, check=True
    ).stdout
    used = max(cpu_s(server) - before, 0.01)
    found = re.search(r"(\d+) requests in", said)
    answers = int(found[1]) if found else 0
    bits = answers * size * 8 / used / 1e9
    print(f"{server.name:16} {name:22} {answers / used:10,.0f} answers/CPU-s {bits:7.1f} Gbit/CPU-s", flush=True)


async def herd(server: Server, origin: Origin, count: int, path: str, span: str) -> None:
    """Print how long `count` readers of a cold object wait for their first byte, and what the origin sees of it."""
    mark = secrets.token_hex(4)
    link = URL(server.link(origin.url(path, v=mark, rate=RATE)), encoded=True)

    async def one(http: aiohttp.ClientSession) -> float:
        began = time.monotonic()
        async with http.get(link, headers={"Range": span} if span else {}) as response:
            await response.content.readexactly(1)
            waited = time.monotonic() - began
            async for _ in response.content.iter_any():
                pass
        return waited

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        waited = sorted(await asyncio.gather(*(one(http) for _ in range(count))))
    seen = [each for each in origin.requests("/blob/") if each.query.get("v") == mark]
    what = "range in 100 MB" if span else "4 MB"
    p95 = waited[int(len(waited) * 0.95) - 1]
    print(
        f"{server.name:16} {count:3} at {what:16} first byte p50 {waited[len(waited) // 2]:.2f} s, p95 {p95:.2f} s;"
        f" origin: {len(seen)} requests, {sum(each.sent for each in seen) / 1e6:.1f} MB",
        flush=True,
    )


async def slow_readers(server: Server, origin: Origin, count: int, seconds: float) -> None:
    """Print what `count` readers at 64 KB/s of one 100 MB object cost in memory."""
    link = URL(server.link(origin.url("blob/100000000.mp4", v=secrets.token_hex(4))), encoded=True)
    before = resident_mb(server)
    host, port = link.host or "", link.port or 80

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, port, limit=65_536)
        writer.write(f"GET {link.raw_path_qs} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-\r\n\r\n".encode())
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await reader.read(65_536)
            await asyncio.sleep(1)
        writer.transport.abort()

    readers = [asyncio.create_task(one()) for _ in range(count)]
    await asyncio.sleep(seconds - 1)
    print(f"{server.name:16} {count} slow readers: {resident_mb(server) - before:+.0f} MB resident", flush=True)
    await asyncio.gather(*readers)


async def droppers(server: Server, origin: Origin, count: int) -> None:
    """Print what is left of `count` clients that connect, ask and go."""
    link = URL(server.link(origin.url("blob/100000000.mp4", v=secrets.token_hex(4))), encoded=True)
    before = descriptors(server)
    for _ in range(count // 50):
        ends = await asyncio.gather(*(asyncio.open_connection(link.host, link.port) for _ in range(50)))
        for _, writer in ends:
            writer.write(f"GET {link.raw_path_qs} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await asyncio.sleep(0)
        for _, writer in ends:
            writer.transport.abort()
    await asyncio.sleep(3)
    print(f"{server.name:16} {count:,} dropped: descriptors {before} before, {descriptors(server)} after", flush=True)


def ours(name: str, node: Node) -> Server:
    def link(url: str) -> str:
        return node.url + _SIGNER.path(StreamRef(url, Kind.SEGMENT, object_id(url), "", expiry(time.time())))

    return Server(name, lambda: [node.process.pid] if node.process else [], link)


@contextlib.contextmanager
def nginx(folder: Path, origin: Origin) -> Iterator[Server]:
    """nginx with slices of 1 MB, a cache and its lock."""
    port = free_port()
    (folder / "conf").write_text(_NGINX.format(folder=folder, port=port, origin=origin.address))
    process = subprocess.Popen(["nginx", "-c", str(folder / "conf"), "-p", str(folder)])

    def pids() -> list[int]:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return [int(child) for child in children]

    try:
        time.sleep(1)
        yield Server("nginx", pids, lambda url: url.replace(origin.address, f"127.0.0.1:{port}"))
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def mediaflow(python: str, origin: Origin) -> Iterator[Server]:
    """mediaflow-proxy, one worker, as its documentation starts it."""
    port = free_port()
    command = [python, "-m", "uvicorn", "mediaflow_proxy.main:app", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen(command, env={**os.environ, "API_PASSWORD": "x"}, stderr=subprocess.DEVNULL)

    def link(url: str) -> str:
        return str(URL(f"http://127.0.0.1:{port}/proxy/stream").with_query(d=url, api_password="x"))

    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health").close()
                break
            time.sleep(0.3)
        yield Server("mediaflow-proxy", lambda: [process.pid], link)
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Start a Redis, the media origin and every contestant that is here, and measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.proxy")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--mediaflow", default="", help="a Python that has mediaflow-proxy installed")
    options = parser.parse_args()
    seconds = 2 if options.quick else 5
    with (
        tempfile.TemporaryDirectory() as name,
        RedisServer() as redis,
        Origin() as origin,
        contextlib.ExitStack() as running,
    ):
        folder = Path(name)
        settings = {"WT_REDIS_URL": redis.url, "WT_ALLOWED_PRIVATE_HOSTS": origin.address, "WT_LOG_LEVEL": "error"}

        def node(label: str, **more: str) -> Node:
            (folder / label).mkdir()
            own = {**settings, "WT_NODE": label, "WT_KEY_PREFIX": label, **more}
            return running.enter_context(Node("services.proxy", folder / label / "log", settings=own))

        memory = ours("ours, memory", node("memory"))
        disk = ours("ours, disk", node("disk", WT_PROXY_MEMORY_BYTES="0"))
        peers = []
        if shutil.which("nginx"):
            (folder / "nginx").mkdir()
            peers.append(running.enter_context(nginx(folder / "nginx", origin)))
        if options.mediaflow:
            peers.append(running.enter_context(mediaflow(options.mediaflow, origin)))
        print(f"load {os.getloadavg()[0]:.1f}")
        if shutil.which("wrk"):
            for server in (memory, *peers):
                throughput(server, origin, "2 kB", "blob/2000.ts", "", seconds)
            for server in (memory, disk, *peers):
                throughput(server, origin, "1 MB", "blob/1000000.ts", "", seconds)
            for server in (disk, *peers):
                throughput(server, origin, "4 MB", "blob/4000000.ts", "", seconds)
                throughput(server, origin, "1 MB range of 100 MB", "blob/100000000.mp4", MIDDLE, seconds)
        for count in (20, 200):
            for server in (memory, *peers):
                asyncio.run(herd(server, origin, count, "blob/4000000.mp4", ""))
                asyncio.run(herd(server, origin, count, "blob/100000000.mp4", MIDDLE))
        asyncio.run(slow_readers(memory, origin, 500, 8))
        asyncio.run(droppers(memory, origin, 1000 if options.quick else 10_000))
        print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
