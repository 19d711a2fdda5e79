"""Whoever waits for Redis can be ended at every moment."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis


async def test_a_task_that_asks_again_and_again_ends_when_it_is_cancelled(redis: Redis) -> None:
    async def ask() -> None:
        while True:
            await redis.exists("nothing")

    for number in range(400):
        asking = asyncio.create_task(ask())
        await asyncio.sleep(number % 20 / 20_000)
        asking.cancel()
        ended, _ = await asyncio.wait({asking}, timeout=1)
        asking.cancel()
        assert ended, f"the cancellation of task {number} was lost"
