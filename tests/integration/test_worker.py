"""The worker against a real Redis, with flights of the tests' own: what arq does wrong by itself stays right here."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from arq.constants import in_progress_key_prefix, job_key_prefix
from redis.asyncio import Redis

from services.common import codec
from services.common.chain import ANONYMOUS, Link
from services.common.errors import Unavailable
from services.common.jobs import Jobs
from services.common.keys import Keys
from services.resolver.worker import HEALTH_S, LEASE_S, ResolveWorker
from tests.support.waiting import until

Flight = Callable[[str, str, Link], Awaitable[None]]


@contextlib.asynccontextmanager
async def working(redis: Redis, keys: Keys, flight: Flight, *, node: str = "one") -> AsyncIterator[ResolveWorker]:
    """A worker that runs `flight`, two at a time."""
    worker = ResolveWorker(redis, keys, flight, node=node, concurrency=2, deadline_s=10)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def idle(jobs: Jobs) -> None:
    """Return when nothing is queued or running."""
    async with asyncio.timeout(20):
        while await jobs.depth():  # noqa: ASYNC110 - it happens in Redis
            await asyncio.sleep(0.02)


async def test_a_job_starts_within_a_tenth_of_a_second(redis: Redis, keys: Keys) -> None:
    started: asyncio.Queue[float] = asyncio.Queue()
    jobs, waits = Jobs(redis, keys), []

    async def flight(_digest: str, _url: str, _link: Link) -> None:
        started.put_nowait(time.monotonic())

    async with working(redis, keys, flight):
        for number in range(15):
            begun = time.monotonic()
            await jobs.enqueue(f"start{number}", "https://a.example/", ANONYMOUS)
            waits.append(await asyncio.wait_for(started.get(), 10) - begun)
            await asyncio.sleep(0.01 * number)
    assert statistics.median(waits) < 0.1


async def test_a_link_may_be_asked_again_right_after_its_job_failed_or_ended(redis: Redis, keys: Keys) -> None:
    runs: list[str] = []

    async def flight(digest: str, _url: str, _link: Link) -> None:
        runs.append(digest)
        if digest == "broken":
            raise ValueError("a bug")

    jobs = Jobs(redis, keys)
    async with working(redis, keys, flight):
        for digest in ("broken", "broken", "fine", "fine"):
            assert await jobs.enqueue(digest, "https://a.example/", ANONYMOUS)
            await idle(jobs)
    assert runs == ["broken", "broken", "fine", "fine"]


async def test_a_job_that_redis_interrupts_is_tried_again(redis: Redis, keys: Keys) -> None:
    tries = 0

    async def flight(_digest: str, _url: str, _link: Link) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Unavailable("unavailable", "Redis does not answer.")

    jobs = Jobs(redis, keys)
    async with working(redis, keys, flight):
        await jobs.enqueue("again", "https://a.example/", ANONYMOUS)
        await idle(jobs)
    assert tries == 2


async def test_one_link_is_one_job_however_many_workers_and_callers(redis: Redis, keys: Keys) -> None:
    runs = 0
    release = asyncio.Event()

    async def flight(_digest: str, _url: str, _link: Link) -> None:
        nonlocal runs
        runs += 1
        await release.wait()

    jobs = Jobs(redis, keys)
    async with working(redis, keys, flight), working(redis, keys, flight, node="two"):
        taken = await asyncio.gather(*(jobs.enqueue("shared", "https://a.example/", ANONYMOUS) for _ in range(20)))
        while not runs:  # noqa: ASYNC110 - a worker runs it
            await asyncio.sleep(0.01)
        assert not await jobs.enqueue("shared", "https://a.example/", ANONYMOUS)
        release.set()
        await idle(jobs)
    assert (taken.count(True), runs) == (1, 1)


async def test_a_job_longer_than_its_lease_is_not_started_twice(redis: Redis, keys: Keys) -> None:
    runs = 0
    release = asyncio.Event()

    async def flight(_digest: str, _url: str, _link: Link) -> None:
        nonlocal runs
        runs += 1
        await release.wait()

    jobs = Jobs(redis, keys)
    lease = in_progress_key_prefix + jobs.job_id("long", "public")
    async with working(redis, keys, flight), working(redis, keys, flight, node="two"):
        await jobs.enqueue("long", "https://a.example/", ANONYMOUS)
        async with asyncio.timeout(LEASE_S):
            while not await redis.exists(lease):  # noqa: ASYNC110 - it happens in Redis
                await asyncio.sleep(0.02)
            # It renews before the lease ends, which a third of it later shows.
            await redis.pexpire(lease, int(LEASE_S * 500))
            while await redis.pttl(lease) < LEASE_S * 600:  # noqa: ASYNC110 - it happens in Redis
                await asyncio.sleep(0.1)
        release.set()
        await idle(jobs)
    assert runs == 1


async def test_draining_ends_what_can_end_and_gives_back_the_rest(redis: Redis, keys: Keys) -> None:
    ended: list[str] = []
    begun: set[str] = set()

    async def flight(digest: str, _url: str, _link: Link) -> None:
        begun.add(digest)
        await asyncio.sleep(0.5 if digest == "short" else 60)
        ended.append(digest)

    jobs = Jobs(redis, keys)
    async with working(redis, keys, flight) as worker:
        for digest in ("short", "long", "waiting"):
            await jobs.enqueue(digest, "https://a.example/", ANONYMOUS)
        while len(begun) < 2:  # noqa: ASYNC110 - a worker runs it
            await asyncio.sleep(0.01)
        await worker.drain(3)
        assert ended == ["short"]
        assert not worker.is_working
    assert [await jobs.is_queued(digest, "public") for digest in ("short", "long", "waiting")] == [False, True, True]
    assert "waiting" not in begun


async def test_each_worker_has_a_sign_of_life_of_its_own_that_lasts_seconds(redis: Redis, keys: Keys) -> None:
    async def flight(_digest: str, _url: str, _link: Link) -> None: ...

    async with working(redis, keys, flight), working(redis, keys, flight, node="two"), asyncio.timeout(20):
        for node in ("one", "two"):
            while not await redis.exists(keys.worker_health(node)):  # noqa: ASYNC110 - it happens in Redis
                await asyncio.sleep(0.05)
            assert await redis.ttl(keys.worker_health(node)) <= HEALTH_S + 1


async def test_jobs_are_json_and_a_pickled_one_runs_no_code(redis: Redis, keys: Keys) -> None:
    runs: list[str] = []

    async def flight(digest: str, _url: str, _link: Link) -> None:
        runs.append(digest)

    jobs = Jobs(redis, keys)
    await jobs.enqueue("plain", "https://a.example/", ANONYMOUS)
    stored = await redis.get(job_key_prefix + jobs.job_id("plain", "public"))
    assert b"https://a.example/" in codec.encode(codec.decode(stored))
    evil = jobs.job_id("evil", "public")
    await redis.set(job_key_prefix + evil, pickle.dumps({"t": 1, "f": "resolve", "a": ("evil", "u", "s"), "k": {}}))
    await redis.zadd(keys.jobs(), {evil: 1})
    async with working(redis, keys, flight):
        await idle(jobs)
    assert runs == ["plain"]


async def test_what_arq_itself_stumbles_over_ends_no_pool(redis: Redis, keys: Keys) -> None:
    runs: list[str] = []

    async def flight(digest: str, _url: str, _link: Link) -> None:
        runs.append(digest)

    jobs = Jobs(redis, keys)
    async with working(redis, keys, flight) as worker:
        await until(lambda: worker.is_working)
        # The id of a job is text, which arq takes for granted.
        await redis.zadd(keys.jobs(), {b"\xff": 1})
        await until(lambda: not worker.is_working)
        await redis.zrem(keys.jobs(), b"\xff")
        await jobs.enqueue("after", "https://a.example/", ANONYMOUS)
        await idle(jobs)
    assert runs == ["after"]
