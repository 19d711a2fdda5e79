"""`python -m tests.bench.resolve [--quick] [--cached]`: how long a link takes, cold and cached, alone and in a crowd.

Prints, asserts nothing. `cold` compares one and the same link (a page of the sample extractor, and a plain file for
yt-dlp's generic one) through our queue and workers, in a fresh `yt-dlp -J`, and with yt-dlp imported in a process that
does nothing else. The site is on loopback, so that what is measured is our own time.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final

import aiohttp

from services.common.keys import Keys
from services.common.redis import connect
from services.common.resolution import Resolutions
from tests.bench.parts.figures import Figure, Results, arguments, table
from tests.bench.parts.processes import busy, cpu_s
from tests.support.media import MP4
from tests.support.node import ROOT, Node, free_port
from tests.support.origin import Origin
from tests.support.redis import RedisServer

PLUGINS: Final = str(ROOT / "tests/support/plugins")
RATE: Final = 200
# Answers one line of JSON for each link on stdin: how long it took.
IN_PROCESS: Final = """
    import json, sys, time
    import yt_dlp
    from yt_dlp.globals import plugin_dirs
    from yt_dlp.plugins import load_all_plugins
    sys.path.append(sys.argv[1])
    load_all_plugins()
    parameters = {"format": "bestvideo*+bestaudio/best", "cachedir": False, "quiet": True, "noprogress": True,
        "noplaylist": True, "writesubtitles": True, "writeautomaticsub": True}
    for link in sys.stdin:
        begun = time.perf_counter()
        with yt_dlp.YoutubeDL(parameters) as loader:
            info = loader.extract_info(link.strip(), download=False)
        print(json.dumps({"seconds": time.perf_counter() - begun, "title": info["title"]}), flush=True)
"""


def links(origin: Origin, kind: str, count: int) -> list[str]:
    """So many links that nobody has seen."""
    marks = [secrets.token_hex(4) for _ in range(count)]
    if kind == "sample":
        return [origin.url(f"/watch/pair.{mark}") for mark in marks]
    return [origin.url(MP4, v=mark) for mark in marks]


async def cold(resolutions: Resolutions, origin: Origin, kind: str, count: int) -> Figure:
    """One link after the other, the three ways in turn, so that what else the machine does meets all of them."""
    arguments = [sys.executable, "-c", textwrap.dedent(IN_PROCESS), PLUGINS]
    imported = await asyncio.create_subprocess_exec(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert imported.stdin is not None
    assert imported.stdout is not None
    ours: list[float] = []
    fresh: list[float] = []
    inside: list[float] = []
    for number, link in enumerate(links(origin, kind, count + 1)):
        begun = time.perf_counter()
        known = await resolutions.resolve(f"{link}&ours=1" if "?" in link else f"{link}-ours", 60)
        took = time.perf_counter() - begun
        assert known.video is not None, known.message
        imported.stdin.write(f"{link}\n".encode())
        answer = json.loads(await imported.stdout.readline())
        if number == 0:
            # The first link pays for what both do once.
            continue
        ours.append(took)
        inside.append(answer["seconds"])
        if number <= max(3, count // 3):
            fresh.append(await asyncio.to_thread(fresh_process, link))
    imported.stdin.close()
    await imported.wait()
    mine, theirs, alone = (statistics.median(each) * 1000 for each in (ours, inside, fresh))
    return Figure(f"a cold link, {kind}", mine, "ms", peers={"imported yt-dlp": theirs, "yt-dlp -J": alone})


def fresh_process(link: str) -> float:
    """How long `yt-dlp -J` takes, from its start to its end."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "yt_dlp", "--ignore-config", "--no-cache-dir", "-q", "-J", link],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{PLUGINS}"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begun


async def cached(gateway: Node, link: str, folder: Path, seconds: float) -> list[Figure]:
    """`POST /api/resolve` of a known link at a steady rate, beside an endpoint that only sends the same bytes.

    Each has one core, and they are asked in turn, so that what else the machine does meets both.
    """
    assert gateway.process is not None
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        address = f"{gateway.url}/api/resolve"
        async with http.post(address, json={"url": link}) as response:
            answer = folder / "answer.json"
            answer.write_bytes(await response.read())
        # As people are: with a session, so that their own cookies are looked for.
        async with http.get(f"{gateway.url}/api/session") as response:
            assert response.status == 200
        with plain(answer) as (pid, url):
            asked = {"ours": (gateway.process.pid, address), "bytes alone": (pid, url)}
            took: dict[str, list[float]] = {name: [] for name in asked}
            spent = dict.fromkeys(asked, 0.0)
            if hasattr(os, "sched_setaffinity"):
                for process, _ in asked.values():
                    os.sched_setaffinity(process, {0})
            for _ in range(3):
                for name, (process, where) in asked.items():
                    before = cpu_s([process])
                    took[name] += await steadily(http, where, link, seconds / 3)
                    spent[name] += cpu_s([process]) - before
    name = f"a cached link, {RATE} requests/s on one core"
    found = [
        figure(f"{name}: {which}", {each: statistics.quantiles(took[each], n=100)[place] * 1000 for each in took}, "ms")
        for which, place in (("p50", 49), ("p99", 98))
    ]
    cost = {each: spent[each] / len(took[each]) * 1000 for each in took}
    return [*found, figure("a cached link: processor's time", cost, "ms")]


