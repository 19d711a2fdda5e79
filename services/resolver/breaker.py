"""When a site is left alone for a while, because it fails every time: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

State = Literal["closed", "open", "half_open"]

FAILURES: Final = 5
FIRST_PAUSE_S: Final = 30.0
LONGEST_PAUSE_S: Final = 300.0
# A probe that never told its end (its worker died) does not keep others out for longer.
PROBE_S: Final = 90.0


@dataclass(slots=True)
class Breaker:
    """Opens after five failures in a row; then one probe after each pause, the pauses growing to five minutes.

    Times are seconds on one clock, of all who share it.
    """

    failures: int = 0
    open_until: float = 0.0
    probing_since: float | None = None

    def state(self, now: float) -> State:
        """What the next caller meets."""
        if self.failures < FAILURES:
            return "closed"
        return "half_open" if now >= self.open_until else "open"

    def admit(self, now: float) -> float:
        """Let a caller pass (0.0), who must tell how it went; or how many seconds to wait."""
        state = self.state(now)
        if state == "closed":
            return 0.0
        if state == "open":
            return self.open_until - now
        if self.probing_since is not None and now - self.probing_since < PROBE_S:
            return FIRST_PAUSE_S
        self.probing_since = now
        return 0.0

    def succeeded(self) -> None:
        """The site answered: be it with a refusal."""
        self.failures, self.open_until, self.probing_since = 0, 0.0, None

    def failed(self, now: float) -> None:
        """The site did not."""
        self.failures += 1
        self.probing_since = None
        if self.failures >= FAILURES:
            pause = FIRST_PAUSE_S * 2 ** min(self.failures - FAILURES, 8)
            self.open_until = now + min(pause, LONGEST_PAUSE_S)

    def abandoned(self) -> None:
        """A caller left before it was known how it went."""
        self.probing_since = None
