"""The room clock: Redis' time, kept as an offset to this process's monotonic clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_SAMPLES: Final = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading: `offset` = Redis time minus monotonic time, both in seconds, `rtt` in seconds."""

    offset: float
    rtt: float


def best_offset(samples: deque[Sample]) -> Sample:
    """The sample that was least delayed: its error is at most half its round trip."""
    return min(samples, key=lambda sample: sample.rtt)


class RoomClock:
    """Tells Redis' time without asking. `sample` must have been called once before `now`."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._samples: deque[Sample] = deque(maxlen=_SAMPLES)
        self._offset = 0.0

    @property
    def rtt(self) -> float:
        """The smallest recent round trip, seconds."""
        return best_offset(self._samples).rtt if self._samples else 0.0

    def now(self) -> float:
        """Unix seconds on the room clock."""
        return self._monotonic() + self._offset

    def monotonic(self) -> float:
        """Seconds on this process's own clock, for deadlines."""
        return self._monotonic()

    def add(self, sent: float, redis_time: float, received: float) -> None:
        """Take one reading: asked at `sent`, answered at `received` (both `monotonic`)."""
        rtt = received - sent
        self._samples.append(Sample(redis_time - (sent + rtt / 2), rtt))
        self._offset = best_offset(self._samples).offset

    def reset(self) -> None:
        """Forget all readings: another Redis history has another clock. The last offset holds until the next."""
        self._samples.clear()
