"""Token buckets: how fast one connection may speak."""

from __future__ import annotations

from typing import Final, Literal

from services.common.bucket import TokenBucket

LimitName = Literal["playback", "queue", "chat", "clock", "all"]

# (tokens per second, burst)
RATES: Final[dict[LimitName, tuple[float, float]]] = {
    "playback": (8, 12),
    "queue": (3, 10),
    "chat": (2, 6),
    "clock": (4, 8),
    "all": (30, 60),
}


class Limits:
    """One connection's buckets."""

    def __init__(self, now: float) -> None:
        self._buckets = {name: TokenBucket(rate, burst, burst, now) for name, (rate, burst) in RATES.items()}

    def take(self, name: LimitName, now: float) -> int:
        """Take from the common bucket and from `name`'s. Answers 0, or when to retry in ms."""
        return self._buckets["all"].take(now) or (self._buckets[name].take(now) if name != "all" else 0)
