"""`python -m tests.bench.proxy [--quick]`: the proxy beside nginx, Varnish and mediaflow-proxy. Asserts nothing.

What is served is told for each second of processor time that a server and its children used, by `/proc`, the kernel's
part included; readers and origin have processes of their own, and the readers throw bodies away in the kernel. A server
that is not installed is left out, and it says which. All over loopback; readers speak no TLS, as behind an edge.
"""

from __future__ import annotations

import contextlib
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.bench.parts import crowds, reader, tls
from tests.bench.parts.caches import Cache, mediaflow, nginx, ours, peer_versions, varnish
from tests.bench.parts.contestants import MissingError
from tests.bench.parts.figures import Better, Figure, Results, arguments, table, told
from tests.bench.parts.processes import busy, cpu_s, descriptors, resident_bytes
from tests.bench.parts.reader import Reading
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer

PACKAGES: Final = ("uvicorn", "uvloop", "aiohttp")
CONNECTIONS: Final = 8
ORIGIN_BYTES_S: Final = 2_000_000
MIDDLE: Final = "bytes=50000000-50999999"
# Whom a herd of 20 keeps so long is not met by one of 200.
TOO_SLOW_S: Final = 3.0
MB: Final = 1_000_000
# (what, path, Range, of which of our tiers)
HITS: Final = (
    ("hit, 2 kB", "blob/2000.ts", "", "L1"),
    ("hit, 1 MB", "blob/1000000.ts", "", "L1"),
    ("hit, 1 MB on disk", "blob/1000000.ts", "", "L2"),
    ("hit, 4 MB on disk", "blob/4000000.ts", "", "L2"),
    ("hit, 1 MB of 100 MB", "blob/100000000.mp4", MIDDLE, "L2"),
)
HERDS: Final = (("4 MB", "blob/4000000.mp4", ""), ("1 MB amid 100 MB", "blob/100000000.mp4", MIDDLE))


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one contestant; `who` is '' where that is us."""

    what: str
    who: str
    value: float
    unit: str
    better: Better


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how much. `rounds` are taken in turns by all contestants, and the median is told."""

    rounds: int
    seconds: float
    herds: int
    dropped: int
    slow_s: float


FULL: Final = Plan(rounds=3, seconds=4, herds=3, dropped=10_000, slow_s=20)
QUICK: Final = Plan(rounds=1, seconds=2, herds=1, dropped=1000, slow_s=8)


