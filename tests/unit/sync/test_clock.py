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


def test_after_a_reset_the_old_offset_holds_until_the_first_new_reading() -> None:
    fake = Clock()
    clock = clock_at(fake)
    sent = fake.monotonic()
    clock.add(sent, 1000.0, sent)
    clock.reset()
    assert clock.now() == pytest.approx(1000.0)
    clock.add(sent, 700.0, sent + 0.5)
    assert clock.now() == pytest.approx(700.0 - 0.25)
