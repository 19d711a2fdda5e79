"""How often one address may ask, on this replica."""

from __future__ import annotations

from typing import Final

from services.common.bucket import TokenBucket
from services.common.errors import Refused
from services.common.net import address_group
from services.gateway import metrics

MOST_ADDRESSES: Final = 10_000


class AddressLimit:
    """One token bucket per caller's address. Those who have not asked for longest are forgotten first."""

    def __init__(self, what: str, per_minute: int) -> None:
        """:param per_minute: the rate, and the burst; 0 for no limit."""
        self._what = what
        self._per_minute = per_minute
        self._buckets: dict[str, TokenBucket] = {}

    def take(self, address: str, now: float) -> None:
        """Let `address` go on at `now` (monotonic seconds).

        :raises Refused: `too_many_requests`, saying when to come back.
        """
        if not self._per_minute:
            return
        who = address_group(address)
        bucket = self._buckets.pop(who, None) or TokenBucket(
            self._per_minute / 60, self._per_minute, self._per_minute, now
        )
        self._buckets[who] = bucket
        if len(self._buckets) > MOST_ADDRESSES:
            del self._buckets[next(iter(self._buckets))]
        if wait_ms := bucket.take(now):
            metrics.LIMITED.labels(self._what).inc()
            raise Refused("too_many_requests", "That was too often. Wait a moment.", retry_after_ms=wait_ms)
