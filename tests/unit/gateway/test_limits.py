"""Limits by address."""

from __future__ import annotations

import pytest

from services.common.errors import Refused
from services.gateway import limits
from services.gateway.limits import AddressLimit


def wait_ms(limit: AddressLimit, address: str, now: float) -> int:
    """How long `address` must wait; 0 if it may go on."""
    try:
        limit.take(address, now)
    except Refused as refusal:
        return refusal.retry_after_ms or -1
    return 0


def test_an_address_that_asks_too_often_is_told_when_to_come_back() -> None:
    limit = AddressLimit("resolve", 60)
    assert [wait_ms(limit, "203.0.113.9", 0.0) for _ in range(60)] == [0] * 60
    assert wait_ms(limit, "203.0.113.9", 0.0) == 1000
    assert wait_ms(limit, "203.0.113.9", 0.4) == 600
    assert wait_ms(limit, "203.0.113.9", 1.1) == 0


def test_another_address_is_not_held_up() -> None:
    limit = AddressLimit("resolve", 1)
    assert wait_ms(limit, "203.0.113.9", 0.0) == 0
    assert wait_ms(limit, "203.0.113.10", 0.0) == 0
    assert wait_ms(limit, "203.0.113.9", 0.0) > 0


def test_a_home_with_many_ipv6_addresses_is_one_caller() -> None:
    limit = AddressLimit("resolve", 1)
    assert wait_ms(limit, "2001:db8::1", 0.0) == 0
    assert wait_ms(limit, "2001:db8::2", 0.0) > 0


def test_zero_means_no_limit() -> None:
    limit = AddressLimit("resolve", 0)
    assert all(wait_ms(limit, "203.0.113.9", 0.0) == 0 for _ in range(1000))


def test_memory_stays_bounded_and_forgets_who_asked_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_ADDRESSES", 3)
    limit = AddressLimit("resolve", 1)
    for host in range(5):
        limit.take(f"203.0.113.{host}", 0.0)
    assert list(limit._buckets) == ["203.0.113.2", "203.0.113.3", "203.0.113.4"]


def test_the_refusal_has_a_code_of_its_own() -> None:
    limit = AddressLimit("resolve", 1)
    limit.take("203.0.113.9", 0.0)
    with pytest.raises(Refused) as refused:
        limit.take("203.0.113.9", 0.0)
    assert refused.value.code == "too_many_requests"
