"""The room scripts on a real Redis: what one command does, and that any mix of them converges."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from services.common import codec
from services.common.errors import Refused
from services.common.keys import Keys
from services.common.room.directory import ROOM_TTL_S
from services.common.room.reasons import MOST_ITEMS
from services.common.room.sender import Sender
from services.common.room.snapshot import RoomRecord
from services.common.room.store import RoomStore
from services.common.wire.models import QueueItem, VideoState
from services.sync.clock import RoomClock
from services.sync.ends import Ends
from services.sync.mirror import apply, follows
from tests.support.clock import Clock

ANA = Sender("guest-ana", "c1")
ROOM = "film"
LEASE_MS = 25_000


def said(command: str, who: Sender = ANA) -> Sender:
    return Sender(who.member, who.connection, command)


def item(id_: str) -> QueueItem:
    return QueueItem(id=id_, url=f"http://x/{id_}", title=f"http://x/{id_}", added_by=ANA.member)


def video_json(id_: str, duration: float | None = 60.0) -> str:
    url = f"http://x/{id_}"
    return codec.encode_text(VideoState(url=url, title=id_, stream_type="direct", duration=duration))


@pytest.fixture
async def store(redis: Redis, keys: Keys) -> RoomStore:
    store = RoomStore(redis, keys)
    await store.masters.refresh()
    return store


async def join(store: RoomStore, who: Sender = ANA, lease_ms: int = LEASE_MS) -> int:
    return await store.join(ROOM, who, name=who.member, is_guest=True, replica="n1", lease_ms=lease_ms)


async def ready(store: RoomStore, id_: str, duration: float | None = 60.0) -> None:
    await store.resolved(ROOM, id_, title=id_, duration=duration, video_json=video_json(id_, duration))


async def record_of(store: RoomStore) -> RoomRecord:
    record = await store.snapshot(ROOM)
    assert record is not None
    return record


async def hset(redis: Redis, key: str, fields: dict[str, str]) -> None:
    written = redis.hset(key, mapping=fields)
    assert not isinstance(written, int)  # redis-py types both its clients at once
    await written


async def playing(store: RoomStore, *ids: str) -> None:
    await join(store)
    for id_ in ids:
        await store.add_item(ROOM, said(f"add {id_}"), item(id_))
        await ready(store, id_)


async def test_the_one_who_makes_a_room_owns_it(store: RoomStore) -> None:
    await join(store)
    await join(store, Sender("guest-ben", "c2"))
    record = await record_of(store)
    assert record.owner == "guest-ana"
    assert record.members["guest-ana"].role == "owner"
    assert record.members["guest-ben"].role == "member"


async def test_the_first_item_of_an_idle_room_plays_when_it_is_resolved(store: RoomStore) -> None:
    await join(store)
    await store.add_item(ROOM, said("1"), item("i1"))
    before = await record_of(store)
    assert (before.item_id, before.video, before.anchor.is_playing) == ("i1", None, False)
    await ready(store, "i1")
    after = await record_of(store)
    assert after.video is not None
    assert after.video.item_id == "i1"
    assert after.anchor.is_playing
    assert after.items["i1"].status == "ready"


async def test_a_video_that_is_ready_before_anybody_came_starts_with_the_first_who_comes(store: RoomStore) -> None:
    await store.add_item(ROOM, Sender("guest-ana", "", "1"), item("i1"), create=True, unlisted=True)
    await ready(store, "i1")
    assert not (await record_of(store)).anchor.is_playing
    await join(store)
    record = await record_of(store)
    assert record.anchor.is_playing
    assert record.anchor.position == 0


async def test_a_repeated_command_is_applied_once_and_answered_alike(store: RoomStore) -> None:
    await playing(store, "i1")
    first = await store.playback(ROOM, said("seek"), "seek", 10)
    await store.playback(ROOM, said("later"), "seek", 20)
    assert await store.playback(ROOM, said("seek"), "seek", 10) == first
    assert (await record_of(store)).anchor.position == 20


async def test_a_repeated_command_that_changed_nothing_in_a_still_room_undoes_nobody_elses(
    store: RoomStore, redis: Redis, keys: Keys
) -> None:
    await playing(store, "i1")
    # Nothing has happened for a quarter of an hour: its last version is as old, and its log is gone.
    still = (await record_of(store)).version - 15 * 60_000
    await hset(redis, keys.room(ROOM), {"version": str(still)})
    await redis.delete(keys.log(ROOM))
    assert await store.clear_queue(ROOM, said("clear")) == still
    assert await store.retry_item(ROOM, said("retry"), "i1") == still
    assert await store.clear_queue(ROOM, said("clear")) == still
    added = await store.add_item(ROOM, said("add", Sender("guest-ben", "c2")), item("i2"))
    assert await store.clear_queue(ROOM, said("clear")) == still
    assert await store.retry_item(ROOM, said("retry"), "i1") == still
    record = await record_of(store)
    assert (record.version, record.order) == (added, ["i1", "i2"])
    assert await store.clear_queue(ROOM, said("clear again")) > added
    assert (await record_of(store)).order == ["i1"]


async def test_versions_only_rise(store: RoomStore) -> None:
    await playing(store, "i1")
    versions = [await store.playback(ROOM, said(str(n)), "seek", n) for n in range(50)]
    assert versions == sorted(set(versions))


async def test_a_seek_beyond_the_known_end_lands_on_it(store: RoomStore) -> None:
    await playing(store, "i1")
    await store.playback(ROOM, said("1"), "seek", 1e6)
    assert (await record_of(store)).anchor.position == 60


async def test_playing_nothing_is_refused(store: RoomStore) -> None:
    await join(store)
    with pytest.raises(Refused) as refusal:
        await store.playback(ROOM, said("1"), "play", 0)
    assert refusal.value.code == "nothing_playing"


async def test_an_unknown_item_is_refused_and_changes_nothing(store: RoomStore) -> None:
    await playing(store, "i1")
    before = (await record_of(store)).version
    for change in (store.remove_item, store.play_item, store.retry_item):
        with pytest.raises(Refused) as refusal:
            await change(ROOM, said("x"), "nope")
        assert refusal.value.code == "no_such_item"
    assert (await record_of(store)).version == before


async def test_playing_another_item_replaces_the_current_one(store: RoomStore) -> None:
    await playing(store, "i1", "i2", "i3")
    await store.play_item(ROOM, said("go"), "i3")
    record = await record_of(store)
    assert record.order == ["i3", "i2"]
    assert record.item_id == "i3"
    assert record.video is None


async def test_removing_the_current_item_begins_the_next(store: RoomStore) -> None:
    await playing(store, "i1", "i2")
    await store.remove_item(ROOM, said("rm"), "i1")
    record = await record_of(store)
    assert (record.item_id, record.order) == ("i2", ["i2"])


async def test_a_new_order_keeps_the_current_item_first_and_unnamed_ones_last(store: RoomStore) -> None:
    await playing(store, "i1", "i2", "i3", "i4")
    await store.reorder(ROOM, said("o"), ["i3", "gone", "i1", "i3"])
    assert (await record_of(store)).order == ["i1", "i3", "i2", "i4"]


async def test_an_item_added_next_is_the_second(store: RoomStore) -> None:
    await playing(store, "i1", "i2")
    await store.add_item(ROOM, said("n"), item("i3"), next=True)
    assert (await record_of(store)).order == ["i1", "i3", "i2"]


async def test_a_full_queue_refuses_another(store: RoomStore, redis: Redis, keys: Keys) -> None:
    await playing(store, "i1")
    await hset(redis, keys.items(ROOM), {f"x{n}": "{}" for n in range(MOST_ITEMS)})
    with pytest.raises(Refused) as refusal:
        await store.add_item(ROOM, said("more"), item("i2"))
    assert refusal.value.code == "queue_full"


async def test_a_failed_item_says_why_and_makes_way_for_the_next_added(store: RoomStore) -> None:
    await join(store)
    await store.add_item(ROOM, said("1"), item("i1"))
    await store.resolved(ROOM, "i1", code="drm", message="It is protected.")
    failed = (await record_of(store)).items["i1"]
    assert (failed.status, failed.code, failed.message) == ("failed", "drm", "It is protected.")
    await store.add_item(ROOM, said("2"), item("i2"))
    record = await record_of(store)
    assert record.item_id == "i2"
    assert record.order == ["i2", "i1"]


async def test_a_failed_item_can_be_tried_again(store: RoomStore) -> None:
    await join(store)
    await store.add_item(ROOM, said("1"), item("i1"))
    await store.resolved(ROOM, "i1", code="timeout", message="Too late.")
    await store.retry_item(ROOM, said("2"), "i1")
    again = (await record_of(store)).items["i1"]
    assert (again.status, again.code) == ("resolving", None)
    await ready(store, "i1")
    assert (await record_of(store)).anchor.is_playing


async def test_a_result_for_an_item_that_was_removed_is_no_error(store: RoomStore) -> None:
    await join(store)
    await ready(store, "gone")


async def test_the_end_said_by_everyone_moves_on_once(store: RoomStore) -> None:
    await playing(store, "i1", "i2", "i3")
    await store.playback(ROOM, said("seek"), "seek", 59)
    everyone = [Sender(f"guest-{n}", "c1", "end") for n in range(10)]
    await asyncio.gather(*(store.advance(ROOM, who, "i1", short_by_s=2) for who in everyone))
    assert (await record_of(store)).order == ["i2", "i3"]


async def test_an_end_in_the_middle_is_refused(store: RoomStore) -> None:
    await playing(store, "i1", "i2")
    with pytest.raises(Refused) as refusal:
        await store.advance(ROOM, said("end"), "i1", short_by_s=2)
    assert refusal.value.code == "not_at_end"


async def test_when_the_last_leaves_the_room_stands_still_where_it_was(store: RoomStore) -> None:
    await playing(store, "i1")
    await store.leave(ROOM, ANA.connection, grace_ms=100)
    await asyncio.sleep(0.6)
    await store.reap(ROOM)
    record = await record_of(store)
    assert record.members == {}
    assert not record.anchor.is_playing
    assert record.anchor.position < 0.5


async def test_a_room_whose_replicas_all_died_stands_still_for_who_comes_back(store: RoomStore) -> None:
    await join(store, lease_ms=200)
    await store.add_item(ROOM, said("1"), item("i1"))
    await ready(store, "i1")
    await asyncio.sleep(0.8)
    await join(store, Sender("guest-ben", "c2"))
    record = await record_of(store)
    assert not record.anchor.is_playing
    assert record.anchor.position < 0.7


async def test_a_member_with_two_tabs_is_gone_once_with_the_last(store: RoomStore, redis: Redis, keys: Keys) -> None:
    await join(store, Sender("guest-ana", "c1"))
    await join(store, Sender("guest-ana", "c2"))
    await join(store, Sender("guest-ben", "c3"))
    await store.leave(ROOM, "c1", grace_ms=0)
    await asyncio.sleep(0.01)
    await store.reap(ROOM)
    assert "guest-ana" in (await record_of(store)).members
    await store.leave(ROOM, "c2", grace_ms=0)
    await asyncio.sleep(0.01)
    await asyncio.gather(*(store.reap(ROOM) for _ in range(5)))
    log = [fields[b"e"] for _, fields in await redis.xrange(keys.log(ROOM))]
    assert sum(b'"member_left"' in event for event in log) == 1
    assert "guest-ana" not in (await record_of(store)).members


async def test_a_refresh_names_connections_that_are_not_known_any_more(store: RoomStore) -> None:
    await join(store)
    renewed = await store.refresh(ROOM, [("c1", LEASE_MS), ("ghost", LEASE_MS)])
    assert renewed.unknown == ["ghost"]
    assert renewed.version == (await record_of(store)).version


async def test_a_refresh_tells_when_the_first_lease_of_the_room_ends(store: RoomStore) -> None:
    await join(store)
    await join(store, Sender("guest-ben", "c2"))
    await store.refresh(ROOM, [("c1", LEASE_MS), ("c2", LEASE_MS)])
    await store.leave(ROOM, "c2", grace_ms=1000)
    first_end_ms = (await store.refresh(ROOM, [("c1", LEASE_MS)])).first_end_ms
    assert first_end_ms == await store.reap(ROOM)
    assert first_end_ms is not None
    assert first_end_ms == pytest.approx(await store.masters.time() * 1000 + 1000, abs=500)
    assert (await store.refresh("nobody-there", [])).first_end_ms is None


async def test_when_the_last_member_is_gone_every_key_of_the_room_has_an_end(
    store: RoomStore, redis: Redis, keys: Keys
) -> None:
    await playing(store, "i1", "i2")
    await store.chat(ROOM, said("hello"), "m1", "hello")
    await store.leave(ROOM, "c1", grace_ms=0)
    await asyncio.sleep(0.01)
    await store.reap(ROOM)
    left = {key: await redis.pttl(key) for key in keys.room_keys(ROOM) if await redis.exists(key)}
    assert keys.chat(ROOM) in left
    assert min(left.values()) > 0, left


async def test_catching_up_gives_every_event_since_or_says_that_it_can_not(store: RoomStore) -> None:
    version = await join(store)
    await store.add_item(ROOM, said("1"), item("i1"))
    missed = [codec.decode(raw)["type"] for raw in await store.catch_up(ROOM, version)]
    assert missed == ["queue_update", "set_video"]
    with pytest.raises(Refused):
        await store.catch_up(ROOM, 12345)


async def test_a_stored_value_that_does_not_parse_does_not_make_the_room_unreadable(
    store: RoomStore, redis: Redis, keys: Keys
) -> None:
    await playing(store, "i1", "i2")
    await hset(redis, keys.items(ROOM), {"i2": "{broken"})
    await hset(redis, keys.room(ROOM), {"video": "nonsense"})
    record = await record_of(store)
    assert [entry.id for entry in record.queue()] == ["i1"]
    assert record.video is None


@pytest.mark.parametrize("seed", range(8))
async def test_any_mix_of_commands_leaves_every_mirror_equal_to_the_snapshot(
    store: RoomStore, redis: Redis, keys: Keys, seed: int
) -> None:
    """Two replicas' worth of random commands at once; a mirror that follows the events ends like Redis."""
    rng = random.Random(seed)
    version = await join(store)
    mirror = await record_of(store)
    assert mirror.version == version
    ids = [f"i{n}" for n in range(8)]
    seen: list[int] = []

    def change(n: int) -> Callable[[], Awaitable[object]]:
        who, id_ = said(f"{seed}.{n}"), rng.choice(ids)
        position = rng.uniform(0, 70)
        return rng.choice(
            [
                lambda: store.add_item(ROOM, who, item(id_), next=position > 35),
                lambda: ready(store, id_),
                lambda: store.resolved(ROOM, id_, code="drm", message="no"),
                lambda: store.remove_item(ROOM, who, id_),
                lambda: store.play_item(ROOM, who, id_),
                lambda: store.retry_item(ROOM, who, id_),
                lambda: store.reorder(ROOM, who, rng.sample(ids, 5)),
                lambda: store.playback(ROOM, who, "seek", position),
                lambda: store.playback(ROOM, who, "play", position),
                lambda: store.playback(ROOM, who, "pause", position),
                lambda: store.playback(ROOM, who, "set_rate", 1.25),
                lambda: store.advance(ROOM, who, id_, short_by_s=60),
                lambda: store.vote(ROOM, who, id_),
                lambda: store.hold(ROOM, ANA.member, most_ms=50),
                lambda: store.release(ROOM, ANA.member),
                lambda: store.chat(ROOM, who, who.command, "hello"),
                lambda: store.undo(ROOM, who, int(rng.choice(seen) if seen else 0)),
                lambda: store.change_settings(ROOM, who, {"buffering": "everyone"}, unlisted=None, password_hash=""),
            ]
        )

    for batch in range(10):
        commands = [change(batch * 8 + n)() for n in range(8)]
        outcomes = await asyncio.gather(*commands, return_exceptions=True)
        assert all(isinstance(outcome, Refused | int | None) for outcome in outcomes), outcomes
        seen += [outcome for outcome in outcomes if isinstance(outcome, int)]

    for raw in await store.catch_up(ROOM, version):
        event = codec.decode(raw)
        assert follows(mirror, event), "the chain of versions is broken"
        apply(mirror, event)
    truth = await record_of(store)
    now = truth.last_active + 3
    assert mirror.order == truth.order
    assert mirror.items == truth.items
    assert mirror.item_id == truth.item_id
    assert mirror.video == truth.video
    assert mirror.settings == truth.settings
    assert list(mirror.chat) == list(truth.chat)
    assert (mirror.waiting is None) == (truth.waiting is None)
    assert mirror.anchor.is_moving == truth.anchor.is_moving
    assert mirror.anchor.position_at(now) == pytest.approx(truth.anchor.position_at(now), abs=1e-3)


