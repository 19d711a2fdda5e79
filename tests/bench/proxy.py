"""`python -m tests.bench.proxy`: what one second of the proxy's processor time serves. Prints, asserts nothing.

`hit` reads objects from its memory; `pass` streams a large file that it does not keep. Both go over loopback without
TLS, so they tell one build from another and nothing about a network.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from services.common.keyring import KeyRing
from services.common.stream import Kind, StreamRef, StreamSigner, expiry, object_id
from tests.support.node import SECRET, Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer

SECONDS: Final = 5.0
CLIENTS: Final = 8
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def drain(session: aiohttp.ClientSession, url: URL) -> int:
    """Read one answer whole, throwing it away. Its length in bytes."""
    size = 0
    async with session.get(url) as response:
        response.raise_for_status()
        async for chunk in response.content.iter_any():
            size += len(chunk)
    return size


async def measure(pid: int, name: str, once: Callable[[], Awaitable[int]]) -> None:
    """Run `once` from some clients at a time and print what a second of process `pid` gave."""
    answers = sent = 0

    async def client(until: float) -> None:
        nonlocal answers, sent
        while time.monotonic() < until:
            size = await once()
            sent, answers = sent + size, answers + 1

    await once()
    used, until = cpu_s(pid), time.monotonic() + SECONDS
    await asyncio.gather(*(client(until) for _ in range(CLIENTS)))
    used = cpu_s(pid) - used
    print(f"{name:20} {answers / used:10,.0f} answers/CPU-s {sent * 8 / used / 1e9:8.2f} Gbit/CPU-s", flush=True)


async def run(proxy: Node, origin: Origin) -> None:
    signer = StreamSigner(KeyRing((SECRET,)))
    assert proxy.process is not None

    def signed(path: str) -> URL:
        url = origin.url(path, v=secrets.token_hex(4))
        ref = StreamRef(url, Kind.SEGMENT, object_id(url), "", expiry(time.time()))
        return URL(proxy.url + signer.path(ref), encoded=True)

    async with aiohttp.ClientSession() as session:
        for name, path in [
            ("hit 2 kB", "blob/2000.ts"),
            ("hit 64 kB", "blob/64000.ts"),
            ("hit 4 MB", "blob/4000000.ts"),
            ("pass 100 MB", "blob/100000000.mp4"),
        ]:
            link = signed(path)
            await measure(proxy.process.pid, name, lambda link=link: drain(session, link))  # type: ignore[misc]


def main() -> None:
    """Start a Redis, the media origin and one proxy, and measure."""
    with tempfile.TemporaryDirectory() as folder, RedisServer() as redis, Origin() as origin:
        settings = {"WT_REDIS_URL": redis.url, "WT_ALLOWED_PRIVATE_HOSTS": origin.address}
        with Node("services.proxy", Path(folder) / "log", settings=settings) as proxy:
            asyncio.run(run(proxy, origin))


if __name__ == "__main__":
    main()