def figure(name: str, values: dict[str, float], unit: str) -> Figure:
    """Ours, beside the others."""
    ours, *others = values
    return Figure(name, values[ours], unit, peers={other: values[other] for other in others})


async def steadily(http: aiohttp.ClientSession, address: str, link: str, seconds: float) -> list[float]:
    """How long each answer took, in seconds, at `RATE`."""
    took: list[float] = []

    async def ask() -> None:
        begun = time.perf_counter()
        async with http.post(address, json={"url": link}) as response:
            await response.read()
            assert response.status == 200
        took.append(time.perf_counter() - begun)

    begun, asking = time.perf_counter(), []
    for number in range(int(RATE * seconds)):
        await asyncio.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
        asking.append(asyncio.create_task(ask()))
    await asyncio.gather(*asking)
    return took


@contextmanager
def plain(answer: Path) -> Iterator[tuple[int, str]]:
    """The endpoint that only sends bytes: its process id and address."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.bench.parts.plain_app:app", "--port", str(port)]
    command += ["--log-level", "error", "--no-access-log"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "WT_PLAIN_ANSWER": str(answer)})
    try:
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield process.pid, f"http://127.0.0.1:{port}/api/resolve"
    finally:
        process.terminate()
        process.wait()


async def crowd(gateways: list[Node], origin: Origin, users: int) -> list[Figure]:
    """All at once, one link, through two gateways and two workers."""
    video = f"slow-1.{secrets.token_hex(4)}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def ask(number: int) -> float:
            url = f"{gateways[number % len(gateways)].url}/api/resolve"
            begun = time.perf_counter()
            async with http.post(url, json={"url": origin.url(f"/watch/{video}")}) as response:
                assert response.status == 200, await response.text()
            return time.perf_counter() - begun

        took = await asyncio.gather(*map(ask, range(users)))
    runs = len(origin.requests(f"/api/video/{video}"))
    name = f"{users} users, one link that takes 1 s"
    return [Figure(f"{name}: extractions", runs), Figure(f"{name}: the last has it after", max(took), "s")]


async def many(resolutions: Resolutions, origin: Origin, count: int) -> list[Figure]:
    """Different links at once, on as many slots as both workers have."""
    begun, took = time.perf_counter(), []

    async def ask(link: str) -> None:
        known = await resolutions.resolve(link, 120)
        assert known.video is not None, known.message
        took.append(time.perf_counter() - begun)

    await asyncio.gather(*map(ask, links(origin, "sample", count)))
    name = f"{count} links on 4 slots"
    return [Figure(f"{name}: all after", max(took), "s"), Figure(f"{name}: links/s", count / max(took), better="more")]


async def measure(*, is_quick: bool, is_cached_only: bool = False) -> list[Figure]:
    """Start what is needed, and measure."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        origin, server = stack.enter_context(Origin()), stack.enter_context(RedisServer(append="everysec"))
        keys = Keys("bench")
        settings = {
            "WT_REDIS_URL": server.url,
            "WT_KEY_PREFIX": keys.prefix,
            "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
            "WT_YTDLP_PLUGIN_DIRS": PLUGINS,
            "WT_RESOLVER_CONCURRENCY": "2",
            "WT_RESOLVES_PER_MINUTE": "0",
            "WT_WEB_DIR": str(folder),
            "WT_LOG_LEVEL": "warning",
        }
        names = ["services.resolver", "services.resolver", "services.gateway", "services.gateway"]
        nodes = [Node(name, folder / f"{number}.log", settings=settings) for number, name in enumerate(names)]
        nodes = [stack.enter_context(node) for node in nodes]
        redis = connect(server.url)
        resolutions = Resolutions(redis, keys)
        kinds = () if is_cached_only else ("sample", "generic")
        figures = [await cold(resolutions, origin, kind, 6 if is_quick else 20) for kind in kinds]
        link = links(origin, "sample", 1)[0]
        await resolutions.resolve(link, 60)
        figures += await cached(nodes[2], link, folder, 6 if is_quick else 30)
        if not is_cached_only:
            figures += await crowd(nodes[2:], origin, 100)
            figures += await many(resolutions, origin, 20 if is_quick else 50)
        await redis.aclose()
    return figures


def main() -> None:
    """Measure and print."""
    parser = arguments("resolve", "Links, resolved and timed.")
    parser.add_argument("--cached", action="store_true", help="known links alone")
    options = parser.parse_args()
    results = Results.begin("resolve", {"yt-dlp": version("yt-dlp")})
    results.figures = asyncio.run(measure(is_quick=options.quick, is_cached_only=options.cached))
    results.end(options.json)
    print(f"{results.machine}, {busy()}\n\n{table(results)}")


if __name__ == "__main__":
    main()
