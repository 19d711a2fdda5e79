"""What every process tells of itself."""

from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY, generate_latest

from services.common.errors import Unavailable
from services.common.health import Health
from services.common.metrics import Registry, Tally, watch_health


def test_a_tally_is_told_as_a_counter_with_its_labels() -> None:
    tally = Tally("wt_test_things_total", "Things", "kind", "outcome")
    tally.add("cup", "broken")
    tally.add("cup", "broken", by=2)
    try:
        told = generate_latest(Registry).decode()
    finally:
        Registry.unregister(tally)
    assert '# TYPE wt_test_things_total counter\nwt_test_things_total{kind="cup",outcome="broken"} 3.0' in told


def test_a_tally_without_labels_begins_at_zero() -> None:
    tally = Tally("wt_test_others_total", "Others")
    try:
        assert "wt_test_others_total 0.0" in generate_latest(Registry).decode()
    finally:
        Registry.unregister(tally)


async def test_checks_are_published_though_nobody_asks() -> None:
    has_failed = False

    async def check() -> None:
        if has_failed:
            raise Unavailable("unavailable", "It is off.")

    health = Health()
    health.add("sample", check)
    for is_off, value in ((False, 1.0), (True, 0.5)):
        has_failed = is_off
        watching = asyncio.create_task(watch_health(health))
        async with asyncio.timeout(10):
            while REGISTRY.get_sample_value("wt_check", {"check": "sample"}) != value:  # noqa: ASYNC110 - it is no event
                await asyncio.sleep(0.01)
        watching.cancel()
