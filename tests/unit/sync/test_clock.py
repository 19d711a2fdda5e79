import math

import pytest

from services.sync.clock import RoomClock
from tests.support.clock import Clock


def clock_at(fake: Clock) -> RoomClock:
    return RoomClock(fake.monotonic)


def test_the_clock_tells_redis_time_as_it_passes() -> None:
    fake = Clock()
    clock = clock_at(fake)
    sent = fake.monotonic()
    clock.add(sent, 5000.0, sent)
    fake.advance(2.5)
    assert clock.now() == pytest.approx(5002.5)


def test_the_least_delayed_reading_counts() -> None:
    fake = Clock()
    clock = clock_at(fake)
    sent = fake.monotonic()
    clock.add(sent, 1000.0, sent + 0.002)
    clock.add(sent, 1000.4, sent + 1.0)
    assert clock.rtt == pytest.approx(0.002)
    assert clock.now() == pytest.approx(1000.0 - 0.001)


def test_an_old_reading_outlives_a_minute_of_delayed_ones() -> None:
    fake = Clock()
    clock = clock_at(fake)
    clock.add(fake.monotonic(), 1000.0, fake.monotonic() + 0.002)
    for n in range(1, 31):
        fake.advance(2)
        clock.add(fake.monotonic(), 1000.0 + 2 * n, fake.monotonic() + 0.8)
    assert clock.now() == pytest.approx(1060.0, abs=0.002)


def test_a_reading_counts_until_the_clocks_may_have_parted_by_more_than_a_newer_one_was_delayed() -> None:
    fake = Clock()
    clock = clock_at(fake)
    clock.add(fake.monotonic(), 1000.0, fake.monotonic() + 0.002)
    fake.advance(300)
    later = 1300.0 + 300 * 50e-6
    clock.add(fake.monotonic(), later, fake.monotonic() + 0.002)
    assert clock.now() == pytest.approx(later - 0.001, abs=1e-6)


def test_it_is_told_how_wrong_a_clock_may_be() -> None:
    fake = Clock()
    clock = clock_at(fake)
    assert clock.error_s("") == math.inf
    clock.add(fake.monotonic(), 1000.0, fake.monotonic() + 0.2)
    assert clock.error_s("") == pytest.approx(0.1, abs=0.001)


def test_after_a_reset_the_old_offset_holds_until_the_first_new_reading() -> None:
    fake = Clock()
    clock = clock_at(fake)
    sent = fake.monotonic()
    clock.add(sent, 1000.0, sent)
    clock.reset()
    assert clock.now() == pytest.approx(1000.0)
    clock.add(sent, 700.0, sent + 0.5)
    assert clock.now() == pytest.approx(700.0 - 0.25)


def read(clock: RoomClock, fake: Clock, redis_time: float, master: str = "") -> float:
    sent = fake.monotonic()
    return clock.add(sent, redis_time, sent + 0.001, master)


def test_a_step_of_redis_clock_is_told_and_followed() -> None:
    fake = Clock()
    clock = clock_at(fake)
    assert read(clock, fake, 5000.0) == 0
    fake.advance(2)
    assert read(clock, fake, 5062.0) == pytest.approx(60)
    assert clock.now() == pytest.approx(5062, abs=0.01)
    fake.advance(2)
    assert read(clock, fake, 5064.0) == 0


def test_a_delayed_reading_is_no_step() -> None:
    fake = Clock()
    clock = clock_at(fake)
    read(clock, fake, 5000.0)
    sent = fake.monotonic()
    assert clock.add(sent, 5001.9, sent + 2) == 0
    assert clock.now() == pytest.approx(5000, abs=0.01)


def test_rooms_follow_the_clock_of_their_own_master() -> None:
    fake = Clock()
    clock = RoomClock(fake.monotonic, holder={"film": "a", "show": "b"}.__getitem__)
    read(clock, fake, 5000.0, "a")
    read(clock, fake, 9000.0, "b")
    assert [clock.now("film"), clock.now("show")] == pytest.approx([5000, 9000], abs=0.01)


def test_leases_are_judged_as_of_now_while_redis_answers() -> None:
    fake = Clock()
    clock = clock_at(fake)
    for n in range(5):
        read(clock, fake, 5000.0 + 2 * n)
        fake.advance(2)
    assert clock.judged_until("film") == pytest.approx(5010, abs=0.01)


def test_after_a_silence_leases_are_judged_as_of_before_it_for_one_lease() -> None:
    fake = Clock()
    clock = RoomClock(fake.monotonic, silence_s=4, lease_s=25)
    read(clock, fake, 5000.0)
    fake.advance(40)
    during = clock.judged_until("film")
    read(clock, fake, 5040.0)
    fake.advance(1)
    after = clock.judged_until("film")
    read(clock, fake, 5041.0)
    fake.advance(3)
    read(clock, fake, 5044.0)
    for _ in range(11):
        fake.advance(2)
        read(clock, fake, clock.now())
    assert [during, after] == pytest.approx([5000, 5000], abs=0.01)
    assert clock.judged_until("film") == pytest.approx(clock.now(), abs=0.01)


def test_a_step_forward_ends_no_lease() -> None:
    fake = Clock()
    clock = clock_at(fake)
    read(clock, fake, 5000.0)
    fake.advance(2)
    read(clock, fake, 5062.0)
    assert clock.judged_until("film") == pytest.approx(5002, abs=0.01)


def test_another_history_ends_no_lease() -> None:
    fake = Clock()
    clock = clock_at(fake)
    read(clock, fake, 5000.0)
    fake.advance(1)
    clock.reset()
    assert clock.judged_until("film") == pytest.approx(5000, abs=0.01)
