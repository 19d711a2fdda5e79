"""What moderation, waiting and chat look like on the sockets of two replicas and over REST."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis

from services.common import codec
from services.common.room.store import RoomStore
from services.common.wire.models import VideoState
from tests.support.member import Member
from tests.support.node import Node
from tests.support.redis import RedisServer
from tests.support.replicas import store_on

LINK = "http://93.184.216.34/clip.mp4"
PREFIX = f"mod{secrets.token_hex(3)}"


@pytest.fixture(scope="module")
def nodes(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node, Node]]:
    """Two replicas of sync, and a gateway."""
    logs = tmp_path_factory.mktemp("moderation")
    settings = {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": PREFIX, "WT_DRAIN_S": "1"}
    with (
        Node("services.sync", logs / "a.log", settings=settings) as first,
        Node("services.sync", logs / "b.log", settings=settings) as second,
        Node("services.gateway", logs / "g.log", settings=settings) as gateway,
    ):
        yield first, second, gateway


@pytest.fixture
async def store(redis: Redis) -> RoomStore:
    return await store_on(redis, PREFIX)


class Party:
    """Ana, who owns the room, and Ben, on the other replica; a video plays."""

    def __init__(self, ana: Member, ben: Member, ana_id: str, ben_id: str) -> None:
        self.ana, self.ben, self.ana_id, self.ben_id = ana, ben, ana_id, ben_id


async def begin(stack: AsyncExitStack, nodes: tuple[Node, Node, Node], store: RoomStore, room: str) -> Party:
    ana = await stack.enter_async_context(Member(nodes[0].url, room, "Ana"))
    ana_id = (await ana.expect("room_state"))["you"]["id"]
    ben = await stack.enter_async_context(Member(nodes[1].url, room, "Ben"))
    ben_id = (await ben.expect("room_state"))["you"]["id"]
    await ana.ask("queue_add", url=LINK)
    item = (await ana.expect("queue_update"))["queue"][0]["id"]
    video = VideoState(url=LINK, title="Clip", stream_type="direct", duration=600)
    await store.resolved(room, item, title="Clip", duration=600, video_json=codec.encode_text(video))
    for member in (ana, ben):
        await member.expect("set_video", is_playing=True)
    return Party(ana, ben, ana_id, ben_id)


async def post(url: str, body: object, cookie: str = "") -> tuple[int, str, str]:
    """Answers status, body and the cookie that was set."""

    def send() -> tuple[int, str, str]:
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Cookie": cookie} if cookie else {})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode(), answer.headers.get("Set-Cookie", "").split(";")[0]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), ""

    return await asyncio.to_thread(send)


async def test_who_is_kicked_is_closed_with_a_code_that_says_so_and_everybody_is_told_once(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        assert (await party.ana.ask("kick", member=party.ben_id))["type"] == "ack"
        assert await party.ben.closed() == 4501
        gone = await party.ana.expect("member_left", email=party.ben_id)
        assert (gone["reason"], gone["by"]) == ("kicked", party.ana_id)
        await asyncio.sleep(3)
        assert sum(message["type"] == "member_left" for message in party.ana.seen) == 1


async def test_who_is_kicked_while_another_of_their_tabs_waits_to_come_in_is_turned_away_there_too(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        # Whoever comes in waits for a video whose streams have ended, and nobody resolves it here.
        video = VideoState(url=LINK, title="Clip", stream_type="direct", duration=600, expires_at=time.time() - 1)
        record = await store.snapshot(room)
        assert record is not None
        await store.resolved(room, record.item_id, title="Clip", duration=600, video_json=codec.encode_text(video))
        await party.ben.expect("video_renewed")
        tab = Member(nodes[1].url, room, "Ben", headers={"Cookie": party.ben.cookie})
        await stack.enter_async_context(tab)
        await asyncio.sleep(0.5)
        assert tab.seen == []
        await party.ana.ask("kick", member=party.ben_id)
        assert await party.ben.closed() == 4501
        assert (await tab.expect("error", timeout_s=15))["code"] == "kicked"
        assert await tab.closed() == 4501


async def test_who_is_banned_can_not_come_back_with_the_same_session(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("ban", member=party.ben_id)
        assert await party.ben.closed() == 4502
        async with Member(nodes[0].url, room, headers={"Cookie": party.ben.cookie}) as again:
            assert (await again.expect("error"))["code"] == "banned"
            assert await again.closed() == 4502


async def listed(gateway: Node, room: str, cookie: str) -> tuple[int, dict[str, Any]]:
    """The room's bans as the holder of a cookie gets them over REST."""

    def ask() -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(f"{gateway.url}/api/rooms/{room}/bans", headers={"Cookie": cookie})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    return await asyncio.to_thread(ask)


