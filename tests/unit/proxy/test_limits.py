"""What one caller may ask for."""

from __future__ import annotations

import contextlib

import pytest

from services.common.errors import Refused
from services.proxy.callers import CallerId
from services.proxy.limits import BURST_S, Allowance, Limits

ANY = Allowance(0, 0)


def test_a_caller_who_asks_too_often_is_told_when_to_come_back() -> None:
    limits = Limits(Allowance(10, 0), ANY)
    home, other = CallerId("1.2.3.4", ""), CallerId("1.2.3.5", "")
    for _ in range(int(10 * BURST_S)):
        limits.admit(home, 0)
    with pytest.raises(Refused) as refused:
        limits.admit(home, 0)
    assert (refused.value.code, refused.value.retry_after_ms) == ("too_many_requests", 100)
    limits.admit(other, 0)
    limits.admit(home, 0.11)


def test_a_person_is_limited_wherever_they_are_and_nobody_else_at_their_address() -> None:
    limits = Limits(ANY, Allowance(1, 1))
    for n in range(int(BURST_S)):
        limits.admit(CallerId(f"1.2.3.{n}", "ana"), 0)
    with pytest.raises(Refused):
        limits.admit(CallerId("1.2.3.9", "ana"), 0)
    limits.admit(CallerId("1.2.3.9", "ben"), 0)
    limits.admit(CallerId("1.2.3.9", ""), 0)


def test_answers_at_a_time_count_until_they_are_over() -> None:
    limits = Limits(Allowance(0, 3), Allowance(0, 2))
    ana, ben = CallerId("1.2.3.4", "ana"), CallerId("1.2.3.4", "ben")
    with contextlib.ExitStack() as sending:
        for _ in range(2):
            sending.enter_context(limits.stream(ana))
        with pytest.raises(Refused):
            sending.enter_context(limits.stream(ana))
        sending.enter_context(limits.stream(ben))
        with pytest.raises(Refused):
            sending.enter_context(limits.stream(ben))
    with limits.stream(ana), limits.stream(ben):
        pass


def test_zero_is_no_limit_and_this_machine_has_none_by_address() -> None:
    free, tight = Limits(ANY, ANY), Limits(Allowance(1, 1), ANY)
    with contextlib.ExitStack() as sending:
        for _ in range(1000):
            free.admit(CallerId("1.2.3.4", "ana"), 0)
            sending.enter_context(free.stream(CallerId("1.2.3.4", "ana")))
            tight.admit(CallerId("", ""), 0)
            sending.enter_context(tight.stream(CallerId("", "")))
