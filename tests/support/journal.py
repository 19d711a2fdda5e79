"""What the media origin was asked, and how much it sent."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from msgspec import Struct


class Seen(Struct, kw_only=True):
    """One request. `headers` has lower-case names; `at` is Unix seconds; `sent` counts body bytes as they go out."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    client: str
    at: float
    status: int = 0
    sent: int = 0
    is_done: bool = False  # nothing more will be sent, for whatever reason

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


class Journal:
    """Requests in order of arrival. Written by the origin's thread, read by any."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.asked: Counter[str] = Counter()
        self.delivered: Counter[str] = Counter()

    def of(self, prefix: str) -> list[Seen]:
        """Requests whose path, faults' prefix removed, begins with `prefix`."""
        return [seen for seen in list(self.seen) if seen.path.startswith(prefix)]

    def clear(self) -> None:
        self.seen, self.asked, self.delivered = [], Counter(), Counter()

    def wait(self, prefix: str, count: int, timeout: float, also: Callable[[Seen], bool]) -> list[Seen]:
        """Block until `count` requests have come, in at most `timeout` seconds.

        :raises TimeoutError: naming what came instead.
        """
        deadline = time.monotonic() + timeout
        while len(found := [seen for seen in self.of(prefix) if also(seen)]) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(found)} of {count} requests for {prefix}; seen {[s.path for s in self.seen]}")
            time.sleep(0.02)
        return found

    async def wait_async(self, prefix: str, count: int, timeout: float, also: Callable[[Seen], bool]) -> list[Seen]:
        """As `wait`, for tests that live in an event loop."""
        return await asyncio.to_thread(self.wait, prefix, count, timeout, also)