async def test_what_cookies_opened_enters_only_while_their_owner_lends_them(store: RoomStore) -> None:
    ana = ANA.member
    lent = replace(item("a"), lenders=[ana])
    await store.add_item(ROOM, ANA, lent, create=True)
    result: dict[str, Any] = {"title": "A film", "duration": 60.0, "video_json": video_json("a")}
    entries = [replace(item("e"), status="ready", lenders=[ana], opened_with=ana)]
    with pytest.raises(Refused, match="may not serve"):
        await store.resolved(ROOM, "a", **result, opened_with="guest-ben")
    assert await store.resolved(ROOM, "a", **result, opened_with=ana)
    await store.extend(ROOM, "a", entries)
    await store.lend(ROOM, ANA, "a", lend=False)
    record = await record_of(store)
    assert (record.video, record.items["a"].title, record.items["a"].lenders) == (None, lent.url, [])
    assert (record.items["a"].status, record.items["e"].opened_with) == ("resolving", ana)
    with pytest.raises(Refused, match="may not serve"):
        await store.resolved(ROOM, "a", **result, opened_with=ana)
    with pytest.raises(Refused, match="may not serve"):
        await store.extend(ROOM, "a", [replace(entries[0], id="f")])
    assert await store.resolved(ROOM, "a", **result)
    assert (await record_of(store)).items["a"].opened_with == ""