class Bench:
    """Contestants and what measures them."""

    def __init__(self, plan: Plan, pool: ProcessPoolExecutor) -> None:
        self.plan = plan
        self._pool = pool
        self.rows: list[Row] = []

    def hits(self, caches: Sequence[Cache], origin: Origin) -> None:
        """What a second of processor time serves of one object that is kept."""
        for what, path, span, tier in HITS:
            present = [cache for cache in caches if cache.tier in ("", tier)]
            link = origin.url(path, v=secrets.token_hex(4))
            requests = {cache: reader.get(f"127.0.0.1:{cache.port}", cache.path(link), span) for cache in present}
            for cache in present:
                self._warm(cache, requests[cache], origin)
            measured: dict[Cache, list[tuple[float, Reading]]] = {cache: [] for cache in present}
            for _ in range(self.plan.rounds):
                for cache in present:
                    with _used(cache) as used:
                        read = self._read(cache, [requests[cache]], seconds=self.plan.seconds)
                    measured[cache].append((used(), read))
            for cache, each in measured.items():
                self._tell_rates(what, cache, each)

    def passes(self, caches: Sequence[Cache], origin: tls.TlsOrigin) -> None:
        """What a second of processor time brings from an origin with TLS."""
        for what, name, count in (("TLS, passed on", tls.PASSED, 20), ("TLS, fetched and kept", tls.KEPT, 120)):
            measured: dict[Cache, list[tuple[float, Reading]]] = {cache: [] for cache in caches}
            for _ in range(self.plan.rounds):
                for cache in caches:
                    links = [origin.link(name, secrets.token_hex(6)) for _ in range(count)]
                    requests = [reader.get(f"127.0.0.1:{cache.port}", cache.path(link)) for link in links]
                    with _used(cache) as used:
                        read = self._read(cache, requests)
                        # What is still being written belongs to it.
                        time.sleep(0.5)
                    measured[cache].append((used(), read))
            for cache, each in measured.items():
                self._tell_rates(what, cache, each)

    def herds(self, caches: Sequence[Cache], origin: Origin) -> None:
        """How long a crowd at a cold object waits for the first byte, and what the origin sees of it."""
        for what, path, span in HERDS:
            for cache in caches:
                if self._herd(cache, origin, 20, (what, path, span)) < TOO_SLOW_S:
                    self._herd(cache, origin, 200, (what, path, span))

    def slow_readers(self, caches: Sequence[Cache], origin: Origin, count: int) -> None:
        """What a crowd of slow readers of one object costs in memory."""
        for cache in caches:
            request = self._request(cache, origin, "blob/100000000.mp4", "bytes=0-")
            before = resident_bytes(cache.pids)
            reading = self._pool.submit(crowds.slow, cache.port, request, count, self.plan.slow_s)
            most = before
            while not reading.done():
                most = max(most, resident_bytes(cache.pids))
                time.sleep(0.25)
            self._tell(f"{count} slow readers, memory", cache, (most - before) / MB, "MB")
            read, cut = reading.result()
            self._tell(
                f"{count} slow readers, each got", cache, read / count / self.plan.slow_s / 1000, "kB/s", better="more"
            )
            self._tell(f"{count} slow readers, cut off", cache, cut, "")

    def droppers(self, caches: Sequence[Cache], origin: Origin) -> None:
        """What is left of clients that connect, ask and go."""
        count = self.plan.dropped
        for cache in caches:
            mark = secrets.token_hex(4)
            request = self._request(cache, origin, "blob/100000000.mp4", mark=mark)
            before = descriptors(cache.pids)
            self._pool.submit(crowds.drop, cache.port, request, count).result()
            time.sleep(3)
            self._tell(f"{count:,} dropped, descriptors more", cache, max(0, descriptors(cache.pids) - before), "")
            still = sum(not seen.is_done for seen in origin.requests("/blob/") if seen.query.get("v") == mark)
            self._tell(f"{count:,} dropped, fetches that go on", cache, still, "")

    def _herd(self, cache: Cache, origin: Origin, count: int, asked: tuple[str, str, str]) -> float:
        """How long most of them waited, in seconds."""
        what, path, span = asked
        herds, seen = [], []
        for _ in range(self.plan.herds):
            mark = secrets.token_hex(4)
            request = self._request(cache, origin, path, span, mark=mark, rate=ORIGIN_BYTES_S)
            try:
                herds.append(self._pool.submit(crowds.herd, cache.port, request, count).result())
            except ConnectionError as error:
                print(f"{cache.name}: {error}", flush=True)
                return TOO_SLOW_S
            seen.append([each for each in origin.requests("/blob/") if each.query.get("v") == mark])
        name = f"herd of {count}, {what}"
        self._tell(f"{name}, first byte p50", cache, statistics.median(herd.share(0.5) for herd in herds), "s")
        most = statistics.median(herd.share(0.95) for herd in herds)
        self._tell(f"{name}, first byte p95", cache, most, "s")
        self._tell(f"{name}, requests to origin", cache, statistics.median(len(each) for each in seen), "")
        brought = statistics.median(sum(one.sent for one in each) for each in seen)
        self._tell(f"{name}, from origin", cache, brought / MB, "MB")
        return most

    def _request(
        self, cache: Cache, origin: Origin, path: str, span: str = "", *, mark: str = "", **more: int
    ) -> bytes:
        """A request for an object that nobody has asked for yet; `mark` tells it from others at the origin."""
        link = origin.url(path, v=mark or secrets.token_hex(4), **more)
        return reader.get(f"127.0.0.1:{cache.port}", cache.path(link), span)

    def _warm(self, cache: Cache, request: bytes, origin: Origin) -> None:
        """Ask until it is kept where it shall be, and all of it: what is fetched comes behind the reader's back."""
        for _ in range(20):
            tiers = self._read(cache, [request]).tiers
            time.sleep(0.5)
            if tiers.get(cache.tier) and all(seen.is_done for seen in origin.requests("/blob/")):
                return
        print(f"{cache.name}: not answered from {cache.tier}", flush=True)

    def _read(self, cache: Cache, requests: Sequence[bytes], *, seconds: float = 0) -> Reading:
        return self._pool.submit(reader.read, cache.port, requests, connections=CONNECTIONS, seconds=seconds).result()

    def _tell_rates(self, what: str, cache: Cache, measured: Sequence[tuple[float, Reading]]) -> None:
        answers = statistics.median(read.answers / used for used, read in measured)
        gbit = statistics.median(read.body_bytes * 8 / used / 1e9 for used, read in measured)
        failures = sum(read.failures for _, read in measured)
        tiers = sorted({tier for _, read in measured for tier in read.tiers if tier})
        # Where the server waited for its readers, it was not at its most.
        share = statistics.median(used / read.wall_s for used, read in measured)
        closed = sum(read.closed for _, read in measured)
        note = f"  [{', '.join(tiers)}] busy {share:.0%}"
        note += (f", {failures:,} FAILED" if failures else "") + (f", {closed:,} connections closed" if closed else "")
        self._tell(what, cache, answers, "answers/CPU-s", better="more")
        self._tell(what, cache, gbit, "Gbit/CPU-s", note, better="more")

    def _tell(
        self, what: str, cache: Cache, value: float, unit: str, note: str = "", *, better: Better = "less"
    ) -> None:
        self.rows.append(Row(what, "" if cache.is_ours else cache.name, value, unit, better))
        print(f"{busy()}  {what:46} {cache.name:10} {told(value):>10} {unit}{note}", flush=True)


