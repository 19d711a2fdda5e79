from __future__ import annotations

import pytest

from tests.support.clock import Clock


def test_time_stands_still_until_it_is_advanced() -> None:
    clock = Clock()
    before = clock.monotonic(), clock.wall()
    assert (clock.monotonic(), clock.wall()) == before
    clock.advance(2.5)
    assert (clock.monotonic(), clock.wall()) == (before[0] + 2.5, before[1] + 2.5)


def test_a_step_moves_the_wall_clock_alone() -> None:
    clock = Clock()
    before = clock.monotonic()
    clock.step(-60)
    assert clock.monotonic() == before
    assert clock.wall() == Clock().wall() - 60


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        Clock().advance(-1)