async def test_who_tries_again_or_plays_with_their_cookies_comes_first_in_the_chain(store: RoomStore) -> None:
    ben = Sender("guest-ben", "c2")
    for name in ("a", "b"):
        await store.add_item(ROOM, ANA, replace(item(name), lenders=[ANA.member]), create=True)
    await store.resolved(ROOM, "a", code="private", message="It is private.")
    await store.retry_item(ROOM, ben, "a")
    assert (await record_of(store)).items["a"].lenders == [ANA.member]
    await store.resolved(ROOM, "a", code="private", message="It is private.")
    await store.retry_item(ROOM, ben, "a", lend=True)
    await store.play_item(ROOM, ben, "b", lend=True)
    await store.lend(ROOM, ANA, "b", lend=False)
    record = await record_of(store)
    assert record.items["b"].lenders == [ben.member]
    assert "a" not in record.items


async def test_rooms_whose_keys_are_long_gone_leave_the_list(store: RoomStore, redis: Redis, keys: Keys) -> None:
    now = 1_800_000_000.0
    await redis.zadd(keys.rooms(), {"old": (now - ROOM_TTL_S - 1) * 1000, "young": (now - ROOM_TTL_S + 1) * 1000})
    await store.directory.forget(now)
    assert await redis.zrange(keys.rooms(), 0, -1) == [b"young"]


