"""How much one caller may ask of this node: requests a second, and answers at a time."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from services.common.bucket import TokenBucket
from services.common.errors import Refused
from services.proxy import metrics
from services.proxy.callers import CallerId

MOST_CALLERS: Final = 10_000
# A player that seeks asks for many things at once.
BURST_S: Final = 4.0
# When to come back after too many answers at a time.
STREAMS_RETRY_MS: Final = 1000

What = Literal["address", "person"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one caller may have. 0: as much as they like."""

    requests_per_s: int
    streams: int


class Limits:
    """All callers of this process."""

    def __init__(self, address: Allowance, person: Allowance) -> None:
        self._allowances: tuple[tuple[What, Allowance], ...] = (("address", address), ("person", person))
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()
        self._streams: dict[tuple[str, str], int] = {}

    def admit(self, caller: CallerId, now: float) -> None:
        """Let a request of `caller` through at `now` (monotonic seconds).

        :raises Refused: `too_many_requests`, saying when to come back.
        """
        for (what, allowed), who in zip(self._allowances, caller, strict=True):
            if not who or not allowed.requests_per_s:
                continue
            key = (what, who)
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = _full(allowed.requests_per_s, now)
                if len(self._buckets) > MOST_CALLERS:
                    self._buckets.popitem(last=False)
            else:
                self._buckets.move_to_end(key)
            if wait_ms := bucket.take(now):
                raise _refused(what, wait_ms)

    @contextlib.contextmanager
    def stream(self, caller: CallerId) -> Iterator[None]:
        """Count an answer of `caller` while it is being sent.

        :raises Refused: `too_many_requests` if they have as many as they may.
        """
        held = [(what, who) for (what, _), who in zip(self._allowances, caller, strict=True) if who]
        for (what, allowed), who in zip(self._allowances, caller, strict=True):
            if who and allowed.streams and self._streams.get((what, who), 0) >= allowed.streams:
                raise _refused(what, STREAMS_RETRY_MS)
        for key in held:
            self._streams[key] = self._streams.get(key, 0) + 1
        try:
            yield
        finally:
            for key in held:
                self._streams[key] -= 1
                if not self._streams[key]:
                    del self._streams[key]


def _full(rate: int, now: float) -> TokenBucket:
    return TokenBucket(rate, rate * BURST_S, rate * BURST_S, now)


def _refused(what: What, wait_ms: int) -> Refused:
    metrics.LIMITED.labels(what).inc()
    whose = "this address" if what == "address" else "you"
    return Refused("too_many_requests", f"Too much is being asked for by {whose}.", retry_after_ms=wait_ms)
