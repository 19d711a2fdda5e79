"""Token buckets: how fast one connection may speak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

LimitName = Literal["playback", "queue", "clock", "all"]

# (tokens per second, burst)
RATES: Final[dict[LimitName, tuple[float, float]]] = {
    "playback": (8, 12),
    "queue": (3, 10),
    "clock": (4, 8),
    "all": (30, 60),
}


@dataclass(slots=True)
class TokenBucket:
    """`rate` tokens per second up to `burst`. Full at first."""

    rate: float
    burst: float
    tokens: float
    at: float

    def take(self, now: float) -> int:
        """Take one token at `now` (monotonic seconds). Answers 0, or in how many ms there will be one."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return max(1, round((1 - self.tokens) / self.rate * 1000))
        self.tokens -= 1
        return 0


class Limits:
    """One connection's buckets."""

    def __init__(self, now: float) -> None:
        self._buckets = {name: TokenBucket(rate, burst, burst, now) for name, (rate, burst) in RATES.items()}

    def take(self, name: LimitName, now: float) -> int:
        """Take from the common bucket and from `name`'s. Answers 0, or when to retry in ms."""
        return self._buckets["all"].take(now) or (self._buckets[name].take(now) if name != "all" else 0)
