"""The pure parts of the scripted viewer: its clock, its player, its commands, its picture of the room."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.outbox import Command, CommandBox
from tests.support.picture import Picture, differences
from tests.support.player import Player
from tests.support.timepiece import RoomTime, Timepiece


def state(version: int = 10, run: str = "r1", **room: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "members": {},
        "queue": [],
        "current_item_id": None,
        "current_video": None,
        "settings": {},
        "timestamp": 0.0,
        "rate": 1.0,
        "is_playing": False,
    }
    return {"type": "room_state", "version": version, "run": run, "server_time": 100.0, "room": fields | room}


def event(kind: str, version: int, prev: int, run: str = "r1", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "version": version, "prev": prev, "run": run, "server_time": 100.0, **fields}


def joined(**room: Any) -> Picture:
    picture = Picture()
    picture.snapshot(state(**room))
    return picture


def test_a_clock_is_wrong_by_skew_and_drift() -> None:
    true = [50.0]
    clock = Timepiece(skew_s=-10, drift=0.01, source=lambda: true[0])
    true[0] = 150.0
    assert clock.now() == pytest.approx(141)
    clock.sleep(60)
    assert clock.now() == pytest.approx(201)


def test_of_the_clock_samples_the_one_with_the_shortest_round_trip_counts() -> None:
    time = RoomTime()
    time.add(0.0, 1000.9, 1.0)
    time.add(10.0, 1010.01, 10.02)
    time.add(20.0, 1020.0, 21.5)
    assert time.at(30.0) == pytest.approx(1030.0)
    assert time.error_s == pytest.approx(0.01)


def test_a_player_seeks_only_beyond_the_band_and_lands_where_the_room_will_be() -> None:
    player = Player(seek_cost_s=0.2)
    player.follow(30.0, is_playing=True, rate=1.0, now=0.0)
    assert player.position(0.2) == pytest.approx(30.2)
    assert player.position(5.2) == pytest.approx(35.2)
    player.follow(35.6, is_playing=True, rate=1.0, now=5.2)
    assert player.seeks == 1


def test_a_player_that_runs_dry_stands_still_until_it_is_refilled() -> None:
    player = Player(seek_cost_s=0.0)
    player.follow(10.0, is_playing=True, rate=1.0, now=0.0)
    player.stall(2.0)
    assert (player.position(9.0), player.is_stalled(9.0)) == (12.0, True)
    player.refill(9.0)
    assert player.position(10.0) == pytest.approx(13.0)


def test_a_command_is_due_at_once_on_a_new_line_and_again_when_nothing_is_heard() -> None:
    box = CommandBox()
    box.add(Command("c1", "queue_add", {}, made_at=0.0))
    assert [command.id for command in box.due(0.0)] == ["c1"]
    assert box.due(1.0) == []
    box.renew()
    assert [command.id for command in box.due(1.0)] == ["c1"]
    assert [command.id for command in box.due(6.0)] == ["c1"]


def test_a_playback_command_expires_after_ten_seconds_and_a_pasted_link_after_ninety() -> None:
    box = CommandBox()
    box.add(Command("seek", "seek", {}, made_at=0.0))
    box.add(Command("add", "queue_add", {}, made_at=0.0))
    assert [command.id for command in box.expire(10.0)] == ["seek"]
    assert [command.id for command in box.due(10.0)] == ["add"]
    assert [command.id for command in box.expire(90.0)] == ["add"]


def test_what_another_run_lost_is_said_again_for_ten_seconds() -> None:
    box = CommandBox()
    for name in ("old", "new"):
        box.add(Command(name, "queue_add", {}, made_at=0.0))
    box.settle("old", 5, now=1.0)
    box.settle("new", 9, now=1.0)
    assert [command.id for command in box.reopen(7, now=2.0)] == ["new"]
    assert list(box.waiting) == ["new"]


def test_a_command_refused_for_now_waits_and_one_refused_for_good_does_not() -> None:
    box = CommandBox()
    box.add(Command("c1", "seek", {}, made_at=0.0))
    box.due(0.0)
    box.refuse("c1", "too_many_requests", 0.5, now=0.1)
    assert box.due(0.3) == []
    assert len(box.due(0.7)) == 1
    box.refuse("c1", "nothing_playing", 0.5, now=0.8)
    assert box.done[0].code == "nothing_playing"


def test_an_event_whose_prev_is_not_ours_is_a_gap() -> None:
    picture = joined()
    assert picture.event(event("play", 12, 11, timestamp=1.0)) == "gap"
    assert picture.event(event("play", 11, 10, timestamp=1.0)) == "applied"
    assert picture.event(event("play", 11, 10, timestamp=1.0)) == "old"
    assert picture.event(event("play", 12, 11, "r2", timestamp=1.0)) == "gap"


def test_a_heartbeat_of_a_higher_version_is_a_gap_and_one_that_is_off_a_fault() -> None:
    picture = joined()
    beat = {"type": "heartbeat", "run": "r1", "version": 10, "timestamp": 0.0, "server_time": 100.0}
    assert picture.heartbeat(beat) == "applied"
    assert picture.heartbeat({**beat, "version": 11}) == "gap"
    assert not picture.faults
    picture.heartbeat({**beat, "timestamp": 2.0})
    assert picture.faults


def test_a_snapshot_at_our_version_that_says_something_else_is_a_fault() -> None:
    picture = joined()
    picture.snapshot(state(rate=2.0))
    assert picture.faults == ["at 10: rate is 1.0, should be 2.0"]


def test_a_snapshot_older_than_what_we_have_is_a_fault() -> None:
    picture = joined()
    picture.snapshot(state(version=9))
    assert picture.faults


def test_pictures_differ_in_what_they_show_and_in_where_they_are() -> None:
    one, other = joined(is_playing=True), joined(is_playing=True)
    other.at += 1
    assert differences(one, other, 110.0) == ["the position is off by 1.000 s"]
