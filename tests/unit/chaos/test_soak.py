"""A soak must name what leaks, and take a cache that fills for what it is."""

from __future__ import annotations

from collections import Counter

from services.common.keys import Keys
from tests.chaos.census import census
from tests.chaos.soak import OF_PEOPLE, Sample, Soak, kind_of


def soaked(*levels: int) -> Soak:
    """A soak in which so many `Outbox` objects were there."""
    samples = [Sample(float(at), 1000, 50, 20, Counter({"Outbox": level})) for at, level in enumerate(levels)]
    soak = Soak(0, samples)
    soak.judge()
    return soak


def test_what_grows_all_the_time_is_named() -> None:
    assert soaked(*range(0, 1200, 50)).failures == ["more and more: Outbox went from 475 to 1075"]


def test_a_cache_that_fills_and_stops_is_no_leak() -> None:
    assert soaked(*range(0, 900, 75), *[900] * 12).failures == []


def test_noise_is_no_leak() -> None:
    assert soaked(*(500 + 40 * (at % 3) for at in range(24))).failures == []


def test_a_census_counts_objects_and_what_lies_in_our_attributes() -> None:
    before = census()
    held = [Keys(f"census{number}") for number in range(7)]
    after = census()
    kind = "services.common.keys.Keys"
    assert after[kind] - before[kind] == len(held)


def test_keys_of_one_kind_have_one_name() -> None:
    keys = Keys("party")
    assert kind_of(keys.room("room-1")) == kind_of(keys.room("room-2"))
    assert kind_of(keys.history("guest-v5ivuq")) == kind_of(keys.history("guest-0abc"))
    assert kind_of(keys.history("guest-v5ivuq")) in OF_PEOPLE
