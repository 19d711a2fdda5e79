"""A minute of each of `make chaos` and `make soak`, the same one each time: what is new is looked for there."""

from __future__ import annotations

import os
from typing import Final

import pytest

from tests.chaos import fuzz, soak
from tests.chaos.party import on_a_stage

SEED: Final = int(os.environ.get("CHAOS_SEED", "7"))


@pytest.mark.timeout(180)
async def test_a_minute_of_faults_loses_no_acknowledged_command_and_no_viewer() -> None:
    report = await on_a_stage(SEED, replicas=2, rooms=2).run(50)
    assert not report.failures, report.table()
    assert report.fates["acknowledged"] > 100, report.table()


@pytest.mark.timeout(180)
async def test_a_quiet_minute_leaves_memory_descriptors_and_keys_flat() -> None:
    result = await soak.run(55, SEED)
    assert not result.failures, result.table()


@pytest.mark.timeout(180)
async def test_mutated_frames_neither_crash_nor_leak_nor_harm_a_room() -> None:
    outcome = await fuzz.run(8_000, SEED)
    assert not outcome.failures, outcome.text()
    assert outcome.sent >= 8_000