async def test_the_list_tells_of_listed_rooms_what_strangers_may_know_the_last_active_first(
    store: RoomStore, redis: Redis, keys: Keys
) -> None:
    for number, name in enumerate(("open", "locked-away", "unlisted", "quiet")):
        await store.join(name, ANA, name="Ana", is_guest=True, replica="n1", lease_ms=LEASE_MS)
        await store.add_item(name, said(f"add {name}"), item("i1"))
        video = VideoState(url="http://x/i1", title="Film", stream_type="direct", duration=60.0)
        await store.resolved(
            name, "i1", title="Film", thumbnail="t", duration=60.0, video_json=codec.encode_text(video)
        )
        await store.directory.touch(name, 1_800_000_000.0 - number, listed=True)
    await store.change_settings("locked-away", said("p"), {}, unlisted=None, password_hash="hash")
    await store.change_settings("unlisted", said("u"), {}, unlisted=True, password_hash="")
    await store.playback("quiet", said("stop"), "pause", 1.0)
    await redis.zadd(keys.rooms(), {"gone": 1_900_000_000_000.0})
    rooms = await store.directory.list_rooms(10)
    assert [(room.id, room.title, room.thumbnail, room.is_playing, room.member_names) for room in rooms] == [
        ("open", "Film", "t", True, ["Ana"]),
        ("locked-away", "", "", True, []),
        ("quiet", "Film", "t", False, ["Ana"]),
    ]
    assert min(room.last_active for room in rooms) == pytest.approx(await store.masters.time(), abs=30)
    assert b"gone" not in await redis.zrange(keys.rooms(), 0, -1)


