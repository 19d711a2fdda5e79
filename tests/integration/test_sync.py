"""Two replicas of the sync service as processes, over one Redis: what members of one room see of each other."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus

from services.common import codec
from services.common.chain import ANONYMOUS, PUBLIC, Resolution
from services.common.jobs import Jobs
from services.common.keys import Keys, url_digest
from services.common.resolution import Resolutions
from services.common.room.store import RoomStore
from services.common.wire.models import VideoState
from services.sync.resolving import ASK_AGAIN_S
from tests.support.member import Member
from tests.support.node import Node
from tests.support.redis import RedisServer
from tests.support.replicas import Replicas, store_on, two_replicas

LINK = "http://93.184.216.34/clip.mp4"
PREFIX = f"sync{secrets.token_hex(3)}"


def settings_of(server: RedisServer, prefix: str = PREFIX) -> dict[str, str]:
    return {"WT_REDIS_URL": server.url, "WT_KEY_PREFIX": prefix, "WT_DRAIN_S": "1", "WT_HEARTBEAT_S": "1"}


@pytest.fixture(scope="module")
def replicas(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    logs = tmp_path_factory.mktemp("sync")
    settings = settings_of(redis_server)
    with two_replicas(logs, settings) as running:
        yield running


@pytest.fixture
async def store(redis: Redis) -> RoomStore:
    """Stands for the resolver, whose results enter rooms through the same script."""
    return await store_on(redis, PREFIX)


async def resolve(store: RoomStore, room: str, item: str, duration: float = 600) -> None:
    video = VideoState(url=LINK, title="Clip", stream_type="direct", duration=duration)
    await store.resolved(room, item, title="Clip", duration=duration, video_json=codec.encode_text(video))


async def start_playing(store: RoomStore, room: str, member: Member, duration: float = 600) -> str:
    """Add an item and have it resolved. Answers its id."""
    await member.ask("queue_add", url=LINK)
    while (added := (await member.expect("queue_update"))["queue"][-1])["status"] != "resolving":
        pass
    await resolve(store, room, added["id"], duration)
    return str(added["id"])


async def test_members_on_two_replicas_see_the_same_events_in_the_same_order(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with Member(replicas[0].url, room, "Ana") as ana, Member(replicas[1].url, room, "Ben") as ben:
        await ana.expect("room_state")
        await ben.expect("room_state")
        await start_playing(store, room, ana)
        await ana.expect("set_video", is_playing=True)
        for n in range(10):
            speaker, kind = (ana, ben)[n % 2], ("play", "pause", "seek")[n % 3]
            answer = await speaker.ask(kind, timestamp=n * 10)
            assert answer["type"] == "ack"
        await asyncio.sleep(0.3)
        kinds = {"play", "pause", "seek", "set_video", "queue_update"}
        by_ana = [(m["type"], m["version"]) for m in ana.seen if m["type"] in kinds]
        by_ben = [(m["type"], m["version"]) for m in ben.seen if m["type"] in kinds]
        assert by_ana == by_ben
        assert len(by_ana) >= 13


async def test_a_full_queue_of_links_is_told_with_the_time_of_the_next_try(
    redis_server: RedisServer, redis: Redis, tmp_path: Path, keys: Keys
) -> None:
    await Jobs(redis, keys).enqueue("another", "https://another.example/", ANONYMOUS)
    settings = settings_of(redis_server, keys.prefix) | {"WT_RESOLVE_QUEUE_MAX": "1"}
    node = Node("services.sync", tmp_path / "sync.log", settings=settings)
    await asyncio.to_thread(node.start)
    async with Member(node.url, "busy") as ana:
        await ana.ask("queue_add", url=LINK)
        told = await ana.expect("resolving", stage="busy")
        assert told["retry_after_ms"] >= 4000
        await redis.delete(keys.jobs())
        await ana.expect("resolving", stage="queued", timeout_s=20)
    await asyncio.to_thread(node.stop)


async def test_what_is_played_or_tried_again_right_after_it_was_asked_for_is_asked_for_at_once(
    replicas: Replicas, redis: Redis, room: str
) -> None:
    results = Resolutions(redis, Keys(PREFIX)).results
    link = f"{LINK}?{room}"
    video = VideoState(url=link, title="Clip", stream_type="direct", duration=600)
    opened = Resolution(video=video, resolved_at=time.time(), expires_at=time.time() + 600)
    closed = Resolution(video=None, code="timeout", resolved_at=time.time(), expires_at=time.time() + 600)
    async with Member(replicas[0].url, room) as ana:
        await results.put(url_digest(link), PUBLIC, opened)
        for _ in range(3):
            await ana.ask("queue_add", url=link)
        await ana.expect("set_video", is_playing=True)
        queue = await until_none_waits(ana, 3)
        await results.put(url_digest(link), PUBLIC, closed)
        await ana.ask("queue_add", url=link)
        failed = (await until_none_waits(ana, 4))[-1]
        assert failed["status"] == "failed"
        await results.put(url_digest(link), PUBLIC, opened)
        asked_at = time.monotonic()
        await ana.ask("queue_retry", item_id=failed["id"])
        assert (await until_none_waits(ana, 4))[-1]["status"] == "ready"
        for item in queue[1:]:
            await ana.ask("queue_play", item_id=item["id"])
            while (await ana.expect("set_video", item_id=item["id"]))["video"] is None:
                pass
        # Sooner than what was asked and never answered is asked again.
        assert time.monotonic() - asked_at < ASK_AGAIN_S / 2


async def until_none_waits(member: Member, count: int) -> list[dict[str, Any]]:
    """The queue once it has `count` items and none is still being opened."""
    while True:
        queue: list[dict[str, Any]] = (await member.expect("queue_update"))["queue"]
        if len(queue) == count and all(item["status"] != "resolving" for item in queue):
            return queue


async def test_a_joiner_finds_the_room_where_it_is(replicas: Replicas, store: RoomStore, room: str) -> None:
    async with Member(replicas[0].url, room, "Ana") as ana:
        await start_playing(store, room, ana)
        await ana.ask("seek", timestamp=100)
        await asyncio.sleep(0.5)
        async with Member(replicas[1].url, room, "Ben") as ben:
            state = await ben.expect("room_state")
    assert {member["name"] for member in state["room"]["members"].values()} == {"Ana", "Ben"}
    assert state["room"]["is_playing"]
    assert 100.4 < state["room"]["timestamp"] < 103
    assert state["you"]["name"] == "Ben"
    assert state["room"]["current_video"]["title"] == "Clip"


async def test_heartbeats_tell_the_running_position_and_the_room_clock(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with Member(replicas[0].url, room) as ana:
        await start_playing(store, room, ana)
        await ana.ask("play", timestamp=10)
        beats = [await ana.expect("heartbeat", is_playing=True) for _ in range(3)]
    first, last = beats[0], beats[-1]
    moved = last["timestamp"] - first["timestamp"]
    assert moved == pytest.approx(last["server_time"] - first["server_time"], abs=0.005)
    assert first["version"] > 0


async def test_a_command_sent_twice_is_applied_once(replicas: Replicas, store: RoomStore, room: str) -> None:
    async with Member(replicas[0].url, room) as ana:
        await start_playing(store, room, ana)
        for _ in range(2):
            await ana.send("seek", id="same", timestamp=33)
        first = await ana.expect("ack", id="same")
        again = await ana.expect("ack", id="same")
        assert first["version"] == again["version"]
        await asyncio.sleep(0.2)
        assert sum(m["type"] == "seek" for m in ana.seen) == 1


async def test_a_command_repeated_on_another_replica_with_the_same_session_is_applied_once(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with Member(replicas[0].url, room) as ana:
        await start_playing(store, room, ana)
        await ana.send("seek", id="mine", timestamp=33)
        first = await ana.expect("ack", id="mine")
        async with Member(replicas[1].url, room, headers={"Cookie": ana.cookie}) as again:
            await again.expect("room_state")
            await again.send("seek", id="mine", timestamp=33)
            assert (await again.expect("ack", id="mine"))["version"] == first["version"]


async def test_the_clock_answers_with_the_room_clock(replicas: Replicas, redis: Redis, room: str) -> None:
    async with Member(replicas[0].url, room) as ana:
        await ana.send("clock", client_time=12.5)
        answer = await ana.expect("clock")
        whole, micros = await redis.time()
    assert answer["client_time"] == 12.5
    assert answer["server_time"] == pytest.approx(whole + micros / 1e6, abs=0.25)


BAD_FRAMES = [
    ("{", "malformed"),
    ("[]", "malformed"),
    ('{"type":"seek","timestamp":NaN}', "malformed"),
    ('{"type":"seek","timestamp":null}', "invalid"),
    ('{"type":"seek"}', "invalid"),
    ('{"type":"seek","timestamp":-1}', "invalid"),
    ('{"type":"play","timestamp":1e999}', "malformed"),
    ('{"type":"dance"}', "unknown_type"),
    ("{}", "unknown_type"),
    ('{"type":["seek"]}', "unknown_type"),
    ('{"type":{}}', "unknown_type"),
    ('{"type":"undo","version":-1}', "too_late"),
    ('{"type":"undo","version":9999999999999999999}', "too_late"),
    ('{"type":"queue_add","url":"ftp://x/y"}', "bad_url"),
    ('{"type":"queue_add","url":"not a link"}', "bad_url"),
    ('{"type":"queue_remove","item_id":"gone"}', "no_such_item"),
    ('{"type":"play","timestamp":1}', "nothing_playing"),
    ("x" * 40_000, "too_large"),
    (b"\x00\x01", "malformed"),
]


@pytest.mark.parametrize(("frame", "code"), BAD_FRAMES)
async def test_a_bad_frame_gets_an_error_with_a_code_and_the_socket_goes_on(
    replicas: Replicas, room: str, frame: str | bytes, code: str
) -> None:
    async with Member(replicas[0].url, room) as ana:
        await ana.expect("room_state")
        await ana.socket.send(frame)
        error = await ana.expect("error")
        assert (error["code"], bool(error["message"])) == (code, True)
        await ana.send("clock", client_time=1)
        await ana.expect("clock")


async def test_an_error_names_the_command_it_refuses(replicas: Replicas, room: str) -> None:
    async with Member(replicas[0].url, room) as ana:
        await ana.socket.send(json.dumps({"type": "seek", "id": "c7", "timestamp": "soon"}))
        assert (await ana.expect("error"))["id"] == "c7"


async def test_who_speaks_too_fast_is_told_when_to_retry(replicas: Replicas, room: str) -> None:
    async with Member(replicas[0].url, room) as ana:
        for _ in range(40):
            await ana.send("pause", timestamp=1)
        error = await ana.expect("error", code="too_many_requests")
        assert 0 < error["retry_after_ms"] <= 1000


async def test_a_command_that_goes_wrong_here_is_answered_and_the_socket_goes_on(
    replicas: Replicas, redis: Redis, room: str
) -> None:
    async with Member(replicas[0].url, room) as ana:
        await ana.expect("room_state")
        await redis.set(Keys(PREFIX).chat(room), "no stream")
        answer = await ana.ask("chat", text="hello")
        assert (answer["type"], answer["code"]) == ("error", "broken")
        assert "WRONGTYPE" not in answer["message"]
        assert (await ana.ask("rename", name="Ana again"))["type"] == "ack"


async def test_of_many_sockets_that_one_person_opens_at_once_ten_are_let_in(replicas: Replicas, room: str) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(Member(replicas[0].url, room))
        await first.expect("room_state")
        tabs = [Member(replicas[0].url, room, headers={"Cookie": first.cookie}) for _ in range(14)]
        await asyncio.gather(*(stack.enter_async_context(tab) for tab in tabs))
        answers = await asyncio.gather(*(first_of(tab, "room_state", "error") for tab in tabs))
        assert Counter(answer["type"] for answer in answers) == {"room_state": 9, "error": 5}
        late = tabs[[answer["type"] for answer in answers].index("error")]
        assert await late.closed() == 4504
        # One that is closed makes room for another.
        await first.socket.close()
        await until_let_in(replicas[0].url, room, first.cookie)


async def first_of(member: Member, *kinds: str) -> dict[str, Any]:
    """The first message of any of these kinds."""
    async with asyncio.timeout(10):
        while True:
            for message in member.seen:
                if message["type"] in kinds:
                    return message
            await asyncio.sleep(0.01)


async def until_let_in(url: str, room: str, cookie: str) -> None:
    """Try to come in until it is granted."""
    async with asyncio.timeout(10):
        while True:
            async with Member(url, room, headers={"Cookie": cookie}) as tab:
                if (await first_of(tab, "room_state", "error"))["type"] == "room_state":
                    return
            await asyncio.sleep(0.05)


async def test_a_bad_room_id_is_closed_for_good(replicas: Replicas) -> None:
    async with Member(replicas[0].url, "no%20room") as ana:
        assert (await ana.expect("error"))["code"] == "bad_room_id"
        assert await ana.closed() == 4500


async def test_a_foreign_origin_is_refused_before_the_handshake(replicas: Replicas, room: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with Member(replicas[0].url, room, origin="https://evil.example"):
            pass
    assert refusal.value.response.status_code == 403


async def test_the_pages_own_origin_is_welcome(replicas: Replicas, room: str) -> None:
    async with Member(replicas[0].url, room, origin=replicas[0].url) as ana:
        await ana.expect("room_state")


async def test_a_fresh_guest_gets_a_session_and_comes_back_as_the_same_member(replicas: Replicas, room: str) -> None:
    async with Member(replicas[0].url, room, "Ana") as ana:
        me = (await ana.expect("room_state"))["you"]["id"]
    async with Member(replicas[1].url, room, headers={"Cookie": ana.cookie}) as again:
        state = await again.expect("room_state")
    assert state["you"]["id"] == me
    assert state["you"]["role"] == "owner"
    assert len(state["room"]["members"]) == 1


async def test_a_second_tab_of_the_same_person_is_one_member(replicas: Replicas, room: str) -> None:
    async with Member(replicas[0].url, room, "Ana") as ana:
        await ana.expect("room_state")
        async with Member(replicas[1].url, room, "Ana", headers={"Cookie": ana.cookie}) as second:
            assert len((await second.expect("room_state"))["room"]["members"]) == 1
        await asyncio.sleep(4)
        assert not [m for m in ana.seen if m["type"] in ("member_joined", "member_left")]


async def test_a_member_who_leaves_is_announced_once_after_the_grace(replicas: Replicas, room: str) -> None:
    async with Member(replicas[0].url, room, "Ana") as ana:
        async with Member(replicas[1].url, room, "Ben") as ben:
            gone = (await ben.expect("room_state"))["you"]["id"]
        await ana.expect("member_left", email=gone, timeout_s=10)
        await asyncio.sleep(2.5)
        assert sum(m["type"] == "member_left" for m in ana.seen) == 1


async def test_the_end_said_by_two_members_moves_on_once(replicas: Replicas, store: RoomStore, room: str) -> None:
    async with Member(replicas[0].url, room, "Ana") as ana, Member(replicas[1].url, room, "Ben") as ben:
        first = await start_playing(store, room, ana, duration=20)
        second = await start_playing(store, room, ana, duration=20)
        third = await start_playing(store, room, ana, duration=20)
        await ana.ask("seek", timestamp=19)
        answers = await asyncio.gather(ana.ask("ended", item_id=first), ben.ask("ended", item_id=first))
        assert [answer["type"] for answer in answers] == ["ack", "ack"]
        await ben.expect("set_video", item_id=second)
        ben.skip()
        await ben.send("resync")
        state = await ben.expect("room_state")
        assert [entry["id"] for entry in state["room"]["queue"]] == [second, third]


async def test_a_room_moves_on_by_its_own_clock_when_nobody_says_the_end(
    replicas: Replicas, store: RoomStore, room: str
) -> None:
    async with Member(replicas[0].url, room) as ana:
        await start_playing(store, room, ana, duration=20)
        second = await start_playing(store, room, ana, duration=20)
        await ana.ask("seek", timestamp=19.5)
        await ana.expect("set_video", item_id=second, timeout_s=8)


async def test_after_a_replica_is_killed_its_members_go_on_elsewhere_and_nothing_acknowledged_is_lost(
    redis_server: RedisServer, store: RoomStore, replicas: Replicas, room: str, tmp_path: Path
) -> None:
    with Node("services.sync", tmp_path / "doomed.log", settings=settings_of(redis_server)) as doomed:
        async with Member(doomed.url, room, "Ana") as ana, Member(replicas[0].url, room, "Ben") as ben:
            await start_playing(store, room, ana)
            acknowledged = (await ana.ask("seek", timestamp=77))["version"]
            doomed.kill()
            await ana.closed()
            async with Member(replicas[1].url, room, headers={"Cookie": ana.cookie}) as back:
                state = await back.expect("room_state")
                assert state["version"] >= acknowledged
                assert 77 <= state["room"]["timestamp"] < 90
                assert state["room"]["is_playing"]
                answer = await back.ask("pause", timestamp=80)
                await ben.expect("pause", version=answer["version"])
            assert not [m for m in ben.seen if m["type"] == "member_left"]


async def test_a_draining_replica_says_goodbye_and_closes_with_a_code_that_means_come_back(
    redis_server: RedisServer, room: str, tmp_path: Path
) -> None:
    with Node("services.sync", tmp_path / "drained.log", settings=settings_of(redis_server)) as node:
        async with Member(node.url, room) as ana:
            await ana.expect("room_state")
            stopped = asyncio.create_task(asyncio.to_thread(node.stop))
            goodbye = await ana.expect("goodbye")
            assert goodbye["reason"] == "restarting"
            with pytest.raises(InvalidStatus) as refused:
                await Member(node.url, room).__aenter__()
            assert refused.value.response.status_code == 503
            assert await ana.closed() == 4001
            assert await stopped == 0


async def test_a_replica_is_drained_in_time_while_redis_hangs_and_nobody_is_seen_leaving(
    tmp_path: Path, room: str
) -> None:
    with RedisServer(append="always") as server:
        settings = {**settings_of(server), "WT_DRAIN_S": "1", "WT_DROPPED_GRACE_S": "1", "WT_CLOSED_GRACE_S": "1"}
        with two_replicas(tmp_path, settings) as (leaving, staying):
            async with Member(staying.url, room, "Ben") as ben, Member(leaving.url, room, "Ana") as ana:
                await asyncio.gather(ben.expect("room_state"), ana.expect("room_state"))
                server.pause()
                began = time.monotonic()
                # A drain, what uvicorn gives to requests that still run, and a service's own end.
                assert await asyncio.to_thread(leaving.stop, timeout_s=60) == 0
                assert time.monotonic() - began < 12
                assert await ana.closed() == 4001
                server.resume()
                await asyncio.sleep(3)
                assert not [message for message in ben.seen if message["type"] == "member_left"]


async def test_while_redis_is_frozen_sockets_stay_and_afterwards_everything_goes_on(tmp_path: Path) -> None:
    with RedisServer(append="always") as server:
        settings = settings_of(server, "frozen")
        with two_replicas(tmp_path, settings) as (first, second):
            async with Member(first.url, "film", "Ana") as ana, Member(second.url, "film", "Ben") as ben:
                await ana.expect("room_state")
                await ana.ask("queue_add", url=LINK)
                server.pause()
                await ana.send("queue_add", id="late", url=LINK)
                await asyncio.sleep(6)
                server.resume()
                await ana.expect("ack", id="late", timeout_s=15)
                # What is new is refused until the replica has heard that Redis is back.
                deadline = asyncio.get_running_loop().time() + 15
                while (await ana.ask("queue_add", url=LINK))["type"] != "ack":
                    assert asyncio.get_running_loop().time() < deadline
                    await asyncio.sleep(0.2)
                ben.skip()
                await ben.send("resync")
                async with asyncio.timeout(15):
                    while len((await ben.expect("room_state"))["room"]["queue"]) < 3:
                        await asyncio.sleep(0.2)
                        await ben.send("resync")
                assert (ana.close_code, ben.close_code) == (None, None)


async def test_a_restarted_redis_keeps_the_room_and_its_members_go_on(tmp_path: Path) -> None:
    with RedisServer(append="always") as server:
        settings = settings_of(server, "restarted")
        with Node("services.sync", tmp_path / "a.log", settings=settings) as node:
            async with Member(node.url, "film", "Ana") as ana:
                await ana.ask("queue_add", url=LINK)
                server.restart()
                deadline = asyncio.get_running_loop().time() + 15
                answer = {"type": "error"}
                while answer["type"] != "ack" and asyncio.get_running_loop().time() < deadline:
                    answer = await ana.ask("queue_add", url=LINK)
                    await asyncio.sleep(0.3)
                assert answer["type"] == "ack"
                ana.skip()
                await ana.send("resync")
                state = await ana.expect("room_state", timeout_s=10)
                assert len(state["room"]["queue"]) >= 2
                assert ana.close_code is None


async def test_where_access_is_configured_a_socket_without_an_assertion_is_closed_for_good(
    redis_server: RedisServer, room: str, tmp_path: Path
) -> None:
    settings = settings_of(redis_server) | {"WT_ACCESS_TEAM": "http://127.0.0.1:9", "WT_ACCESS_AUDIENCE": "films"}
    forged = {"Cf-Access-Authenticated-User-Email": "ana@example.org"}
    with Node("services.sync", tmp_path / "access.log", settings=settings) as node:
        async with Member(node.url, room, headers=forged) as ana:
            assert (await ana.expect("error"))["code"] == "sign_in_required"
            assert await ana.closed() == 4506
