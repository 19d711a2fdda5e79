"""Instruments that every service shares. Label values are closed sets: never a room, a URL or a person."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services import __version__
from services.common.errors import Unavailable
from services.common.health import DRAINING_CHECK, Health

LAG_PERIOD_S: Final = 0.25


class Tally(Collector):
    """A counter for what is counted all the time, by the event loop's thread alone.

    prometheus_client's takes a lock and five calls: on the way of a command all of them took a twentieth of its time.
    """

    def __init__(self, name: str, documentation: str, *labels: str) -> None:
        """:param labels: as many as `add` is then given values of."""
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
        if not labels:
            self._counts[()] = 0
        REGISTRY.register(self)

    def add(self, *values: str, by: int = 1) -> None:
        """Count."""
        self._counts[values] += by

    def total(self) -> int:
        """All that was counted, whatever the labels."""
        return sum(self._counts.values())

    def collect(self) -> Iterator[CounterMetricFamily]:
        """What was counted so far, as prometheus_client asks for it."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        # From another thread, perhaps, than what counts.
        for values, count in list(self._counts.items()):
            family.add_metric(values, count)
        yield family


BUILD = Gauge("wt_build_info", "1, labelled with what runs here.", ["service", "version"])
REQUESTS = Counter("wt_http_requests_total", "HTTP requests answered.", ["service", "route", "status"])
REQUEST_SECONDS = Histogram(
    "wt_http_request_seconds",
    "Time to the first byte of the answer.",
    ["service", "route"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
LOOP_LAG = Histogram(
    "wt_loop_lag_seconds",
    "How late the event loop woke from a sleep.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
REDIS_ROUND_TRIP = Histogram(
    "wt_redis_round_trip_seconds",
    "PING to a Redis and back.",
    ["role"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2),
)
PIPE_FALLBACKS = Tally("wt_redis_pipe_fallbacks_total", "Room commands that redis-py carried out in the pipe's place")

CHECK = Gauge("wt_check", "Checks of this process: 1 ok, 0.5 failing but still serving, 0 failing.", ["check"])
DRAINING = Gauge("wt_draining", "1 while this process sends its clients elsewhere.")

Registry = REGISTRY

# How often checks run when nobody asks.
CHECK_PERIOD_S: Final = 5.0
_WORDS: Final = {"ok": 1.0, "degraded": 0.5, "failing": 0.0}


def announce(service: str) -> None:
    """Publish what runs in this process."""
    BUILD.labels(service, __version__).set(1)


async def watch_loop() -> None:
    """Measure the event loop's lag for ever."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_PERIOD_S
        await asyncio.sleep(LAG_PERIOD_S)
        LOOP_LAG.observe(max(0.0, loop.time() - due))


async def watch_health(health: Health) -> None:
    """Publish what a process' checks say, for ever: who watches an installation need not ask `/readyz` first."""
    while True:
        report = await health.report()
        for check, word in report.checks.items():
            if check != DRAINING_CHECK:
                CHECK.labels(check).set(_WORDS[word])
        DRAINING.set(health.is_draining)
        await asyncio.sleep(CHECK_PERIOD_S)


@contextmanager
def redis_round_trip(role: str) -> Iterator[None]:
    """Note how long the Redis of `role` (`rooms` or `jobs`) took to answer, if it did."""
    begun = time.perf_counter()
    yield
    REDIS_ROUND_TRIP.labels(role).observe(time.perf_counter() - begun)


async def ping(redis: Redis, role: str) -> None:
    """A health check: the Redis of `role` (`rooms` or `jobs`) answers.

    :raises Unavailable: if it does not.
    """
    try:
        with redis_round_trip(role):
            await redis.ping()
    except (RedisError, OSError) as error:
        raise Unavailable("unavailable", f"The Redis of {role} does not answer.", retry_after_ms=1000) from error


class RequestMetrics:
    """Pure ASGI middleware that counts requests by route template and class of status (`2xx`)."""

    def __init__(self, app: ASGIApp, service: str, route: str = "") -> None:
        """:param route: the one template of an app that does not use Starlette's routes."""
        self._app = app
        self._service = service
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = self._route or getattr(scope.get("route"), "path", "other")
                REQUESTS.labels(self._service, route, f"{message['status'] // 100}xx").inc()
                REQUEST_SECONDS.labels(self._service, route).observe(time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, counted)
