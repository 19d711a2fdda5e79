"""When a site is left alone, and when it is tried again."""

from __future__ import annotations

from services.resolver.breaker import FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S, PROBE_S, Breaker


def failing(now: float, times: int = FAILURES) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        assert breaker.admit(now) == 0
        breaker.failed(now)
    return breaker


def test_a_few_failures_change_nothing_and_a_success_forgets_them() -> None:
    breaker = failing(0, FAILURES - 1)
    assert breaker.state(0) == "closed"
    breaker.succeeded()
    for _ in range(FAILURES - 1):
        breaker.failed(0)
    assert breaker.admit(0) == 0


def test_after_its_failures_nobody_passes_until_the_pause_is_over() -> None:
    breaker = failing(100)
    assert breaker.admit(100) == FIRST_PAUSE_S
    assert breaker.admit(100 + FIRST_PAUSE_S - 1) == 1


def test_then_one_passes_and_whoever_else_comes_waits_for_them() -> None:
    breaker = failing(0)
    later = FIRST_PAUSE_S
    assert breaker.state(later) == "half_open"
    assert breaker.admit(later) == 0
    assert breaker.admit(later) > 0
    breaker.succeeded()
    assert (breaker.state(later), breaker.admit(later)) == ("closed", 0)


def test_a_probe_that_fails_doubles_the_pause_up_to_its_longest() -> None:
    breaker, now, pauses = failing(0), 0.0, []
    for _ in range(6):
        now = breaker.open_until
        assert breaker.admit(now) == 0
        breaker.failed(now)
        pauses.append(breaker.open_until - now)
    assert pauses[:3] == [60, 120, 240]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_a_probe_that_never_ends_or_was_left_lets_the_next_one_pass() -> None:
    breaker = failing(0)
    later = FIRST_PAUSE_S
    assert breaker.admit(later) == 0
    assert breaker.admit(later + PROBE_S) == 0
    breaker.abandoned()
    assert breaker.admit(later + PROBE_S) == 0
