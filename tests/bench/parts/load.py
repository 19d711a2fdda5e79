"""Events given to a crowd for some seconds, and what that cost."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from dataclasses import dataclass
from typing import Final

from tests.bench.parts.client import Crowd
from tests.bench.parts.contestants import Contestant
from tests.bench.parts.processes import cpu_s

# The last events arrive behind the last command, and cost as the others do.
_AFTER_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """`arrived` of `events` × members; seconds of processor time that the nodes and Redis used; latencies in ms."""

    events: int
    arrived: int
    took_s: float
    used_s: float
    redis_s: float
    p50_ms: float
    p99_ms: float


async def measured(contestant: Contestant, crowd: Crowd, events_per_s: float, seconds: float) -> Measured:
    """Have a crowd that is in its rooms give so many events a second, evenly."""
    await crowd.command(events_per_s, 0.5)
    await asyncio.sleep(1)
    crowd.forget()
    gc.collect()
    gc.disable()
    used, redis, begun = cpu_s(contestant.pids), cpu_s([contestant.redis.pid]), time.perf_counter()
    events = await crowd.command(events_per_s, seconds)
    took = time.perf_counter() - begun
    await asyncio.sleep(_AFTER_S)
    used, redis = cpu_s(contestant.pids) - used, cpu_s([contestant.redis.pid]) - redis
    gc.enable()
    latencies = crowd.latencies_ms
    p50, p99 = (statistics.quantiles(latencies, n=100)[at] for at in (49, 98)) if len(latencies) > 1 else (0.0, 0.0)
    return Measured(events, len(latencies), took, used, redis, p50, p99)
