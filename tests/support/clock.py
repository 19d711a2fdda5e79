"""A clock that stands still until it is told to go on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """Monotonic and wall time in seconds, which advance together. `wall` may be stepped alone, as clocks are."""

    monotonic_s: float = 1000.0
    wall_s: float = 1_700_000_000.0

    def monotonic(self) -> float:
        return self.monotonic_s

    def wall(self) -> float:
        return self.wall_s

    def advance(self, seconds: float) -> None:
        """Let time pass.

        :raises ValueError: for a negative time, which only `step` can go.
        """
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self.monotonic_s += seconds
        self.wall_s += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back; monotonic time does not notice."""
        self.wall_s += seconds
