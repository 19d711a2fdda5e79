"""A party's bookkeeping must notice what a broken server would do."""

from __future__ import annotations

from itertools import islice
from typing import Any

from tests.chaos.frames import frames
from tests.chaos.ledger import Ledger
from tests.support.invariants import broken_promises, divergence
from tests.support.outbox import Command
from tests.support.picture import Link
from tests.support.viewer import Viewer


def event(kind: str, version: int, prev: int, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "version": version, "prev": prev, "run": "r1", **fields}


def added(version: int, prev: int, url: str) -> dict[str, Any]:
    return event("queue_update", version, prev, op="add", item={"url": url})


def acknowledged(kind: str, version: int, **fields: Any) -> Command:
    return Command(f"{kind}-{version}", kind, fields, made_at=0.0, version=version)


def test_what_was_acknowledged_and_is_in_no_event_is_lost() -> None:
    ledger = Ledger("room")
    ledger.take(added(2, 1, "a"))
    ledger.judge([acknowledged("queue_add", 2, url="a"), acknowledged("queue_add", 3, url="b")])
    ledger.judge([acknowledged("seek", 2, timestamp=1.0), acknowledged("chat", 2, text="hi")])
    assert [words.split()[0] for _, words in ledger.lost] == ["queue_add", "seek", "chat"]
    assert ledger.acknowledged == 4


def test_what_happened_twice_is_noticed() -> None:
    ledger = Ledger("room")
    ledger.take(added(2, 1, "a"))
    ledger.take(added(3, 2, "a"))
    assert ledger.twice == ["a 2 times"]


def test_what_a_fail_over_took_back_may_happen_again_and_was_not_kept() -> None:
    ledger = Ledger("room")
    ledger.take(added(2, 1, "a"))
    ledger.take(added(4, 2, "b"))
    ledger.take(added(7, 2, "c"))
    ledger.judge([acknowledged("queue_add", 4, url="b")])
    assert [version for version, _ in ledger.lost] == [4]
    ledger.take(added(8, 7, "b"))
    assert (ledger.twice, ledger.rewound, ledger.missed) == ([], 1, 0)


def test_who_is_announced_gone_twice_is_noticed() -> None:
    ledger = Ledger("room")
    for version, kind in enumerate(("member_joined", "member_left", "member_left"), 2):
        ledger.take(event(kind, version, version - 1, email="ana", server_time=0.0))
    assert ledger.presence == ["ana left twice in a row"]


def test_two_viewers_who_saw_different_things_at_one_version_are_noticed() -> None:
    ana, ben = Viewer([], "room", "Ana"), Viewer([], "room", "Ben")
    ana.picture.chain = [Link(1, "play", 11), Link(2, "seek", 12)]
    ben.picture.chain = [Link(1, "play", 11), Link(2, "pause", 13)]
    assert broken_promises([ana, ben]) == ["Ana and Ben: 2 is seek here and pause there"]
    ben.picture.chain = [Link(2, "seek", 12), Link(1, "play", 11)]
    assert broken_promises([ana, ben]) == ["Ben: play 1 came after 2"]


def test_viewers_who_are_not_live_have_not_agreed() -> None:
    assert divergence([Viewer([], "room", "Ana")]) == ["Ana is not live"]


def test_frames_are_repeatable_by_seed() -> None:
    assert list(islice(frames(7), 300)) == list(islice(frames(7), 300))
    assert list(islice(frames(7), 300)) != list(islice(frames(8), 300))
