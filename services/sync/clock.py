"""The room clock: Redis' time, kept as an offset to our monotonic clock; one for each master of a Cluster."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# How fast two clocks may part: quartz is right to 20 ppm or so, and ntpd slews by more while it corrects.
_PARTING: Final = 100e-6
# Beyond the errors of two readings the offset may drift by so much while the older one is kept.
_DRIFT_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading: `offset` = Redis time minus monotonic time, `rtt` and `at` (monotonic), all in seconds."""

    offset: float
    rtt: float
    at: float

    def error_at(self, now: float) -> float:
        """By how much the offset may be wrong at `now`: half the round trip, and more as the reading grows old."""
        return self.rtt / 2 + _PARTING * max(0.0, now - self.at)


class MasterClock:
    """The time of one master, and when that master could be reached.

    A lease that ended while nobody could renew it says nothing of its member. So after a silence of more than
    `silence_s`, and for `lease_s` after it, leases are judged only as of before the silence.
    """

    def __init__(self, silence_s: float, lease_s: float) -> None:
        self._silence_s = silence_s
        self._lease_s = lease_s
        self._best: Sample | None = None
        self._reached_at: float | None = None
        self._judged_until = 0.0
        self._held_until = float("-inf")
        self.offset = 0.0

    @property
    def rtt(self) -> float:
        """The round trip of the reading that counts, seconds; 0 without one."""
        return self._best.rtt if self._best else 0.0

    def error_at(self, now: float) -> float:
        """By how much the offset may be wrong, seconds; infinite without a reading."""
        return self._best.error_at(now) if self._best else math.inf

    def add(self, sent: float, redis_time: float, received: float) -> float:
        """Take one reading. Answers by how much the master's clock was stepped, 0 if it was not."""
        rtt = received - sent
        sample = Sample(redis_time - (sent + rtt / 2), rtt, received)
        self._reach(received)
        step = self._step(sample)
        if step:
            self.hold(received)
        if step or sample.error_at(received) <= self.error_at(received):
            self._best = sample
            self.offset = sample.offset
        return step

    def is_stepped(self, sent: float, redis_time: float, received: float) -> bool:
        """Whether a reading can't be of the clock that was read before."""
        rtt = received - sent
        return self._step(Sample(redis_time - (sent + rtt / 2), rtt, received)) != 0

    def reset(self, now: float) -> None:
        """Another history has another clock. The last offset holds until the next reading."""
        self.hold(now)
        self._best = None

    def hold(self, now: float) -> None:
        """From now on, for one lease, judge no lease that did not end before the master was last reached."""
        if now >= self._held_until:
            reached_at = now if self._reached_at is None else self._reached_at
            self._judged_until = reached_at + self.offset
        self._held_until = now + self._lease_s

    def judged_until(self, now: float) -> float:
        """Up to when (room clock) leases may be judged at `now` (monotonic)."""
        if now < self._held_until:
            return self._judged_until
        if self._reached_at is not None and now - self._reached_at > self._silence_s:
            return self._reached_at + self.offset
        return now + self.offset

    def _reach(self, now: float) -> None:
        if self._reached_at is not None and now - self._reached_at > self._silence_s:
            self.hold(now)
        self._reached_at = now

    def _step(self, sample: Sample) -> float:
        best = self._best
        if best is None:
            return 0.0
        moved = sample.offset - best.offset
        return moved if abs(moved) > (sample.rtt + best.rtt) / 2 + _DRIFT_S else 0.0


class RoomClock:
    """Tells Redis' time without asking. A reading must have been added once before `now`.

    `holder` names the master that holds a room. A room whose master was not read yet is told another's time.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        holder: Callable[[str], str] = lambda room: "",
        silence_s: float = 4.0,
        lease_s: float = 25.0,
    ) -> None:
        # Seconds on this process's own clock, for deadlines.
        self.monotonic: Callable[[], float] = monotonic
        self._holder = holder
        self.silence_s = silence_s
        self._lease_s = lease_s
        self._clocks: dict[str, MasterClock] = {}
        self._unread = MasterClock(silence_s, lease_s)

    @property
    def rtt(self) -> float:
        """The round trip of the reading that counts, of the slowest master, seconds; 0 without a reading."""
        return max((clock.rtt for clock in self._clocks.values()), default=0.0)

    def now(self, room: str = "") -> float:
        """Unix seconds on the clock of a room, or of any master."""
        return self.monotonic() + self._of(room).offset

    def judged_until(self, room: str) -> float:
        """Up to when (room clock) leases in this room may be judged: not while nobody could renew one."""
        return self._of(room).judged_until(self.monotonic())

    @property
    def is_known(self) -> bool:
        """Whether any master's clock was read: before that `now` means nothing."""
        return bool(self._clocks)

    def error_s(self, master: str) -> float:
        """By how much a master's clock may be misread now, seconds; infinite without a reading."""
        return self._clocks[master].error_at(self.monotonic()) if master in self._clocks else math.inf

    def add(self, sent: float, redis_time: float, received: float, master: str = "") -> float:
        """Take one reading: asked at `sent`, answered at `received` (both `monotonic`).

        Answers by how many seconds the master's wall clock was stepped since, 0 if it was not.
        """
        clock = self._clocks.get(master)
        if clock is None:
            clock = self._clocks[master] = MasterClock(self.silence_s, self._lease_s)
        return clock.add(sent, redis_time, received)

    def is_stepped(self, sent: float, redis_time: float, received: float, master: str = "") -> bool:
        """Whether a reading, as `add` takes it, says that the master's wall clock was stepped."""
        clock = self._clocks.get(master)
        return clock is not None and clock.is_stepped(sent, redis_time, received)

    def reset(self, master: str = "") -> None:
        """Forget a master's readings: another Redis history has another clock."""
        if master in self._clocks:
            self._clocks[master].reset(self.monotonic())

    def keep(self, masters: set[str]) -> None:
        """Forget every other master."""
        if masters:
            self._clocks = {name: clock for name, clock in self._clocks.items() if name in masters}

    def _of(self, room: str) -> MasterClock:
        clock = self._clocks.get(self._holder(room))
        return clock if clock is not None else next(iter(self._clocks.values()), self._unread)
