"""Readiness."""

from __future__ import annotations

import asyncio

from services.common.errors import Unavailable
from services.common.health import Health


class Switch:
    """A dependency that is there or not."""

    def __init__(self, *, is_on: bool) -> None:
        self.is_on = is_on

    async def __call__(self) -> None:
        if not self.is_on:
            raise Unavailable("unavailable", "It is off.")


async def test_a_process_without_checks_is_ready() -> None:
    assert (await Health().report()).ready


async def test_a_dependency_that_was_never_there_keeps_a_process_from_being_ready() -> None:
    health = Health()
    health.add("redis", Switch(is_on=False))
    report = await health.report()
    assert not report.ready
    assert report.checks == {"redis": "failing"}


async def test_a_dependency_lost_later_is_told_and_traffic_stays() -> None:
    health, redis = Health(), Switch(is_on=True)
    health.add("redis", redis)
    assert (await health.report()).checks == {"redis": "ok"}
    redis.is_on = False
    report = await health.report()
    assert report.ready
    assert report.checks == {"redis": "degraded"}


async def test_a_check_that_does_not_keep_serving_takes_traffic_away_each_time() -> None:
    health, worker = Health(), Switch(is_on=True)
    health.add("worker", worker, keeps_serving=False)
    assert (await health.report()).ready
    worker.is_on = False
    assert not (await health.report()).ready


async def test_a_check_that_hangs_fails_after_a_second() -> None:
    health = Health()
    health.add("hung", lambda: asyncio.sleep(60))
    begun = asyncio.get_running_loop().time()
    assert not (await health.report()).ready
    assert asyncio.get_running_loop().time() - begun < 3


async def test_draining_is_not_ready_whatever_the_checks_say() -> None:
    health = Health()
    health.add("redis", Switch(is_on=True))
    health.is_draining = True
    assert not (await health.report()).ready


async def test_the_checks_of_included_services_count() -> None:
    whole, part = Health(), Health()
    part.add("redis", Switch(is_on=False))
    whole.include(part)
    assert (await whole.report()).checks == {"redis": "failing"}
