from __future__ import annotations

import time

from tests.chaos.crowd import Crowd
from tests.chaos.stage import Stage
from tests.support.viewer import Viewer


def crowd(*members: str) -> Crowd:
    """A crowd of one viewer, Ana, to whom these members are shown."""
    found = Crowd(Stage(1, {}), "room", 1, 0)
    ana = Viewer([], "room", "Ana")
    ana.id = "ana"
    ana.picture.members = {member: {} for member in members}
    found.viewers.append(ana)
    return found


def test_who_left_long_ago_and_is_still_shown_is_a_ghost() -> None:
    people = crowd("ana", "ben", "cleo")
    people.gone = {"ben": time.monotonic() - 30, "cleo": time.monotonic() - 5}
    assert people.ghosts(26) == ["ben"]


def test_a_stranger_who_stays_becomes_a_ghost() -> None:
    people = crowd("ana", "nobody")
    assert people.ghosts(26) == []
    people.gone["nobody"] -= 30
    assert people.ghosts(26) == ["nobody"]