async def test_a_room_is_looked_at_when_a_lease_may_have_ended_in_it_and_until_it_is_known_when_the_next_does(
    store: RoomStore,
) -> None:
    time = Clock()
    clock = RoomClock(time.monotonic)
    clock.add(time.monotonic(), time.wall(), time.monotonic())
    ends = Ends(store.directory, clock)
    assert ends.near({"new"}) == set()
    await ends.note("soon", (clock.now() + 3) * 1000)
    assert ends.near({"new", "soon"}) == set()
    time.advance(4)
    assert [ends.near({"new", "soon"}) for _ in range(2)] == [{"soon"}] * 2
    time.advance(7)
    assert ends.near({"new", "soon"}) == {"new", "soon"}
    await ends.note("new", (clock.now() + 25) * 1000)
    assert ends.near({"new", "soon"}) == {"soon"}
    assert ends.near({"new"}) == set()


async def test_a_room_that_somebody_came_to_is_due_when_their_lease_ends(store: RoomStore) -> None:
    await store.directory.touch("film", 1000.0, listed=True, lease_s=25.0)
    await store.directory.touch("film", 1010.0, listed=True, lease_s=25.0)
    assert await store.directory.due(1_024_999) == []
    assert await store.directory.due(1_025_000) == ["film"]


async def test_of_a_room_that_is_deleted_nothing_stays_and_everybody_in_it_is_told(
    store: RoomStore, redis: Redis, keys: Keys
) -> None:
    await playing(store, "one", "two")
    await join(store, Sender("guest-ben", "c2"))
    await store.chat(ROOM, said("hello"), "m1", "Hello")
    await store.send_out(ROOM, said("ban"), "guest-cy", banned=True, address=True)
    await store.refresh(ROOM, [("c1", LEASE_MS)], replica="n1", rtt_ms=20)
    await store.directory.touch(ROOM, 1000.0, listed=True, lease_s=25.0)
    await store.directory.touch("another", 1000.0, listed=True, lease_s=25.0)
    listener = redis.pubsub(ignore_subscribe_messages=True)
    await listener.subscribe(keys.events(ROOM))
    await store.delete(ROOM)
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        while len(told) < 2:
            if message := await listener.get_message(timeout=1):
                told.append(codec.decode(message["data"]))
    await listener.aclose()  # type: ignore[no-untyped-call]
    assert [(event["type"], event["reason"]) for event in told] == [("member_left", "kicked")] * 2
    assert {event["email"] for event in told} == {"guest-ana", "guest-ben"}
    left = {key async for key in redis.scan_iter(f"{keys.prefix}:*")}
    assert left == {keys.rooms().encode(), keys.rooms_due().encode()}
    assert await redis.zrange(keys.rooms(), 0, -1) == await redis.zrange(keys.rooms_due(), 0, -1) == [b"another"]
    with pytest.raises(Refused, match="no room"):
        await store.delete(ROOM)
    assert await join(store) > told[-1]["version"]
