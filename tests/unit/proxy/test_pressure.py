"""Who is turned away when there is too much to do."""

from __future__ import annotations

import contextlib

import pytest

from services.common.errors import Unavailable
from services.proxy.pressure import SAMPLES, Pressure


def test_what_is_here_is_still_sent_when_nothing_more_is_fetched() -> None:
    pressure = Pressure(10, 0)
    with contextlib.ExitStack() as sending:
        for _ in range(8):
            sending.enter_context(pressure.stream(is_here=False))
        with pytest.raises(Unavailable) as failed:
            sending.enter_context(pressure.stream(is_here=False))
        assert failed.value.code == "unavailable"
        assert 1000 <= (failed.value.retry_after_ms or 0) <= 3000
        for _ in range(2):
            sending.enter_context(pressure.stream(is_here=True))
        with pytest.raises(Unavailable):
            sending.enter_context(pressure.stream(is_here=True))
    with pressure.stream(is_here=False):
        assert not pressure.is_tense


def test_a_loop_that_is_late_for_long_sheds_and_one_that_stood_still_once_does_not() -> None:
    pressure = Pressure(0, 0.5)
    pressure.note(5)
    with pressure.stream(is_here=False):
        pass
    for _ in range(SAMPLES):
        pressure.note(0.6)
    with pytest.raises(Unavailable), pressure.stream(is_here=False):
        pass
    with pressure.stream(is_here=True):
        pass
    pressure.note(0)
    with pressure.stream(is_here=False):
        pass


@pytest.mark.parametrize(("lag_s", "is_tense"), [(0.0, False), (0.2, True)])
def test_prefetching_rests_as_soon_as_the_loop_is_late(lag_s: float, is_tense: bool) -> None:
    pressure = Pressure(0, 0.5)
    pressure.note(lag_s)
    assert pressure.is_tense is is_tense


def test_prefetching_is_the_first_to_rest() -> None:
    pressure = Pressure(10, 0)
    with contextlib.ExitStack() as sending:
        for _ in range(5):
            sending.enter_context(pressure.stream(is_here=False))
        assert pressure.is_tense


def test_zero_turns_nobody_away() -> None:
    pressure = Pressure(0, 0)
    for _ in range(SAMPLES):
        pressure.note(60)
    with contextlib.ExitStack() as sending:
        for _ in range(100):
            sending.enter_context(pressure.stream(is_here=False))