async def test_who_was_banned_is_let_in_again_with_the_same_session_and_everybody_reads_by_whom(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        cleo = await stack.enter_async_context(Member(nodes[1].url, room, "Cleo"))
        await cleo.expect("room_state")
        await party.ana.ask("ban", member=party.ben_id, address=False)
        assert await party.ben.closed() == 4502
        status, answer = await listed(nodes[2], room, party.ana.cookie)
        (ban,) = answer["bans"]
        assert (status, ban["name"], ban["by_name"], ban["has_address"]) == (200, "Ben", "Ana", False)
        assert (await cleo.ask("unban", ban=ban["id"]))["code"] == "forbidden"
        assert (await party.ana.ask("unban", ban=ban["id"]))["type"] == "ack"
        told = await cleo.expect("unbanned")
        assert (told["ban"], told["name"], told["by"]) == (ban["id"], "Ben", party.ana_id)
        assert (await party.ana.ask("unban", ban=ban["id"]))["code"] == "no_such_ban"
        assert await listed(nodes[2], room, party.ana.cookie) == (200, {"bans": []})
        async with Member(nodes[0].url, room, headers={"Cookie": party.ben.cookie}) as again:
            line = (await again.expect("room_state"))["log"][-1]
            assert (line["kind"], line["name"], line["title"]) == ("unban", "Ana", "Ben")


async def test_bans_are_told_to_moderators_in_the_room_alone(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("ban", member="cat@example.org")
        (ban,) = (await listed(nodes[2], room, party.ana.cookie))[1]["bans"]
        assert ban["member"].startswith("user-")
        assert "cat@" not in json.dumps(ban)
        for cookie, code in ((party.ben.cookie, "forbidden"), ("", "not_a_member")):
            status, answer = await listed(nodes[2], room, cookie)
            assert (status, answer["error"]["code"]) == (403, code)


async def test_a_refused_command_names_its_code_and_the_socket_goes_on(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("set_settings", permissions={"playback": "moderator"})
        told = await party.ben.expect("settings")
        assert told["settings"]["permissions"]["playback"] == "moderator"
        assert (await party.ben.ask("pause", timestamp=3))["code"] == "forbidden"
        assert (await party.ben.ask("chat", text="why?"))["type"] == "ack"


async def test_a_room_with_a_password_asks_for_it_and_lets_in_who_gives_it(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    first, second, gateway = nodes
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("set_settings", password="open sesame")
        assert (await party.ben.expect("settings"))["settings"]["has_password"]
        async with Member(second.url, room, "Cleo") as cleo:
            assert (await cleo.expect("error"))["code"] == "password_required"
            assert await cleo.closed() == 4507
        join = f"{gateway.url}/api/rooms/{room}/join"
        status, body, _ = await post(join, {"password": "let me in"}, cleo.cookie)
        assert (status, json.loads(body)["error"]["code"]) == (403, "wrong_password")
        assert (await post(join, {"password": "open sesame"}, cleo.cookie))[0] == 204
        async with Member(first.url, room, headers={"Cookie": cleo.cookie}) as inside:
            await inside.expect("room_state")
        hidden = await asyncio.to_thread(urllib.request.urlopen, f"{gateway.url}/api/rooms/{room}")
        with hidden:
            assert json.load(hidden)["members"] == {}
        assert "open sesame" not in json.dumps(party.ana.seen + party.ben.seen)
        assert "argon2" not in json.dumps(party.ana.seen + party.ben.seen)


async def test_chat_reaches_the_other_replica_and_who_comes_later(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("chat", text="<script>alert(1)</script> https://example.org")
        told = await party.ben.expect("chat")
        assert told["message"]["text"] == "<script>alert(1)</script> https://example.org"
        await party.ben.ask("react", emoji="🎉")
        assert (await party.ana.expect("reaction"))["emoji"] == "🎉"
        async with Member(nodes[0].url, room, "Cleo") as cleo:
            state = await cleo.expect("room_state")
        assert [message["name"] for message in state["chat"]] == ["Ana"]
        assert "queue_add" in [line["kind"] for line in state["log"]]


async def test_a_hand_on_the_scrubber_is_few_events_and_every_seek_is_answered(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        for n in range(10):
            await party.ana.send("seek", id=f"s{n}", timestamp=10 * n)
        answers = [await party.ana.expect("ack", id="s0")]
        async with asyncio.timeout(5):
            while len(answers) < 10:
                answers = [m for m in party.ana.seen if m["type"] == "ack" and str(m["id"]).startswith("s")]
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        seeks = [m["timestamp"] for m in party.ben.seen if m["type"] == "seek"]
        assert seeks[-1] == 90
        assert len(seeks) <= 3
        assert len({answer["version"] for answer in answers}) == len(seeks)


async def test_the_room_waits_for_a_member_who_runs_dry_and_for_no_joiner(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("set_settings", buffering="everyone")
        await party.ana.send("status", state="ready")
        await party.ben.send("status", state="buffering")
        await asyncio.sleep(3.5)
        assert not [m for m in party.ana.seen if m["type"] == "waiting"], "a joiner stopped the room"
        await party.ben.send("status", state="ready")
        await asyncio.sleep(0.2)
        await party.ben.send("status", state="stalled", position=12.0)
        waiting = await party.ana.expect("waiting")
        assert waiting["members"] == [party.ben_id]
        assert 5 < waiting["until"] - waiting["server_time"] <= 10
        beat = await party.ana.expect("heartbeat")
        assert (beat["is_playing"], beat["timestamp"]) == (False, pytest.approx(waiting["timestamp"], abs=0.01))
        await party.ben.send("status", state="ready")
        resumed = await party.ana.expect("resumed")
        assert resumed["timestamp"] == pytest.approx(waiting["timestamp"], abs=0.01)


async def test_a_member_who_never_gets_ready_holds_the_room_until_the_deadline_and_no_longer(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("set_settings", buffering="everyone")
        await party.ben.send("status", state="ready")
        await asyncio.sleep(0.2)
        await party.ben.send("status", state="stalled")
        waiting = await party.ana.expect("waiting")
        resumed = await party.ana.expect("resumed", timeout_s=15)
        assert resumed["server_time"] - waiting["server_time"] == pytest.approx(10, abs=1.0)
        assert resumed["excused"] == [party.ben_id]


async def test_a_member_who_is_waited_for_and_leaves_holds_nobody(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("set_settings", buffering="everyone")
        await party.ben.send("status", state="ready")
        await asyncio.sleep(0.2)
        await party.ben.send("status", state="stalled")
        waiting = await party.ana.expect("waiting")
        await party.ben.socket.close()
        resumed = await party.ana.expect("resumed", timeout_s=10)
        assert resumed["server_time"] - waiting["server_time"] < 8


async def test_how_players_are_is_told_to_everybody(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ben.send("status", state="ready", drift=0.031, position=5.0, rtt=0.02)
        told = await party.ana.expect("statuses")
        assert told["members"][party.ben_id] == {
            "state": "ready", "drift": 0.031, "position": 5.0, "is_excused": False,
        }  # fmt: skip


async def test_of_two_tabs_of_one_person_the_one_that_is_seen_counts(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("set_settings", buffering="everyone")
        tab = await stack.enter_async_context(
            Member(nodes[1].url, room, "Ben", headers={"Cookie": party.ben.cookie}),
        )
        await tab.expect("room_state")
        await party.ben.send("status", state="ready", position=1.0)
        await tab.send("status", state="hidden")
        await party.ana.expect("statuses")
        await party.ben.send("status", state="stalled", position=1.0)
        assert (await party.ana.expect("waiting"))["members"] == [party.ben_id]
        await tab.send("status", state="hidden")
        with pytest.raises(TimeoutError):
            await party.ana.expect("resumed", timeout_s=2)
        await party.ben.send("status", state="ready", position=1.0)
        await party.ana.expect("resumed")
        told = [message["members"] for message in party.ana.seen if message["type"] == "statuses"]
        assert "hidden" not in [members[party.ben_id]["state"] for members in told if party.ben_id in members]


async def test_undo_takes_back_a_seek_for_everybody(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("pause", timestamp=42)
        version = (await party.ben.ask("seek", timestamp=500))["version"]
        await party.ana.expect("seek", timestamp=500)
        await party.ana.ask("undo", version=version)
        await party.ben.expect("seek", timestamp=42)


async def test_two_tabs_on_two_replicas_have_one_light_and_hold_the_room_until_both_can_play(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        await party.ana.ask("set_settings", buffering="everyone")
        # Ben is on the second replica, and comes by the first one, too; Cleo hears both from the second.
        tab = await stack.enter_async_context(Member(nodes[0].url, room, "Ben", headers={"Cookie": party.ben.cookie}))
        await tab.expect("room_state")
        cleo = await stack.enter_async_context(Member(nodes[1].url, room, "Cleo"))
        await cleo.expect("room_state")

        async def tell_in_turn(mine: str, other: str) -> list[str]:
            """What everybody hears of Ben while both tabs report, from when both were heard."""
            begun = {member: len(member.seen) for member in (party.ana, cleo)}
            for _ in range(4):
                await party.ben.send("status", state=mine, position=1.0)
                await tab.send("status", state=other, position=1.0)
                await asyncio.sleep(1.5)
            heard = [states_of(member, party.ben_id, begun[member])[2:] for member in (party.ana, cleo)]
            assert all(heard)
            return [state for states in heard for state in states]

        assert set(await tell_in_turn("ready", "hidden")) == {"ready"}
        await party.ben.send("status", state="stalled", position=1.0)
        await party.ana.expect("waiting")
        await tab.send("status", state="ready", position=1.0)
        with pytest.raises(TimeoutError):
            await party.ana.expect("resumed", timeout_s=1.5)
        await party.ben.send("status", state="ready", position=1.0)
        await tab.send("status", state="ready", position=1.0)
        await party.ana.expect("resumed")


async def test_the_tab_that_is_left_is_the_light_when_one_on_another_replica_is_closed(
    nodes: tuple[Node, Node, Node], store: RoomStore, room: str
) -> None:
    async with AsyncExitStack() as stack:
        party = await begin(stack, nodes, store, room)
        tab = await stack.enter_async_context(Member(nodes[0].url, room, "Ben", headers={"Cookie": party.ben.cookie}))
        await tab.expect("room_state")
        await tab.send("status", state="buffering", position=1.0)
        await asyncio.sleep(2.5)
        await party.ben.send("status", state="ready", position=1.0)
        await asyncio.sleep(2.5)
        assert states_of(party.ana, party.ben_id)[-1] == "buffering"
        await tab.socket.close()
        await asyncio.sleep(1)
        assert states_of(party.ana, party.ben_id)[-1] == "ready"
        late = await stack.enter_async_context(Member(nodes[0].url, room, "Cleo"))
        assert (await late.expect("room_state"))["statuses"][party.ben_id]["state"] == "ready"


def states_of(member: Member, of: str, since: int = 0) -> list[str]:
    """What a member heard of somebody's player, in order."""
    told = [message["members"] for message in member.seen[since:] if message["type"] == "statuses"]
    return [members[of]["state"] for members in told if of in members]
