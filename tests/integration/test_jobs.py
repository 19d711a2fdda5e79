"""Queueing jobs on a bad day: nobody who gives up takes a connection along."""

from __future__ import annotations

import asyncio
import random

from services.common.chain import ANONYMOUS
from services.common.errors import Unavailable
from services.common.jobs import Jobs
from services.common.keys import Keys
from services.common.redis import connect
from tests.support.redis import RedisServer

CONNECTIONS = 3


async def test_whoever_gives_up_while_queueing_a_job_gives_the_connection_back(
    redis_server: RedisServer, keys: Keys
) -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    client = connect(redis_server.url, max_connections=CONNECTIONS)
    jobs, dice = Jobs(client, keys), random.Random(7)
    await jobs.enqueue("digest", "https://a.example/", ANONYMOUS)
    for _ in range(400):
        # It is queued already: what was watched is forgotten again, and there the caller may be gone.
        asking = asyncio.create_task(jobs.enqueue("digest", "https://a.example/", ANONYMOUS))
        await asyncio.sleep(dice.uniform(0, 0.001))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(client.ping() for _ in range(CONNECTIONS))) == [True] * CONNECTIONS
    await client.aclose()
    assert complaints == []


async def test_a_redis_that_falls_silent_while_a_job_is_queued_costs_no_connection(keys: Keys) -> None:
    with RedisServer() as server:
        client = connect(server.url, max_connections=CONNECTIONS)
        jobs = Jobs(client, keys)
        await jobs.enqueue("digest", "https://a.example/", ANONYMOUS)

        async def ask() -> None:
            while True:
                await jobs.enqueue("digest", "https://a.example/", ANONYMOUS)

        asking = [asyncio.create_task(ask()) for _ in range(CONNECTIONS)]
        await asyncio.sleep(0.1)
        server.pause()
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        server.resume()
        assert all(isinstance(outcome, Unavailable) for outcome in outcomes), outcomes
        async with asyncio.timeout(10):
            assert await asyncio.gather(*(client.ping() for _ in range(CONNECTIONS))) == [True] * CONNECTIONS
        await client.aclose()
