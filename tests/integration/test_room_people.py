"""Who may do what in a room, on a real Redis: roles, moderation, passwords, waiting, chat and undo."""

from __future__ import annotations

import asyncio
import time

import pytest
from redis.asyncio import Redis

from services.common import codec
from services.common.errors import Refused
from services.common.keys import Keys
from services.common.room.reasons import MOST_ITEMS
from services.common.room.sender import SYSTEM, Sender
from services.common.room.snapshot import RoomRecord
from services.common.room.store import RoomStore
from services.common.wire.models import Banned, QueueItem, VideoState

ROOM = "film"
ANA, BEN, CLEO = "guest-ana", "guest-ben", "guest-cleo"


@pytest.fixture
async def store(redis: Redis, keys: Keys) -> RoomStore:
    store = RoomStore(redis, keys)
    await store.masters.refresh()
    return store


counter = iter(range(10**9))


def by(member: str) -> Sender:
    return Sender(member, f"c-{member}", f"cmd{next(counter)}")


async def join(store: RoomStore, *members: str, lease_ms: int = 25_000, address: str = "") -> None:
    for member in members:
        await store.join(
            ROOM, by(member), name=member, is_guest=True, replica="n1", lease_ms=lease_ms, address=address or member
        )


async def record_of(store: RoomStore) -> RoomRecord:
    record = await store.snapshot(ROOM)
    assert record is not None
    return record


async def playing(store: RoomStore, *ids: str) -> None:
    for id_ in ids:
        url = f"http://x/{id_}"
        await store.add_item(ROOM, by(ANA), QueueItem(id=id_, url=url, title=id_))
        video = VideoState(url=url, title=id_, stream_type="direct", duration=600)
        await store.resolved(ROOM, id_, title=id_, duration=600, video_json=codec.encode_text(video))


async def leave(store: RoomStore, member: str) -> None:
    await store.leave(ROOM, f"c-{member}", grace_ms=0)
    await asyncio.sleep(0.01)
    await store.reap(ROOM)


async def refusal(change: object) -> str:
    with pytest.raises(Refused) as refused:
        await change  # type: ignore[misc]  # any of the store's coroutines
    return refused.value.code


async def settings(
    store: RoomStore, who: str, unlisted: bool | None = None, password: str = "", **change: object
) -> int:
    return await store.change_settings(ROOM, by(who), change, unlisted=unlisted, password_hash=password)


