"""How members' players are, by what all replicas tell of their tabs."""

from __future__ import annotations

from itertools import permutations

from services.common.wire.models import MemberStatus
from services.sync.lights import STALE_S, Lights, worst

ANA = "guest-ana"
READY = MemberStatus(state="ready", drift=0.01, position=10.0)
AHEAD = MemberStatus(state="ready", drift=-0.4, position=10.0)
DRY = MemberStatus(state="stalled", position=9.0)
LOADING = MemberStatus(state="buffering", position=9.0)
HIDDEN = MemberStatus(state="hidden")


def test_the_worst_that_is_seen_counts_in_whatever_order() -> None:
    for some, expected in (
        ((READY, DRY, LOADING, HIDDEN), DRY),
        ((READY, LOADING, HIDDEN), LOADING),
        ((READY, AHEAD, HIDDEN), AHEAD),
        ((HIDDEN, READY), READY),
        ((HIDDEN,), HIDDEN),
    ):
        assert {worst(order) for order in permutations(some)} == {expected}
    assert worst(()) is None


def test_two_replicas_that_tell_in_turn_of_one_member_have_one_answer() -> None:
    lights = Lights()
    lights.tell("one", 100.0, {ANA: READY})
    answers = [
        lights.tell(replica, 100.0 + at, {ANA: status})[ANA]
        for at in range(1, 30, 5)
        for replica, status in (("two", HIDDEN), ("one", READY))
    ]
    assert set(answers) == {READY}
    assert lights.all() == {ANA: READY}


def test_a_replica_that_has_ended_says_nothing_any_more() -> None:
    lights = Lights()
    lights.tell("ended", 100.0, {ANA: DRY})
    assert lights.tell("two", 104.0, {ANA: READY}) == {ANA: DRY}
    assert lights.tell("two", 100.1 + STALE_S, {ANA: READY}) == {ANA: READY}
    assert lights.elsewhere(ANA, "two") == []


def test_what_was_told_before_the_clock_was_stepped_back_counts_no_longer() -> None:
    lights = Lights()
    lights.tell("ended", 5000.0, {ANA: DRY})
    assert lights.tell("two", 1000.0, {ANA: READY}) == {ANA: READY}


def test_a_tab_that_is_closed_leaves_the_answer_to_the_others() -> None:
    lights = Lights()
    lights.tell("one", 100.0, {ANA: DRY})
    lights.tell("two", 101.0, {ANA: READY})
    assert lights.elsewhere(ANA, "two") == [DRY]
    assert lights.tell("one", 102.0, {}, [ANA, "guest-nobody"]) == {ANA: READY}
    # The last one stays until its member leaves.
    assert lights.tell("two", 103.0, {}, [ANA]) == {ANA: READY}
    lights.keep(lambda member: False)
    assert lights.all() == {}


def test_an_older_version_is_heard_and_outlived() -> None:
    lights = Lights()
    lights.tell("new", 100.0, {ANA: READY})
    assert lights.tell("", None, {ANA: DRY}) == {ANA: DRY}
    assert lights.tell("new", 110.0, {ANA: READY}) == {ANA: DRY}
    assert lights.tell("new", 120.0, {ANA: READY}) == {ANA: READY}
