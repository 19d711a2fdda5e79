"""A simulated player: it keeps a position by its own clock, seeks take time, and it runs dry on demand. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Beyond this a viewer seeks; within, it is in sync.
BAND_S: Final = 0.5


@dataclass(slots=True)
class Player:
    """Times are the viewer's own seconds. `seek_cost_s`: how long a seek takes, during which nothing plays."""

    seek_cost_s: float = 0.1
    rate: float = 1.0
    is_playing: bool = False
    seeks: int = 0
    _position: float = 0.0
    _at: float = 0.0
    _ready_at: float = 0.0
    _is_dry: bool = False

    def position(self, now: float) -> float:
        """What is on the screen, seconds of the media."""
        if not self.is_playing or self._is_dry:
            return self._position
        return self._position + self.rate * max(0.0, now - max(self._at, self._ready_at))

    def is_stalled(self, now: float) -> bool:
        """Whether it should play and can't."""
        return self._is_dry or now < self._ready_at

    def stall(self, now: float) -> None:
        """Nothing more is buffered."""
        self._hold(now)
        self._is_dry = True

    def refill(self, now: float) -> None:
        """It can go on, from where it stopped."""
        self._hold(now)
        self._is_dry = False

    def follow(self, target: float, *, is_playing: bool, rate: float, now: float) -> None:
        """Do as the room does, whose position is `target`: a seek if it is too far, aimed at where it will be."""
        self._hold(now)
        self.rate, self.is_playing = rate, is_playing
        off = abs(target - self._position)
        if now < self._ready_at or off <= (BAND_S if is_playing else 0.0):
            return
        ahead = self.seek_cost_s * rate if is_playing else 0.0
        self._position = target + ahead
        self._ready_at = now + self.seek_cost_s
        self.seeks += 1

    def _hold(self, now: float) -> None:
        self._position, self._at = self.position(now), now