async def test_a_room_starts_open_for_everybody(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1")
    await store.playback(ROOM, by(BEN), "pause", 3)
    await store.add_item(ROOM, by(BEN), QueueItem(id="i2", url="http://x/2", title="2"))


async def test_a_seek_from_a_member_is_refused_where_moderators_play(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1")
    await settings(store, ANA, permissions={"playback": "moderator"})
    assert await refusal(store.playback(ROOM, by(BEN), "seek", 3)) == "forbidden"
    await store.set_role(ROOM, by(ANA), BEN, "moderator")
    await store.playback(ROOM, by(BEN), "seek", 3)


async def test_a_viewer_may_chat_but_not_play_or_queue(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1")
    await store.set_role(ROOM, by(ANA), BEN, "viewer")
    await store.chat(ROOM, by(BEN), "m1", "hello")
    assert await refusal(store.playback(ROOM, by(BEN), "pause", 3)) == "forbidden"
    assert await refusal(store.remove_item(ROOM, by(BEN), "i1")) == "forbidden"


async def test_a_member_may_not_change_settings_roles_or_people(store: RoomStore) -> None:
    await join(store, ANA, BEN, CLEO)
    assert await refusal(settings(store, BEN, tight_sync=True)) == "forbidden"
    assert await refusal(store.set_role(ROOM, by(BEN), CLEO, "viewer")) == "forbidden"
    assert await refusal(store.send_out(ROOM, by(BEN), CLEO)) == "forbidden"


async def test_a_moderator_does_not_touch_the_owner_or_another_moderator(store: RoomStore) -> None:
    await join(store, ANA, BEN, CLEO)
    for member in (BEN, CLEO):
        await store.set_role(ROOM, by(ANA), member, "moderator")
    assert await refusal(store.send_out(ROOM, by(BEN), ANA)) == "forbidden"
    assert await refusal(store.send_out(ROOM, by(BEN), CLEO, banned=True)) == "forbidden"
    assert await refusal(store.set_role(ROOM, by(BEN), CLEO, "viewer")) == "forbidden"


async def test_a_moderator_may_not_reserve_something_for_the_owner(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await store.set_role(ROOM, by(ANA), BEN, "moderator")
    assert await refusal(settings(store, BEN, permissions={"playback": "owner"})) == "forbidden"


async def test_settings_that_are_left_out_stay(store: RoomStore) -> None:
    await join(store, ANA)
    await settings(store, ANA, tight_sync=True, permissions={"queue": "moderator"})
    await settings(store, ANA, buffering="everyone", permissions={"chat": "member"})
    known = (await record_of(store)).settings
    assert (known.tight_sync, known.buffering) == (True, "everyone")
    assert (known.permissions.queue, known.permissions.chat, known.permissions.playback) == (
        "moderator",
        "member",
        "member",
    )


async def test_who_was_kicked_may_come_back_and_who_was_banned_may_not(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await store.send_out(ROOM, by(ANA), BEN)
    assert BEN not in (await record_of(store)).members
    await join(store, BEN)
    await store.send_out(ROOM, by(ANA), BEN, banned=True)
    assert await refusal(join(store, BEN)) == "banned"
    assert BEN not in (await record_of(store)).members


async def test_the_log_names_who_was_sent_out_also_for_those_who_come_later(store: RoomStore) -> None:
    await join(store, ANA)
    for reason in ("kick", "ban"):
        await store.join(
            ROOM, by("guest-x7"), name="Xena", is_guest=True, replica="n1", lease_ms=25_000, address="cafe"
        )
        await store.send_out(ROOM, by(ANA), "guest-x7", banned=reason == "ban")
        assert [(line.kind, line.title) for line in (await record_of(store)).log][-1] == (reason, "Xena")


async def test_the_log_of_an_older_version_names_nobody_and_is_read_all_the_same(
    store: RoomStore, redis: Redis, keys: Keys
) -> None:
    await join(store, ANA)
    version = (await record_of(store)).version + 1
    event = {
        "type": "member_left", "version": version, "prev": version - 1, "run": "r", "server_time": 1.0,
        "email": BEN, "reason": "banned", "by": ANA,
    }  # fmt: skip
    await redis.xadd(keys.log(ROOM), {"e": codec.encode_text(event)}, id=f"{version}-0")
    assert [(line.kind, line.title) for line in (await record_of(store)).log] == [("ban", BEN)]


async def test_a_ban_by_address_holds_for_a_new_name_from_there_but_for_nobody_else(store: RoomStore) -> None:
    await join(store, ANA, address="home")
    await join(store, BEN, address="cafe")
    await store.send_out(ROOM, by(ANA), BEN, banned=True, address=True)
    assert await refusal(join(store, "guest-ben2", address="cafe")) == "banned"
    await join(store, CLEO, address="elsewhere")


async def test_who_runs_the_room_may_share_an_address_with_whom_they_banned(store: RoomStore) -> None:
    await join(store, ANA, address="home")
    await join(store, BEN, CLEO, address="home")
    await store.set_role(ROOM, by(ANA), CLEO, "moderator")
    await store.send_out(ROOM, by(ANA), BEN, banned=True, address=True)
    for member in (ANA, CLEO):
        await leave(store, member)
        await join(store, member, address="home")
    assert await refusal(join(store, "guest-ben-again", address="home")) == "banned"


async def test_bans_have_a_number(store: RoomStore, redis: Redis, keys: Keys) -> None:
    await join(store, ANA, BEN)
    for number in range(1000):
        await store.send_out(ROOM, by(ANA), f"guest-{number}", banned=True)
    assert await refusal(store.send_out(ROOM, by(ANA), BEN, banned=True)) == "too_many_bans"
    assert BEN in (await record_of(store)).members
    assert await redis.hlen(keys.bans(ROOM)) == 1000  # type: ignore[misc]


async def banned(store: RoomStore, sender: Sender = SYSTEM) -> list[Banned]:
    return await store.bans(ROOM, sender)


async def test_a_ban_tells_whom_it_holds_who_set_it_and_when(store: RoomStore) -> None:
    await join(store, ANA, BEN, CLEO)
    await store.rename(ROOM, by(BEN), "Ben the Loud")
    before = time.time()
    await store.send_out(ROOM, by(ANA), BEN, banned=True, address=True)
    await store.send_out(ROOM, by(ANA), CLEO, banned=True)
    cleo, ben = await banned(store, by(ANA))
    assert (ben.member, ben.name, ben.by, ben.by_name) == (BEN, "Ben the Loud", ANA, ANA)
    assert before - 1 < ben.at <= cleo.at < time.time() + 1
    assert (ben.has_address, cleo.has_address) == (True, False)
    assert (ben.can_lift, cleo.can_lift) == (True, True)
    assert ben.id != cleo.id


async def test_who_is_let_in_again_comes_in_and_so_does_who_shares_their_address(store: RoomStore) -> None:
    await join(store, ANA)
    await join(store, BEN, address="cafe")
    await store.send_out(ROOM, by(ANA), BEN, banned=True, address=True)
    (ban,) = await banned(store)
    before = (await record_of(store)).version
    assert await store.unban(ROOM, by(ANA), ban.id) > before
    await join(store, BEN, "guest-other", address="cafe")
    assert await banned(store) == []
    line = (await record_of(store)).log
    assert [(entry.kind, entry.by, entry.title) for entry in line if entry.kind == "unban"] == [("unban", ANA, BEN)]


async def test_an_address_that_another_ban_holds_stays_banned(store: RoomStore) -> None:
    await join(store, ANA)
    await join(store, BEN, CLEO, address="cafe")
    for member in (BEN, CLEO):
        await store.send_out(ROOM, by(ANA), member, banned=True, address=True)
    cleo, ben = await banned(store)
    await store.unban(ROOM, by(ANA), cleo.id)
    assert await refusal(join(store, CLEO, address="cafe")) == "banned"
    await join(store, CLEO, address="elsewhere")
    await store.unban(ROOM, by(ANA), ben.id)
    await join(store, BEN, address="cafe")


async def test_who_is_banned_twice_at_once_has_one_ban_with_all_of_its_addresses(store: RoomStore) -> None:
    await join(store, ANA)
    await join(store, BEN, address="cafe")
    await store.send_out(ROOM, by(ANA), BEN, banned=True, address=True)
    (first,) = await banned(store)
    await store.send_out(ROOM, by(ANA), BEN, banned=True)
    (second,) = await banned(store)
    assert (second.id, second.has_address) == (first.id, True)
    await store.unban(ROOM, by(ANA), first.id)
    await join(store, BEN, address="cafe")


async def test_a_ban_is_lifted_once_and_a_repeated_command_gets_the_same_answer(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await store.send_out(ROOM, by(ANA), BEN, banned=True)
    (ban,) = await banned(store)
    command = by(ANA)
    version = await store.unban(ROOM, command, ban.id)
    await store.send_out(ROOM, by(ANA), CLEO, banned=True)
    assert await store.unban(ROOM, command, ban.id) == version
    assert await refusal(store.unban(ROOM, by(ANA), ban.id)) == "no_such_ban"
    assert len(await banned(store)) == 1


async def test_bans_are_for_moderators_who_are_here_and_only_an_owner_lets_a_moderator_in_again(
    store: RoomStore,
) -> None:
    await join(store, ANA, BEN, CLEO, "guest-dan")
    for member in (BEN, CLEO):
        await store.set_role(ROOM, by(ANA), member, "moderator")
    await store.send_out(ROOM, by(ANA), CLEO, banned=True)
    await store.send_out(ROOM, by(ANA), "guest-eve", banned=True)
    of_eve, of_cleo = await banned(store, by(BEN))
    assert (of_eve.can_lift, of_cleo.can_lift) == (True, False)
    assert await refusal(store.unban(ROOM, by(BEN), of_cleo.id)) == "forbidden"
    for nobody, code in (("guest-dan", "forbidden"), (CLEO, "not_a_member"), ("guest-stranger", "not_a_member")):
        assert await refusal(banned(store, by(nobody))) == code
        assert await refusal(store.unban(ROOM, by(nobody), of_eve.id)) == code
    await store.unban(ROOM, by(BEN), of_eve.id)
    await store.unban(ROOM, by(ANA), of_cleo.id)
    assert await refusal(store.bans("nowhere", SYSTEM)) == "no_such_room"


async def test_bans_that_an_older_version_wrote_are_listed_and_lifted_with_their_addresses(
    store: RoomStore, redis: Redis, keys: Keys
) -> None:
    await join(store, ANA)
    old = '{"by":"ana@example.org","at":1704567890.1235}'
    entries = {"ben@example.org": old, "address:cafe": old, "address:gone": '{"by":"guest-ana","at":1704567000.5}'}
    await redis.hset(keys.bans(ROOM), mapping=entries)  # type: ignore[misc]
    ben, address = await banned(store, by(ANA))
    assert (ben.member, ben.name, ben.by, ben.has_address) == ("ben@example.org", "", "ana@example.org", True)
    assert (ben.at, address.at) == (1704567890.1235, 1704567000.5)
    assert (address.member, address.has_address, address.can_lift) == ("", True, True)
    assert [ban.id for ban in await banned(store)] == [ben.id, address.id]
    await store.unban(ROOM, by(ANA), ben.id)
    await join(store, "ben@example.org", address="cafe")
    assert await refusal(join(store, CLEO, address="gone")) == "banned"
    await store.unban(ROOM, by(ANA), address.id)
    await join(store, CLEO, address="gone")


async def test_a_new_ban_leaves_an_older_versions_ban_of_the_same_address_alone(
    store: RoomStore, redis: Redis, keys: Keys
) -> None:
    await join(store, ANA)
    await join(store, BEN, address="cafe")
    old = '{"by":"guest-ana","at":1704567890.1235}'
    await redis.hset(keys.bans(ROOM), mapping={CLEO: old, "address:cafe": old})  # type: ignore[misc]
    await store.send_out(ROOM, by(ANA), BEN, banned=True, address=True)
    ben, cleo = await banned(store)
    assert (ben.member, cleo.member, ben.has_address, cleo.has_address) == (BEN, CLEO, True, True)
    await store.unban(ROOM, by(ANA), ben.id)
    assert await refusal(join(store, BEN, address="cafe")) == "banned"
    await store.unban(ROOM, by(ANA), cleo.id)
    await join(store, BEN, address="cafe")


async def test_the_same_ban_has_another_id_each_time_so_that_none_can_be_worked_out(store: RoomStore) -> None:
    await join(store, ANA)
    seen = set()
    for _ in range(3):
        await store.send_out(ROOM, by(ANA), "ben@example.org", banned=True)
        (ban,) = await banned(store)
        seen.add(ban.id)
        await store.unban(ROOM, by(ANA), ban.id)
    assert len(seen) == 3


async def test_of_many_who_come_at_once_a_room_takes_as_many_as_it_holds(store: RoomStore) -> None:
    comers = [by(f"guest-{number}") for number in range(12)]
    joining = [
        store.join(
            ROOM, comer, name=comer.member, is_guest=True, replica="n1", lease_ms=25_000, address="", most_members=5
        )
        for comer in comers
    ]
    outcomes = await asyncio.gather(*joining, return_exceptions=True)
    assert [outcome.code for outcome in outcomes if isinstance(outcome, Refused)] == ["room_full"] * 7
    inside = next(iter((await record_of(store)).members))
    again = Sender(inside, "another tab")
    assert await store.join(ROOM, again, name=inside, is_guest=True, replica="n2", lease_ms=25_000, most_members=5), (
        "who is inside is not kept out"
    )


async def test_a_locked_room_lets_nobody_new_in_and_keeps_who_is_there(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await settings(store, ANA, is_locked=True)
    assert await refusal(join(store, CLEO)) == "locked"
    await join(store, BEN)
    await leave(store, ANA)
    await join(store, ANA)


async def test_a_room_with_a_password_lets_in_who_gave_it(store: RoomStore) -> None:
    await join(store, ANA)
    await settings(store, ANA, password="a hash")
    assert await refusal(join(store, BEN)) == "password_required"
    assert (await record_of(store)).settings.has_password
    await store.grant(ROOM, BEN)
    await join(store, BEN)
    await settings(store, ANA, password="-")
    await join(store, CLEO)


async def test_a_new_password_must_be_given_by_everybody_who_comes_after_it(store: RoomStore) -> None:
    await join(store, ANA)
    await settings(store, ANA, password="a hash")
    await store.grant(ROOM, BEN)
    await settings(store, ANA, password="another hash")
    assert await refusal(join(store, BEN)) == "password_required"


async def test_the_longest_there_stands_in_for_the_owner_until_they_are_back(store: RoomStore) -> None:
    await join(store, ANA, BEN, CLEO)
    await leave(store, ANA)
    members = (await record_of(store)).members
    assert (members[BEN].role, members[CLEO].role) == ("owner", "member")
    await settings(store, BEN, tight_sync=True)
    await join(store, ANA)
    members = (await record_of(store)).members
    assert (members[ANA].role, members[BEN].role) == ("owner", "member")
    assert await refusal(settings(store, BEN, tight_sync=False)) == "forbidden"


async def test_a_moderator_stands_in_before_a_member_who_was_there_longer(store: RoomStore) -> None:
    await join(store, ANA, BEN, CLEO)
    await store.set_role(ROOM, by(ANA), CLEO, "moderator")
    await leave(store, ANA)
    assert (await record_of(store)).members[CLEO].role == "owner"


async def test_a_stranger_in_an_empty_room_inherits_nothing(store: RoomStore) -> None:
    await join(store, ANA)
    await leave(store, ANA)
    await join(store, CLEO)
    record = await record_of(store)
    assert (record.members[CLEO].role, record.owner) == ("member", ANA)


async def test_the_owner_can_give_the_room_away(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await store.set_role(ROOM, by(ANA), BEN, "owner")
    members = (await record_of(store)).members
    assert (members[BEN].role, members[ANA].role) == ("owner", "moderator")
    assert await refusal(store.set_role(ROOM, by(ANA), ANA, "owner")) == "forbidden"


async def test_roles_are_kept_while_somebody_is_away(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await store.set_role(ROOM, by(ANA), BEN, "moderator")
    await leave(store, BEN)
    await join(store, BEN)
    assert (await record_of(store)).members[BEN].role == "moderator"


async def test_the_room_waits_for_a_dry_player_and_goes_on_when_it_is_ready(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1")
    await settings(store, ANA, buffering="everyone")
    await store.playback(ROOM, by(ANA), "play", 30)
    await store.hold(ROOM, BEN, most_ms=10_000)
    held = await record_of(store)
    assert held.waiting is not None
    assert held.waiting.members == [BEN]
    await asyncio.sleep(0.3)
    assert (await record_of(store)).anchor.position_at(await store.masters.time()) == held.anchor.position
    await store.release(ROOM, BEN)
    resumed = await record_of(store)
    assert resumed.waiting is None
    assert resumed.anchor.is_moving
    assert resumed.anchor.position == pytest.approx(held.anchor.position)


async def test_the_room_goes_on_when_the_last_of_several_is_ready(store: RoomStore) -> None:
    await join(store, ANA, BEN, CLEO)
    await playing(store, "i1")
    await settings(store, ANA, buffering="everyone")
    await store.hold(ROOM, BEN, most_ms=10_000)
    await store.hold(ROOM, CLEO, most_ms=10_000)
    await store.release(ROOM, BEN)
    waiting = (await record_of(store)).waiting
    assert waiting is not None
    assert waiting.members == [CLEO]
    await store.release(ROOM, CLEO)
    assert (await record_of(store)).anchor.is_moving


async def test_who_stalled_long_ago_is_forgotten_with_the_next_who_stalls(
    store: RoomStore, redis: Redis, keys: Keys
) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1")
    await settings(store, ANA, buffering="everyone")
    long_ago = {f"guest-{number}": [1.0] for number in range(50)}
    await redis.hset(keys.room(ROOM), "stalls", codec.encode_text(long_ago))  # type: ignore[misc]
    await store.hold(ROOM, BEN, most_ms=10_000)
    stalls = codec.decode(await redis.hget(keys.room(ROOM), "stalls") or b"")  # type: ignore[misc]
    assert list(stalls) == [BEN]


async def test_a_deadline_ends_the_waiting_and_only_when_it_is_over(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1")
    await settings(store, ANA, buffering="everyone")
    await store.hold(ROOM, BEN, most_ms=300)
    await store.release(ROOM)
    assert not (await record_of(store)).anchor.is_moving
    await asyncio.sleep(0.35)
    await asyncio.gather(*(store.release(ROOM) for _ in range(4)))
    assert (await record_of(store)).anchor.is_moving


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
async def test_a_step_of_the_clock_makes_nobody_wait_for_longer(
    store: RoomStore, redis: Redis, keys: Keys, step_s: float
) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1")
    await settings(store, ANA, buffering="everyone")
    await store.hold(ROOM, BEN, most_ms=10_000)
    # The clock of before the step said so much less, or more.
    for field in ("at", "wait_until", "alive_at"):
        await redis.hincrbyfloat(keys.room(ROOM), field, -step_s)  # type: ignore[misc]
    await store.reanchor(ROOM, step_s)
    waiting = (await record_of(store)).waiting
    assert waiting is not None
    assert waiting.until - await store.masters.time() == pytest.approx(10, abs=3)


async def test_who_stalls_three_times_is_excused(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1")
    await settings(store, ANA, buffering="everyone")
    for _ in range(3):
        await store.hold(ROOM, BEN, most_ms=10_000)
        await store.release(ROOM, BEN)
    assert await refusal(store.hold(ROOM, BEN, most_ms=10_000)) == "excused"
    await store.hold(ROOM, ANA, most_ms=10_000)


@pytest.mark.parametrize(
    ("policy", "member", "waits"), [("never", ANA, False), ("owner", BEN, False), ("owner", ANA, True)]
)
async def test_the_policy_says_for_whom_a_room_waits(store: RoomStore, policy: str, member: str, waits: bool) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1")
    await settings(store, ANA, buffering=policy)
    if waits:
        await store.hold(ROOM, member, most_ms=10_000)
        assert (await record_of(store)).waiting is not None
    else:
        assert await refusal(store.hold(ROOM, member, most_ms=10_000)) == "not_waiting"


@pytest.mark.parametrize("kind", ["play", "pause", "seek"])
async def test_whoever_presses_a_button_ends_the_waiting(store: RoomStore, kind: str) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1")
    await settings(store, ANA, buffering="everyone")
    await store.hold(ROOM, BEN, most_ms=10_000)
    await store.playback(ROOM, by(ANA), kind, 40)  # type: ignore[arg-type]  # one of the three
    record = await record_of(store)
    assert record.waiting is None
    assert record.anchor.is_moving == (kind != "pause")


async def test_a_start_is_scheduled_as_late_as_the_slowest_needs_and_half_a_second_at_most(
    store: RoomStore,
) -> None:
    await join(store, ANA)
    await playing(store, "i1")
    for rtt_ms, lead_s in ((0, 0.0), (120, 0.2), (5000, 0.5)):
        await store.refresh(ROOM, [(f"c-{ANA}", 25_000)], replica="n1", rtt_ms=rtt_ms)
        before = await store.masters.time()
        await store.playback(ROOM, by(ANA), "play", 10)
        assert (await record_of(store)).anchor.at - before == pytest.approx(lead_s, abs=0.05)


async def test_a_pause_is_never_scheduled(store: RoomStore) -> None:
    await join(store, ANA)
    await playing(store, "i1")
    await store.refresh(ROOM, [(f"c-{ANA}", 25_000)], replica="n1", rtt_ms=400)
    before = await store.masters.time()
    await store.playback(ROOM, by(ANA), "pause", 10)
    assert (await record_of(store)).anchor.at - before < 0.1


async def test_chat_keeps_its_last_two_hundred(store: RoomStore) -> None:
    await join(store, ANA)
    for n in range(205):
        await store.chat(ROOM, by(ANA), f"m{n}", f"line {n} <b>")
    chat = (await record_of(store)).chat
    assert len(chat) == 200
    assert (chat[0].text, chat[-1].text, chat[-1].name) == ("line 5 <b>", "line 204 <b>", ANA)


async def test_a_seek_can_be_undone(store: RoomStore) -> None:
    await join(store, ANA)
    await playing(store, "i1")
    await store.playback(ROOM, by(ANA), "pause", 100)
    version = await store.playback(ROOM, by(ANA), "seek", 500)
    await store.undo(ROOM, by(ANA), version)
    assert (await record_of(store)).anchor.position == pytest.approx(100)


async def test_a_removed_item_can_be_brought_back_to_its_place(store: RoomStore) -> None:
    await join(store, ANA)
    await playing(store, "i1", "i2", "i3")
    version = await store.remove_item(ROOM, by(ANA), "i2")
    await store.undo(ROOM, by(ANA), version)
    record = await record_of(store)
    assert record.order == ["i1", "i2", "i3"]
    assert record.items["i2"].status == "ready"
    assert await refusal(store.undo(ROOM, by(ANA), version)) == "too_late"


async def test_nothing_is_brought_back_into_a_full_queue(store: RoomStore, redis: Redis, keys: Keys) -> None:
    await join(store, ANA)
    await playing(store, "i1")
    await store.add_item(ROOM, by(ANA), QueueItem(id="i2", url="http://x/i2", title="i2"))
    removed = await store.remove_item(ROOM, by(ANA), "i2")
    await redis.hset(keys.items(ROOM), mapping={f"filler{n}": "{}" for n in range(MOST_ITEMS - 1)})  # type: ignore[misc]
    assert await refusal(store.undo(ROOM, by(ANA), removed)) == "queue_full"


async def test_what_is_long_gone_or_was_no_seek_can_not_be_undone(store: RoomStore) -> None:
    await join(store, ANA)
    await playing(store, "i1")
    version = await store.playback(ROOM, by(ANA), "pause", 100)
    assert await refusal(store.undo(ROOM, by(ANA), version)) == "not_undoable"
    assert await refusal(store.undo(ROOM, by(ANA), 12345)) == "too_late"


async def test_votes_bring_an_item_forward_behind_the_current_one(store: RoomStore) -> None:
    await join(store, ANA, BEN)
    await playing(store, "i1", "i2", "i3", "i4")
    await store.vote(ROOM, by(ANA), "i4")
    await store.vote(ROOM, by(BEN), "i4")
    await store.vote(ROOM, by(BEN), "i3")
    record = await record_of(store)
    assert record.order == ["i1", "i4", "i3", "i2"]
    assert record.items["i4"].votes == [ANA, BEN]
    await store.vote(ROOM, by(ANA), "i4")
    await store.vote(ROOM, by(BEN), "i4")
    assert (await record_of(store)).items["i4"].votes == []


async def test_clearing_the_queue_leaves_the_current_item(store: RoomStore) -> None:
    await join(store, ANA)
    await playing(store, "i1", "i2", "i3")
    await store.clear_queue(ROOM, by(ANA))
    assert (await record_of(store)).order == ["i1"]
