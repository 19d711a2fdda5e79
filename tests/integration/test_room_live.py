"""Rooms with a live stream, and with videos whose length nobody knows: the scripts on a real Redis."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import cast

import pytest
from redis.asyncio import Redis

from services.common import codec
from services.common.errors import Refused
from services.common.keys import Keys
from services.common.room.sender import SYSTEM, Sender
from services.common.room.snapshot import RoomRecord
from services.common.room.store import PlaybackKind, RoomStore
from services.common.wire.models import LiveWindow, QueueItem, VideoState
from services.sync.mirror import apply, follows

ROOM = "news"
ANA, BEN, CLEO = (Sender(f"guest-{name}", f"c-{name}") for name in ("ana", "ben", "cleo"))
SEGMENT_S = 2.0


@pytest.fixture
async def store(redis: Redis, keys: Keys) -> RoomStore:
    store = RoomStore(redis, keys)
    await store.masters.refresh()
    return store


async def record_of(store: RoomStore) -> RoomRecord:
    record = await store.snapshot(ROOM)
    assert record is not None
    return record


async def position(store: RoomStore) -> float:
    return (await record_of(store)).anchor.position_at(await store.masters.time())


async def playing(store: RoomStore, *who: Sender, is_live: bool = True) -> None:
    for sender in who:
        await store.join(ROOM, sender, name=sender.member, is_guest=True, replica="n1", lease_ms=25_000)
    for name in ("i1", "i2"):
        url = f"http://x/{name}"
        await store.add_item(ROOM, Sender(ANA.member, "", name), QueueItem(id=name, url=url, title=url))
    # What sites call the length of a stream is none.
    video = VideoState(url="http://x/i1", title="News", stream_type="hls", is_live=is_live)
    length = 50.0 if is_live else None
    await store.resolved(ROOM, "i1", title="News", duration=length, video_json=codec.encode_text(video))


def window(*, lag_s: float, span_s: float = 60.0) -> LiveWindow:
    """What a stream offers whose newest picture is so far behind our clock."""
    end = time.time() - lag_s
    return LiveWindow(item_id="i1", start=end - span_s, end=end, segment=SEGMENT_S)


async def see(store: RoomStore, seen: LiveWindow, who: Sender = ANA) -> None:
    await store.see_window(ROOM, Sender(who.member), seen.item_id, seen)


async def pass_by(store: RoomStore, seconds: float) -> None:
    """Let time pass, for the room only: what it knows becomes so much older."""
    redis, key = store._redis, store._keys.room(ROOM)
    for field in ("at", "alive_at", "live_at"):
        await redis.hincrbyfloat(key, field, -seconds)  # type: ignore[misc]
    await redis.hincrbyfloat(key, "live_lag", -seconds)  # type: ignore[misc]


async def test_a_live_room_begins_a_little_behind_the_clock_and_runs_with_it(store: RoomStore) -> None:
    await playing(store, ANA)
    record = await record_of(store)
    assert record.anchor.is_playing
    assert record.anchor.duration is None
    assert 0 < await store.masters.time() - await position(store) < 30


async def test_a_mirror_that_follows_the_events_has_the_date_of_the_snapshot(store: RoomStore) -> None:
    mirror = RoomRecord(ROOM, run=store.masters.run_of(ROOM))
    await playing(store, ANA)
    await see(store, window(lag_s=500))
    for raw in await store._redis.xrange(store._keys.log(ROOM)):
        event = codec.decode(raw[1][b"e"])
        mirror.version = mirror.version or event["prev"]
        assert follows(mirror, event)
        apply(mirror, event)
    assert mirror.anchor == (await record_of(store)).anchor


@pytest.mark.parametrize("lag_s", [25.0, 7200.0, -3600.0])
async def test_the_first_player_that_sees_the_stream_moves_the_room_to_where_it_has_pictures(
    store: RoomStore, lag_s: float
) -> None:
    await playing(store, ANA)
    seen = window(lag_s=lag_s)
    await see(store, seen)
    assert seen.end - 5 * SEGMENT_S < await position(store) < seen.end - SEGMENT_S


async def test_a_room_that_is_inside_of_what_is_offered_is_not_moved(store: RoomStore) -> None:
    await playing(store, ANA)
    await see(store, window(lag_s=100))
    before = (await record_of(store)).version
    # Playlists are some seconds old when they are read, each another few.
    for lag_s in (103, 100, 101, 104):
        await see(store, window(lag_s=lag_s))
    assert (await record_of(store)).version == before


async def test_a_stream_that_stood_still_takes_the_room_back_to_its_pictures(store: RoomStore) -> None:
    await playing(store, ANA)
    await see(store, window(lag_s=100))
    seen = window(lag_s=130)
    await see(store, seen)
    assert seen.start <= await position(store) < seen.end


async def test_a_seek_lands_inside_of_what_the_stream_offers(store: RoomStore) -> None:
    await playing(store, ANA)
    seen = window(lag_s=10)
    await see(store, seen)
    for wish, landed in (
        (seen.start - 1000, seen.start),
        (seen.start + 20, seen.start + 20),
        (seen.end + 1000, seen.end - SEGMENT_S),
        (15.0, seen.start),
    ):
        await store.playback(ROOM, ANA, "seek", wish)
        assert await position(store) == pytest.approx(landed, abs=1)


async def test_a_stream_without_dates_can_only_be_watched_as_it_comes(store: RoomStore) -> None:
    await playing(store, ANA)
    with pytest.raises(Refused) as refusal:
        await store.playback(ROOM, ANA, "seek", time.time() - 30)
    assert refusal.value.code == "live"
    # A pause and a play make it go on at the edge, whatever the player takes for its position.
    await store.playback(ROOM, ANA, "pause", 15.0)
    await store.playback(ROOM, ANA, "play", 15.0)
    assert 0 < await store.masters.time() - await position(store) < 30


async def test_nobody_changes_the_speed_of_a_live_stream(store: RoomStore) -> None:
    await playing(store, ANA)
    await see(store, window(lag_s=10))
    with pytest.raises(Refused) as refusal:
        await store.playback(ROOM, ANA, "set_rate", 1.25)
    assert refusal.value.code == "live"


async def test_a_live_stream_behind_a_film_that_ran_faster_goes_at_the_speed_of_the_clock(store: RoomStore) -> None:
    await playing(store, ANA, is_live=False)
    await store.playback(ROOM, ANA, "set_rate", 1.5)
    mirror = await record_of(store)
    seen = mirror.version
    await store.play_item(ROOM, Sender(ANA.member, "", "go"), "i2")
    video = VideoState(url="http://x/i2", title="News", stream_type="hls", is_live=True)
    await store.resolved(ROOM, "i2", title="News", duration=None, video_json=codec.encode_text(video))
    for raw in await store.catch_up(ROOM, seen):
        apply(mirror, codec.decode(raw))
    record = await record_of(store)
    assert (record.anchor.rate, mirror.anchor.rate) == (1, 1)
    assert mirror.anchor == record.anchor


async def test_a_pause_that_slid_out_goes_on_where_the_window_begins(store: RoomStore) -> None:
    await playing(store, ANA)
    await see(store, window(lag_s=10, span_s=20))
    await store.playback(ROOM, ANA, "pause", await position(store))
    await pass_by(store, 60.0)
    paused = await position(store)
    await store.playback(ROOM, ANA, "play", paused)
    begins = await store.masters.time() - 10 + 60 - 20
    assert await position(store) == pytest.approx(begins, abs=2)


async def test_a_step_of_the_clock_moves_no_live_room(store: RoomStore) -> None:
    await playing(store, ANA)
    await see(store, window(lag_s=40))
    await pass_by(store, 10.0)
    before = await position(store)
    # The clock says thirty seconds more than it did.
    await store.reanchor(ROOM, 30.0)
    stepped_at = await store.masters.time() + 30
    assert (await record_of(store)).anchor.position_at(stepped_at) == pytest.approx(before, abs=1)
    lag_s = float(await store._redis.hget(store._keys.room(ROOM), "live_lag") or 0)  # type: ignore[misc]
    assert lag_s == pytest.approx(40 - 10 + 30, abs=1)


async def test_who_may_not_control_the_room_does_not_move_it_by_what_they_see(store: RoomStore) -> None:
    await playing(store, ANA, BEN)
    await store.set_role(ROOM, Sender(ANA.member, "", "r"), BEN.member, "viewer")
    await see(store, window(lag_s=10))
    before = (await record_of(store)).version
    await see(store, window(lag_s=9000), BEN)
    assert (await record_of(store)).version == before


async def test_what_is_seen_of_another_item_is_not_believed(store: RoomStore) -> None:
    await playing(store, ANA)
    before = (await record_of(store)).version
    await store.see_window(ROOM, Sender(ANA.member), "i2", window(lag_s=9000))
    assert (await record_of(store)).version == before


async def test_the_next_item_begins_at_its_beginning(store: RoomStore) -> None:
    await playing(store, ANA)
    await see(store, window(lag_s=10))
    await store.play_item(ROOM, Sender(ANA.member, "", "go"), "i2")
    video = VideoState(url="http://x/i2", title="Film", stream_type="direct", duration=60.0)
    await store.resolved(ROOM, "i2", title="Film", duration=60.0, video_json=codec.encode_text(video))
    assert await position(store) < 5


async def says_end(store: RoomStore, who: Sender, *blind: Sender, item: str = "i1") -> str:
    """Have a member say that it is over. Answers the current item then."""
    sender = Sender(who.member, "", "end" if who.member else "")
    await store.advance(ROOM, sender, item, short_by_s=2, blind=[each.member for each in blind])
    return (await record_of(store)).item_id


async def test_an_end_that_nobody_knows_needs_most_of_those_who_watch(store: RoomStore) -> None:
    await playing(store, ANA, BEN, CLEO, is_live=False)
    assert await says_end(store, ANA) == "i1"
    assert await says_end(store, ANA) == "i1"
    assert await says_end(store, BEN) == "i2"


async def test_hidden_members_have_no_word_in_it(store: RoomStore) -> None:
    await playing(store, ANA, BEN, CLEO, is_live=False)
    assert await says_end(store, ANA, CLEO, BEN) == "i2"


async def test_the_room_moves_on_when_those_who_saw_no_end_have_left(store: RoomStore) -> None:
    await playing(store, ANA, BEN, CLEO, is_live=False)
    assert await says_end(store, ANA) == "i1"
    for who in (BEN, CLEO):
        await store.send_out(ROOM, Sender(ANA.member, "", f"out {who.member}"), who.member)
    assert await says_end(store, SYSTEM) == "i2"


async def test_the_room_itself_ends_nothing_that_nobody_saw_end(store: RoomStore) -> None:
    await playing(store, ANA, is_live=False)
    assert await says_end(store, SYSTEM) == "i1"


@pytest.mark.parametrize("how", ["seek", "play", "undo"])
async def test_an_end_that_was_seen_counts_no_more_when_somebody_moves_the_room(store: RoomStore, how: str) -> None:
    await playing(store, ANA, BEN, is_live=False)
    sought = await store.playback(ROOM, replace(ANA, command="on"), "seek", 100.0)
    assert await says_end(store, ANA) == "i1"
    match how:
        case "undo":
            await store.undo(ROOM, replace(ANA, command="back"), sought)
        case kind:
            await store.playback(ROOM, replace(ANA, command="back"), cast(PlaybackKind, kind), 5.0)
    assert await says_end(store, SYSTEM, BEN) == "i1"
    assert await says_end(store, BEN, ANA) == "i2"


async def test_the_end_of_one_item_says_nothing_of_the_next(store: RoomStore) -> None:
    await playing(store, ANA, BEN, is_live=False)
    await says_end(store, ANA)
    await store.play_item(ROOM, Sender(ANA.member, "", "go"), "i2")
    video = VideoState(url="http://x/i2", title="Film", stream_type="direct")
    await store.resolved(ROOM, "i2", title="Film", duration=None, video_json=codec.encode_text(video))
    await store.advance(ROOM, Sender(BEN.member, "", "end2"), "i2", short_by_s=2)
    assert (await record_of(store)).item_id == "i2"
