"""`python -m tests.bench.scaling [--quick]`: how costs grow with sockets, rooms and replicas. Five minutes at most.

We alone, one Redis, sockets on the same machine. Each step adds sockets to those that are there, so that whatever is
done for a room or a socket at intervals is in the figures. Prints, asserts nothing.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

from tests.bench.fanout import rooms_of
from tests.bench.parts.client import Crowd
from tests.bench.parts.contestants import Ours
from tests.bench.parts.figures import Curve, Results, arguments
from tests.bench.parts.load import Measured, measured
from tests.bench.parts.processes import busy, resident_bytes
from tests.support.redis import RedisServer

SOCKETS: Final = (100, 1000, 3000, 8000)
ROOMS: Final = (100, 1000, 3000)
REPLICAS: Final = (1, 2, 3, 4)
MEMBERS: Final = 20
EVENTS_PER_S: Final = 200
# On a busy machine fewer replicas are measured, not for longer.
_BUDGET_S: Final = 220.0


@dataclass(slots=True)
class Growth:
    """What was found at each step: (how many, what it cost); `idle_kib` for each socket of the last."""

    steps: list[tuple[int, Measured]] = field(default_factory=list)
    idle_kib: float = 0.0


async def grow(ours: Ours, members: int, counts: Sequence[int], seconds: float) -> Growth:
    """Load more and more rooms of one size; `counts` are of sockets."""
    growth, crowd = Growth(), Crowd(ours.dialect)
    before = resident_bytes(ours.pids)
    for count in counts:
        rooms = rooms_of(members, count - len(crowd.seats))
        await crowd.enter(ours.urls, rooms, members)
        growth.idle_kib = (resident_bytes(ours.pids) - before) / count / 1024
        await ours.prepare(rooms)
        found = await measured(ours, crowd, EVENTS_PER_S, seconds)
        growth.steps.append((count, found))
        print(_line(len(ours.urls), members, count, found), flush=True)
    await crowd.leave()
    return growth


def _line(replicas: int, members: int, sockets: int, found: Measured) -> str:
    cost = found.used_s / max(1, found.arrived) * 1e6
    return (
        f"{replicas} replicas, {sockets:5,} sockets in rooms of {members}: {cost:5.0f} µs for a delivery,"
        f" p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms,"
        f" Redis {found.redis_s / found.events * 1e6:.0f} µs for an event ({busy()})"
    )


def curves(by_replicas: dict[int, Growth], by_rooms: Growth) -> list[Curve]:
    """What was found, to be drawn."""
    named = {f"{n} replica{'s' * (n > 1)}": growth.steps for n, growth in by_replicas.items()}
    rooms = [(sockets // 2, found) for sockets, found in by_rooms.steps]
    return [
        Curve(
            f"Processor time of a delivery, rooms of {MEMBERS}", "sockets", "µs, all replicas together",
            {n: [(x, found.used_s / found.arrived * 1e6) for x, found in steps] for n, steps in named.items()},
        ),
        Curve(
            f"From a command to every socket, rooms of {MEMBERS}: p99", "sockets", "ms",
            {n: [(x, found.p99_ms) for x, found in steps] for n, steps in named.items()},
        ),
        Curve(
            "Redis' processor time for an event", "replicas", "µs",
            {
                f"{count:,} sockets": [
                    (n, found.redis_s / found.events * 1e6)
                    for n, growth in by_replicas.items()
                    for sockets, found in growth.steps
                    if sockets == count
                ]
                for count in {sockets for growth in by_replicas.values() for sockets, _ in growth.steps}
            },
        ),
        Curve(
            "Processor time of an event and its command, rooms of 2 on 2 replicas", "rooms", "µs",
            {
                "both replicas": [(x, found.used_s / found.events * 1e6) for x, found in rooms],
                "Redis": [(x, found.redis_s / found.events * 1e6) for x, found in rooms],
            },
        ),
    ]  # fmt: skip


def run(members: int, replicas: int, counts: Sequence[int], seconds: float) -> Growth:
    """Start as many replicas over a Redis of their own, and grow."""
    with tempfile.TemporaryDirectory() as folder, RedisServer() as redis, Ours(redis, Path(folder), replicas) as ours:
        growth: Growth = uvloop.run(grow(ours, members, counts, seconds))
        return growth


def main() -> None:
    """Measure and print."""
    options = arguments("scaling", "Sockets, rooms and replicas, more and more of them.").parse_args()
    results = Results.begin("scaling")
    seconds, replicas = (2.0, REPLICAS[:2]) if options.quick else (3.0, REPLICAS)
    sockets, rooms = (SOCKETS[:3], ROOMS[:3]) if options.quick else (SOCKETS, ROOMS)
    until = time.monotonic() + _BUDGET_S
    by_replicas: dict[int, Growth] = {}
    for count in replicas:
        if time.monotonic() < until:
            by_replicas[count] = run(MEMBERS, count, sockets, seconds)
    by_rooms = run(2, 2, [count * 2 for count in rooms], seconds)
    results.curves = curves(by_replicas, by_rooms)
    results.end(options.json)


if __name__ == "__main__":
    main()
