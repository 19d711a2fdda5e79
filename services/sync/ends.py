"""When the first lease of a room ends: until then nobody needs to look who has gone."""

from __future__ import annotations

from typing import Final

from services.common.room.directory import Directory
from services.sync.clock import RoomClock

# A lease may be made shorter (a hidden page is looked at again): no room is left alone for longer than this. Longer
# than the time between two renewals, each of which says anew when the first lease ends.
_LOOK_AGAIN_S: Final = 10.0
# Rooms that are told of by one write: each costs as much as a lease's renewal otherwise.
_AT_ONCE: Final = 32


class Ends:
    """What this replica knows of its rooms' leases, and tells (`rooms_due`) whoever has to sweep in its place."""

    def __init__(self, directory: Directory, clock: RoomClock) -> None:
        self._directory = directory
        self._clock = clock
        # Until when (monotonic) no lease of a room ends.
        self._quiet: dict[str, float] = {}
        self._untold: dict[str, float | None] = {}

    async def note(self, room: str, first_ms: float | None) -> None:
        """The first lease of a room ends then (room clock, ms; None: nobody is there)."""
        quiet_s = first_ms / 1000 - self._clock.now(room) if first_ms else 0.0
        self._quiet[room] = self._clock.monotonic() + min(quiet_s, _LOOK_AGAIN_S)
        self._untold[room] = first_ms
        if len(self._untold) >= _AT_ONCE:
            await self.tell()

    async def tell(self) -> None:
        """Tell what was noted and not told yet.

        :raises Unavailable: if Redis does not answer; the next round notes all of it again.
        """
        untold, self._untold = self._untold, {}
        if untold:
            await self._directory.set_due(untold)

    def near(self, hosted: set[str]) -> set[str]:
        """Those of the hosted rooms in which a lease may have ended. What is known of other rooms is forgotten.

        In a room that is new here a lease has just begun; of those that were there before, others have told.
        """
        now = self._clock.monotonic()
        begins = now + _LOOK_AGAIN_S
        self._quiet = {room: self._quiet.get(room, begins) for room in hosted}
        return {room for room, until in self._quiet.items() if until <= now}
