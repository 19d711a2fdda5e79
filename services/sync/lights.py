"""How members' players are, by what all replicas tell of their tabs: one answer for each member. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from services.common.wire.models import MemberStatus, Model, PlayerState

# Pages report every five seconds: a replica that told nothing of a member for so long, while another did, has ended.
STALE_S: Final = 15.0
# Of several tabs the worst that is seen counts: the room waits for it, too. What nobody sees counts least.
_BADNESS: Final[dict[PlayerState, int]] = {"hidden": 0, "ready": 1, "buffering": 2, "stalled": 3}


class Digest(Model, kw_only=True, frozen=True):
    """What replicas tell each other as `statuses`: how some members' tabs are at `replica`, and which members have none
    there any more. `at` is Unix seconds on the room clock. Older versions tell `members` alone, and pass the rest on.
    """

    members: dict[str, MemberStatus]
    replica: str = ""
    at: float | None = None
    gone: list[str] = msgspec.field(default_factory=list)


class Told(NamedTuple):
    """What a replica told last of a member, and when (Unix seconds on the room clock, as it said)."""

    status: MemberStatus
    at: float


def worst(statuses: Iterable[MemberStatus]) -> MemberStatus | None:
    """The one that counts, whatever their order; None of none."""
    return max(statuses, key=_badness, default=None)


def is_dry(status: MemberStatus) -> bool:
    """Whether a player stands for want of data."""
    return status.state in ("buffering", "stalled")


def _badness(status: MemberStatus) -> tuple[int, float, float]:
    return _BADNESS[status.state], abs(status.drift or 0.0), status.position or 0.0


@dataclass(slots=True)
class Lights:
    """Every replica hears the same in the same order, and so has the same answers."""

    _told: dict[str, dict[str, Told]] = field(default_factory=dict)

    def tell(
        self, replica: str, at: float | None, members: Mapping[str, MemberStatus], gone: Iterable[str] = ()
    ) -> dict[str, MemberStatus]:
        """Take a replica's word at `at` (None: an older version's) on members, and on those who have no tab there any
        more. Answers how all of these are now, as far as anybody knows.
        """
        for member, status in members.items():
            theirs = self._told.setdefault(member, {})
            now = max((told.at for told in theirs.values()), default=0.0) if at is None else at
            theirs[replica] = Told(status, now)
            # From the future is what was told before the clock was stepped.
            self._told[member] = {name: told for name, told in theirs.items() if abs(told.at - now) <= STALE_S}
        for member in gone:
            # Who is nowhere is as they were until they leave.
            if len(self._told.get(member, {})) > 1:
                self._told[member].pop(replica, None)
        return {member: self._of(member) for member in (*members, *gone) if member in self._told}

    def keep(self, is_here: Callable[[str], bool]) -> None:
        """Forget who is not in the room any more."""
        self._told = {member: told for member, told in self._told.items() if is_here(member)}

    def all(self) -> dict[str, MemberStatus]:
        """Everybody's."""
        return {member: self._of(member) for member in self._told}

    def elsewhere(self, member: str, replica: str) -> list[MemberStatus]:
        """How a member's tabs are at other replicas than `replica`."""
        return [told.status for name, told in self._told.get(member, {}).items() if name != replica]

    def _of(self, member: str) -> MemberStatus:
        status = worst(told.status for told in self._told[member].values())
        assert status is not None
        return status