@contextlib.contextmanager
def _used(cache: Cache) -> Iterator[Callable[[], float]]:
    """Processor time of a contestant over the block, in seconds."""
    before = cpu_s(cache.pids)
    after = before
    yield lambda: max(after - before, 0.01)
    after = cpu_s(cache.pids)


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Ours, each with those of its peers."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        found.setdefault((row.what, row.unit), {})[row.who] = row
    return [
        Figure(what, of[""].value, unit, of[""].better, {who: row.value for who, row in of.items() if who})
        for (what, unit), of in found.items()
        if "" in of
    ]


def main() -> None:
    """Start a Redis, the origins and every contestant that is here, and measure."""
    parser = arguments("proxy", "The proxy, measured.")
    parser.add_argument("--alone", action="store_true", help="us alone")
    parts = ("hits", "passes", "herds", "slow", "dropped")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    options = parser.parse_args()
    results = Results.begin("proxy", {**{name: version(name) for name in PACKAGES}, **peer_versions()})
    print(f"{results.machine}, {busy()}; {CONNECTIONS} connections, readers and origin on the same machine", flush=True)
    with (
        contextlib.ExitStack() as running,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        bench = Bench(QUICK if options.quick else FULL, pool)
        stand = Stand(running, Path(running.enter_context(tempfile.TemporaryDirectory())))
        if set(options.only) - {"passes"}:
            origin = running.enter_context(Origin())
            memory = stand.ours("memory", "L1", origin.address)
            disk = stand.ours("disk", "L2", origin.address, WT_PROXY_MEMORY_BYTES="0")
            peers = [] if options.alone else stand.peers(f"http://{origin.address}")
            if "hits" in options.only:
                bench.hits([memory, disk, *peers], origin)
            if "herds" in options.only:
                bench.herds([memory, *peers], origin)
            if "slow" in options.only:
                bench.slow_readers([memory, *peers], origin, 500)
            if "dropped" in options.only:
                bench.droppers([memory, *peers], origin)
        if "passes" in options.only:
            bench.passes(*stand.with_tls(is_alone=options.alone))
    results.figures = figures(bench.rows)
    results.end(options.json)
    print(f"\n{table(results)}\n\n{busy()}")


class Stand:
    """Starts contestants, each with a folder of its own, and says which are left out."""

    def __init__(self, running: contextlib.ExitStack, folder: Path) -> None:
        self._running = running
        self._folder = folder
        self._redis = running.enter_context(RedisServer())

    def ours(self, name: str, tier: str, origin: str, **more: str) -> Cache:
        """A proxy of ours with its default settings, without limits for one address."""
        own = {"WT_REDIS_URL": self._redis.url, "WT_ALLOWED_PRIVATE_HOSTS": origin, "WT_LOG_LEVEL": "error"}
        # All readers here are one address.
        own |= {"WT_PROXY_ADDRESS_REQUESTS_PER_S": "0", "WT_PROXY_ADDRESS_STREAMS": "0"}
        settings = {**own, "WT_NODE": name, "WT_KEY_PREFIX": name, **more}
        node = Node("services.proxy", self._made(name) / "log", settings=settings)
        return ours(f"ours, {name}", self._running.enter_context(node), tier)

    def peers(self, origin: str, authority: Path | None = None) -> list[Cache]:
        """Everybody else who can be started here."""
        names = ("nginx", "varnish", "mediaflow")
        folders = {name: self._made(f"{name}{'-tls' if authority else ''}") for name in names}
        starting = (
            nginx(folders["nginx"], origin),
            varnish(folders["varnish"], origin),
            mediaflow(folders["mediaflow"], authority),
        )
        found = []
        for each in starting:
            try:
                found.append(self._running.enter_context(each))
            except MissingError as missing:
                print(f"left out: {missing}", flush=True)
        return found

    def with_tls(self, *, is_alone: bool) -> tuple[list[Cache], tls.TlsOrigin]:
        """Contestants in front of an origin that speaks TLS; nobody, where there can't be one."""
        origin = self._running.enter_context(tls.origin(self._made("origin")))
        own = self.ours("tls", "", origin.address, SSL_CERT_FILE=str(origin.certificate))
        peers = [] if is_alone else self.peers(f"https://{origin.address}", origin.certificate)
        return [own, *peers], origin

    def _made(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder


if __name__ == "__main__":
    main()
