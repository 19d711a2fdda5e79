"""The arq worker under its supervisor: it ends when Redis does, or by a bug, and begins again after a pause."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from arq import Retry, Worker, func
from arq.typing import WorkerCoroutine
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.chain import Link
from services.common.errors import Unavailable
from services.common.jobs import RESOLVE, Jobs, arq_redis
from services.common.keys import Keys
from services.resolver import metrics

log = structlog.get_logger(__name__)

# One small question to Redis each time; half of it is how long a link waits for nothing.
POLL_S: Final = 0.02
HEALTH_S: Final = 5
# A killed worker's jobs begin again after this; a live one renews it three times as often.
LEASE_S: Final = 15.0
# Beside the extraction's deadline: checking, storing and delivering.
OVERHEAD_S: Final = 20.0
MAX_TRIES: Final = 5
RETRY_S: Final = 1.0
RESTART_S: Final = (0.2, 5.0)

Flight = Callable[[str, str, Link], Awaitable[None]]


class ResolveWorker:
    """Takes resolve jobs off the queue, `concurrency` at a time."""

    def __init__(
        self, redis: Redis, keys: Keys, flight: Flight, *, node: str, concurrency: int, deadline_s: float
    ) -> None:
        # arq tells of every job with its arguments; the flights tell the same with their ids.
        logging.getLogger("arq.worker").setLevel(logging.WARNING)
        self._arq = arq_redis(redis, keys)
        self._keys = keys
        self._jobs = Jobs(redis, keys)
        self._flight = flight
        self._node = node
        self._concurrency = concurrency
        self._timeout_s = deadline_s + OVERHEAD_S
        self._worker: Worker | None = None
        self._is_stopping = False
        self._interrupted: set[str] = set()

    @property
    def is_working(self) -> bool:
        """Whether it asks the queue for jobs."""
        return self._worker is not None and not self._is_stopping

    async def run(self) -> None:
        """Work until `drain` or cancellation; a Redis that goes away is waited for, and no bug ends the pool."""
        pause = RESTART_S[0]
        while not self._is_stopping:
            begun = asyncio.get_running_loop().time()
            try:
                await self._work()
            except asyncio.CancelledError:
                # arq ends by cancelling its own main task; only `drain` makes it do so.
                if not self._is_stopping:
                    raise
            except (RedisError, OSError) as error:
                metrics.WORKER_RESTARTS.inc()
                log.warning("worker_lost_redis", error=repr(error))
            except Exception:  # what arq stumbles over is its own: links are to be opened all the same
                metrics.WORKER_RESTARTS.inc()
                log.exception("worker_broken")
            if asyncio.get_running_loop().time() - begun > 10 * RESTART_S[1]:
                pause = RESTART_S[0]
            if not self._is_stopping:
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(pause * 2, RESTART_S[1])

    async def drain(self, seconds: float) -> None:
        """Take no more jobs, let those that run end within `seconds`, put the others back."""
        self._is_stopping = True
        if self._worker is None:
            return
        self._worker._job_completion_wait = max(1, int(seconds))
        self._worker.handle_sig_wait_for_completion(signal.SIGTERM)
        with contextlib.suppress(asyncio.CancelledError, RedisError, OSError):
            assert self._worker.main_task is not None
            await asyncio.wait({self._worker.main_task})

    async def _work(self) -> None:
        await self._jobs.release(self._interrupted)
        self._interrupted.clear()
        worker = self._worker = self._make()
        renewing = asyncio.create_task(self._renew(worker))
        try:
            await worker.async_run()
        finally:
            self._worker = None
            renewing.cancel()
            await self._settle(worker, renewing)

    def _make(self) -> Worker:
        worker = Worker(
            functions=[func(self._job(), name=RESOLVE, timeout=self._timeout_s, keep_result=0, max_tries=MAX_TRIES)],
            queue_name=self._keys.jobs(),
            redis_pool=self._arq,
            handle_signals=False,
            max_jobs=self._concurrency,
            keep_result=0,
            poll_delay=POLL_S,
            health_check_interval=HEALTH_S,
            health_check_key=self._keys.worker_health(self._node),
            job_serializer=self._arq.job_serializer,
            job_deserializer=self._arq.job_deserializer,
            log_results=False,
        )
        # arq would hold a dead worker's jobs back for the longest time that a job may take.
        worker.in_progress_timeout_s = LEASE_S
        return worker

    def _job(self) -> WorkerCoroutine:
        async def resolve(ctx: dict[Any, Any], *args: Any, **_: Any) -> None:
            # What a version after this one adds stands behind these.
            digest, url, way = args[:3]
            # A version before this one names the scope alone.
            link = codec.convert(Link, way) if isinstance(way, dict) else Link(scope=str(way))
            with structlog.contextvars.bound_contextvars(digest=digest):
                try:
                    await self._flight(digest, url, link)
                except Unavailable as error:
                    log.warning("flight_put_off", code=error.code)
                    raise Retry(defer=RETRY_S * ctx["job_try"]) from error

        return resolve

    async def _renew(self, worker: Worker) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            with contextlib.suppress(RedisError, OSError):
                await self._jobs.renew(list(worker.tasks), LEASE_S)

    async def _settle(self, worker: Worker, renewing: asyncio.Task[None]) -> None:
        """End what a worker leaves behind: its jobs run again, here or elsewhere."""
        self._interrupted.update(worker.tasks)
        # Those that are done, too: arq looks at what became of them only while it runs.
        left = list(worker.tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(renewing, *left, return_exceptions=True)
