"""`python -m tests.bench.fanout [--quick]`: what delivering a room's events costs, beside two well-known ways.

Two nodes of each contestant share a Redis and are measured in turns by the same crowd of sockets, which runs in this
process: what else the machine does meanwhile meets all of them. Everything shares this machine, so a latency is how
long the whole of it took; what tells the servers apart is the processor time that they used. Prints, asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import uvloop

from tests.bench.parts.client import Crowd
from tests.bench.parts.contestants import (
    DRAIN_S,
    Contestant,
    MissingError,
    Ours,
    node_socketio,
    python_socketio,
)
from tests.bench.parts.processes import busy, cpu_s, machine, resident_bytes
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
class Row:
    """One figure; `better` says which way is good."""

    what: str
    value: float
    better: str = "less"


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


async def idle(contestant: Contestant, seconds: float) -> list[Row]:
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
        Row("memory per idle socket, KiB", grown / SOCKETS / 1024),
        Row("CPU of 1,000 idle sockets, ms/s", used / seconds * 1000 * SOCKETS / (SOCKETS + 100)),
        Row("1,000 reconnecting at once: all live after, s", reconnected_s),
    ]


async def loaded(contestant: Contestant, load: Load, seconds: float) -> list[Row]:
    """Deliveries, what they cost and how long they took."""
    crowd = Crowd(contestant.dialect)
    rooms = rooms_of(load.size)
    await crowd.enter(contestant.urls, rooms, load.size)
    await contestant.prepare(rooms)
    await crowd.command(load.events_per_s, 0.5)
    await asyncio.sleep(1)
    crowd.forget()
    gc.collect()
    gc.disable()
    used, begun = cpu_s(contestant.pids), time.perf_counter()
    commands = await crowd.command(load.events_per_s, seconds)
    took = time.perf_counter() - begun
    await asyncio.sleep(0.5)
    used = cpu_s(contestant.pids) - used
    gc.enable()
    latencies = sorted(crowd.latencies_ms)
    await crowd.leave()
    told = len(latencies)
    p50, p99 = (statistics.quantiles(latencies, n=100)[at] for at in (49, 98)) if told > 1 else (0.0, 0.0)
    if told != commands * load.size:
        print(f"  {contestant.name}, {load.words}: {told:,} of {commands * load.size:,} arrived", flush=True)
    return [
        Row(f"{load.words}: deliveries/s", told / took, "more"),
        Row(f"{load.words}: deliveries per core and s", told / used, "more"),
        Row(f"{load.words}: p50, ms", p50),
        Row(f"{load.words}: p99, ms", p99),
    ]


async def drained(contestant: Contestant) -> list[Row]:
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
        Row("drain of 1,000: closes spread over, s", closes[-1] - closes[0], "more"),
        Row("drain of 1,000: most closes in 100 ms", busiest),
    ]


async def many(contestant: Contestant, seconds: float) -> list[Row]:
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
        Row("5,000 on one node: memory per socket, KiB", grown / MANY / 1024),
        Row("5,000 on one node: its CPU, ms/s", used / seconds * 1000),
        Row("5,000 on one node: still connected", alive, "more"),
        Row("5,000 on one node: longest between heartbeats (5 s), s", max(silences)),
    ]


async def measure(contestants: Sequence[Contestant], plan: Plan, loads: Sequence[Load]) -> dict[str, dict[str, Row]]:
    """Everything about all of them: by contestant, by what is measured."""
    results: dict[str, dict[str, Row]] = {contestant.name: {} for contestant in contestants}

    def enter(contestant: Contestant, rows: Sequence[Row]) -> None:
        results[contestant.name].update({row.what: row for row in rows})

    for contestant in contestants:
        enter(contestant, await idle(contestant, plan.idle_s))
    for load in loads:
        rounds: dict[str, list[list[Row]]] = {contestant.name: [] for contestant in contestants}
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


def _median(rows: Sequence[Row]) -> Row:
    return replace(rows[0], value=statistics.median(row.value for row in rows))


def table(results: dict[str, dict[str, Row]]) -> str:
    """The figures side by side, as Markdown. A ratio above 1 is in our favour."""
    names = list(results)
    others = names[1:]
    head = ["", *names, *(f"against {name}" for name in others)]
    lines = [_line(head), _line(["---", *("---:" for _ in head[1:])])]
    for what, ours in results[names[0]].items():
        cells = [results[name].get(what) for name in names]
        ratios = [_ratio(ours, cell) for cell in cells[1:]]
        lines.append(_line([what, *(_figure(cell.value) if cell else "–" for cell in cells), *ratios]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(ours: Row, other: Row | None) -> str:
    if other is None or not ours.value or not other.value:
        return "–"
    ratio = ours.value / other.value if ours.better == "more" else other.value / ours.value
    return f"{ratio:.1f}×" if ratio >= 0.1 else f"{ratio:.2f}×"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def main() -> None:
    """Measure each contestant that can run here, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fanout", description="Fan-out, measured.")
    parser.add_argument("--quick", action="store_true", help="two minutes, for checking")
    parser.add_argument("--alone", action="store_true", help="us alone")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    makers: list[Callable[[str, Path], Contestant]] = [Ours]
    makers += [] if options.alone else [python_socketio, node_socketio]
    print(f"{machine()}; {SOCKETS:,} sockets over 2 nodes, one Redis, clients on the same machine", flush=True)
    with contextlib.ExitStack() as stack:
        contestants = []
        for make in makers:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            redis = stack.enter_context(RedisServer())
            try:
                contestants.append(stack.enter_context(make(redis.url, folder)))
            except MissingError as missing:
                print(f"left out: {missing}", flush=True)
        print(table(uvloop.run(measure(contestants, plan, LOADS))))


if __name__ == "__main__":
    main()
