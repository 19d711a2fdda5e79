import json
from typing import Any

import pytest

from services.common import codec
from services.common.room.snapshot import Anchor, RoomRecord
from services.sync.mirror import apply, follows, frame_of

VIDEO = {"url": "http://x/1", "title": "One", "stream_type": "direct", "duration": 60, "item_id": "i1"}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "version": 2, "prev": 1, "run": "r", "server_time": 100.0, "starts_at": 100.0, "type": kind, "by": "guest-1",
        **fields,
    }  # fmt: skip


def item(id_: str, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "url": f"http://x/{id_}", "title": id_, **fields}


@pytest.fixture
def record() -> RoomRecord:
    return RoomRecord("film", version=1, run="r")


def moved(record: RoomRecord, change: dict[str, Any]) -> dict[str, Any]:
    apply(record, change)
    frame: dict[str, Any] = json.loads(frame_of(record, change, json.dumps(change).encode()))
    return frame


def test_only_the_very_next_event_of_the_same_history_follows(record: RoomRecord) -> None:
    assert follows(record, event("pause"))
    assert not follows(record, {**event("pause"), "prev": 0})
    assert not follows(record, {**event("pause"), "run": "other"})


def test_play_starts_the_position_running_from_the_events_time(record: RoomRecord) -> None:
    moved(record, event("play", timestamp=10.0, starts_at=100.0))
    assert record.anchor.position_at(103.0) == 13.0
    assert record.version == 2


def test_a_seek_while_playing_plays_on_and_while_paused_stays_paused(record: RoomRecord) -> None:
    moved(record, event("seek", timestamp=10.0))
    assert record.anchor.position_at(101.0) == 10.0
    moved(record, event("play", timestamp=10.0))
    moved(record, event("seek", timestamp=30.0))
    assert record.anchor.position_at(101.0) == 31.0


def test_the_position_never_passes_a_known_end() -> None:
    assert Anchor(position=50, at=0, is_playing=True, duration=60).position_at(1000) == 60


def test_a_rate_counts_from_the_moment_it_was_set(record: RoomRecord) -> None:
    moved(record, event("play", timestamp=0.0))
    moved(record, {**event("set_rate", timestamp=10.0, rate=2.0), "server_time": 110.0})
    assert record.anchor.position_at(115.0) == 20.0


def test_clients_get_the_whole_queue_of_a_queue_operation(record: RoomRecord) -> None:
    moved(record, event("queue_update", op="add", after="end", item=item("i1")))
    frame = moved(record, event("queue_update", op="add", after="end", item=item("i2")))
    assert [entry["id"] for entry in frame["queue"]] == ["i1", "i2"]
    assert frame["version"] == 2
    assert "op" not in frame


def test_an_item_added_next_stands_right_after_the_current_one(record: RoomRecord) -> None:
    for name in ("i1", "i2"):
        moved(record, event("queue_update", op="add", after="end", item=item(name)))
    moved(record, event("queue_update", op="add", after="i1", item=item("i3")))
    assert record.order == ["i1", "i3", "i2"]


def test_removing_and_ordering_change_the_queue(record: RoomRecord) -> None:
    for name in ("i1", "i2", "i3"):
        moved(record, event("queue_update", op="add", after="end", item=item(name)))
    moved(record, event("queue_update", op="remove", item_id="i2"))
    frame = moved(record, event("queue_update", op="order", order=["i3", "i1"]))
    assert [entry["id"] for entry in frame["queue"]] == ["i3", "i1"]


def test_a_new_video_brings_its_own_end(record: RoomRecord) -> None:
    moved(record, event("set_video", video=VIDEO, item_id="i1", is_playing=True, timestamp=0))
    assert record.video is not None
    assert record.anchor.position_at(200) == 60


def test_an_emptied_stage_stands_still(record: RoomRecord) -> None:
    moved(record, event("set_video", video=VIDEO, item_id="i1", is_playing=True, timestamp=0))
    moved(record, event("set_video", video=None, item_id=None, is_playing=False, timestamp=0))
    assert record.video is None
    assert record.item_id == ""
    assert record.anchor.position_at(500) == 0


def test_an_event_of_a_later_version_of_the_program_is_passed_on(record: RoomRecord) -> None:
    frame = moved(record, event("confetti", colour="red"))
    assert frame["colour"] == "red"
    assert record.version == 2


def test_an_event_that_does_not_fit_its_type_is_malformed(record: RoomRecord) -> None:
    with pytest.raises(codec.MalformedError):
        moved(record, event("queue_update", op="shuffle"))


def test_a_scheduled_start_stands_still_until_its_time(record: RoomRecord) -> None:
    moved(record, {**event("play", timestamp=10.0), "starts_at": 100.4})
    assert record.anchor.position_at(100.2) == 10.0
    assert record.anchor.position_at(101.4) == pytest.approx(11.0)


def test_a_room_that_waits_for_somebody_stands_until_it_is_resumed(record: RoomRecord) -> None:
    moved(record, event("play", timestamp=10.0))
    moved(record, {**event("waiting", members=["guest-2"], timestamp=12.0, until=112.0), "server_time": 102.0})
    assert record.anchor.position_at(110.0) == 12.0
    assert record.waiting is not None
    moved(record, {**event("resumed", timestamp=12.0), "starts_at": 110.0})
    assert record.anchor.position_at(111.0) == 13.0
    assert record.waiting is None


def test_a_pause_by_a_person_ends_the_waiting(record: RoomRecord) -> None:
    moved(record, event("play", timestamp=10.0))
    moved(record, event("waiting", members=["guest-2"], timestamp=12.0, until=112.0))
    moved(record, event("pause", timestamp=12.0))
    assert record.waiting is None
    assert not record.anchor.is_held


def test_what_people_do_is_kept_as_lines_of_the_log(record: RoomRecord) -> None:
    moved(record, event("seek", timestamp=760.0))
    moved(record, {**event("pause", timestamp=760.0), "by": ""})
    (line,) = record.log
    assert (line.kind, line.by, line.timestamp, line.is_undoable) == ("seek", "guest-1", 760.0, True)


def test_chat_is_kept_for_those_who_come_later(record: RoomRecord) -> None:
    message = {"id": "m1", "by": "guest-1", "name": "Ana", "text": "<b>hi</b>", "at": 100.0}
    moved(record, event("chat", message=message))
    assert [entry.text for entry in record.chat] == ["<b>hi</b>"]


def test_a_video_that_is_renewed_may_be_longer_than_was_known(record: RoomRecord) -> None:
    moved(record, event("set_video", item_id="i1", video=VIDEO, is_playing=True, timestamp=0.0))
    moved(record, event("video_renewed", item_id="i1", video={**VIDEO, "duration": 90}))
    assert record.anchor.duration == 90
    assert record.anchor.is_playing
