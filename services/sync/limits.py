"""Token buckets: how fast one connection may speak."""

from __future__ import annotations

from typing import Final, Literal

from services.common.bucket import TokenBucket

LimitName = Literal["playback", "queue", "chat", "people", "clock", "all"]

# (tokens per second, burst)
RATES: Final[dict[LimitName, tuple[float, float]]] = {
    "playback": (8, 12),
    "queue": (3, 10),
    "chat": (2, 6),
    # Settings, roles, names: rare, and dear to everybody. A password takes tens of milliseconds to hash.
    "people": (2, 6),
    "clock": (4, 8),
    "all": (30, 60),
}


class Limits:
    """One connection's buckets. Most sockets never use most of them."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: dict[LimitName, TokenBucket] = {}

    def take(self, name: LimitName, now: float) -> int:
        """Take from the common bucket and from `name`'s. Answers 0, or when to retry in ms."""
        return self._bucket("all", now).take(now) or (self._bucket(name, now).take(now) if name != "all" else 0)

    def _bucket(self, name: LimitName, now: float) -> TokenBucket:
        found = self._buckets.get(name)
        if found is None:
            rate, burst = RATES[name]
            found = self._buckets[name] = TokenBucket(rate, burst, burst, now)
        return found
