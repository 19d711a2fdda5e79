"""A viewer's own clock, wrong as clocks are, and what it knows of the room's."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

SAMPLES: Final = 8


class Timepiece:
    """Seconds that are `skew_s` off and gain `drift` seconds each second. `source` is the true time."""

    def __init__(self, skew_s: float = 0.0, drift: float = 0.0, source: Callable[[], float] = time.monotonic) -> None:
        self.skew_s = skew_s
        self.drift = drift
        self._source = source
        self._began = source()

    def now(self) -> float:
        """What this clock shows."""
        true = self._source()
        return true + self.skew_s + (true - self._began) * self.drift

    def sleep(self, seconds: float) -> None:
        """The machine slept: by this clock so much time has passed at once."""
        self.skew_s += seconds


class RoomTime:
    """The room's clock as an offset from one's own: of the last 8 samples the one with the shortest round trip."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=SAMPLES)

    @property
    def is_known(self) -> bool:
        return bool(self._samples)

    @property
    def error_s(self) -> float:
        """The most that `at` can be wrong by: half the shortest round trip."""
        return min(self._samples)[0] / 2

    def add(self, sent: float, server_time: float, received: float) -> None:
        """Take a `clock` answer: `sent` and `received` are one's own time."""
        rtt = received - sent
        self._samples.append((rtt, server_time - sent - rtt / 2))

    def flush(self) -> None:
        """Forget everything: the machine slept, or another Redis history has another clock."""
        self._samples.clear()

    def at(self, own: float) -> float:
        """The room's time when one's own clock shows `own`. It must be known."""
        return own + min(self._samples)[1]
