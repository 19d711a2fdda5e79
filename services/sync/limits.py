"""How fast one connection may speak, and how many sockets one address may have."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from services.common.bucket import TokenBucket
from services.common.errors import Refused
from services.common.net import limited_address
from services.sync import metrics

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


class AddressSockets:
    """How many sockets each address has on this replica."""

    def __init__(self, most: int) -> None:
        """:param most: of one address; 0 for no limit."""
        self._most = most
        self._open: Counter[str] = Counter()

    @contextlib.contextmanager
    def hold(self, address: str) -> Iterator[None]:
        """Count a socket while it is open.

        :raises Refused: `too_many_from_address`.
        """
        who = limited_address(address) if self._most else ""
        if not who:
            yield
            return
        if self._open[who] >= self._most:
            metrics.LIMITED.labels("address").inc()
            raise Refused("too_many_from_address", "Too many are here from your network. Try again later.")
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]
