"""An operator's command line over real rooms, caches and cookies."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from services.common import codec
from services.common.chain import PUBLIC, Link, Resolution, audience_of
from services.common.contexts import ContextStore, StreamContext
from services.common.cookies import Cookie
from services.common.errors import Refused
from services.common.guard import page_url
from services.common.keyring import KeyRing
from services.common.keys import Keys, url_digest
from services.common.loans import Loan, Loans
from services.common.redis import connect
from services.common.resolution import Resolutions
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.vault import Vault
from services.common.vitals import VitalsStore, WorkerHealth
from services.common.wire.models import QueueItem, VideoState
from services.operator.command import run
from tests.support.cluster import Cluster
from tests.support.installation import Installation
from tests.support.member import Member
from tests.support.node import ROOT, SECRET, Node, free_port
from tests.support.redis import RedisServer
from tests.support.replicas import store_on

RING = KeyRing((SECRET,))
LINK = "http://93.184.216.34/clip.mp4"
VALUE = "a-value-of-nobody"
WORKER = WorkerHealth(ytdlp="2026.10.26", ytdlp_ejs="0.8.0", age_days=20, node="24.1.0")

Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def environ(redis_server: RedisServer, keys: Keys, tmp_path: Path) -> dict[str, str]:
    return {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": keys.prefix,
        "WT_SECRET": SECRET,
        "WT_DATA_DIR": str(tmp_path),
    }


@pytest.fixture
def ask(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Ask:
    """A command with `--json`. Answers its status, and what it told or complained of."""

    async def said(*argv: str) -> tuple[int, Any]:
        status = await run([*argv, "--json"], environ)
        written = capsys.readouterr()
        return status, codec.decode(written.out) if written.out else written.err

    return said


@pytest.fixture
async def store(redis: Redis, keys: Keys) -> RoomStore:
    return await store_on(redis, keys.prefix)


async def make_room(store: RoomStore, room: str, *, unlisted: bool = False, lenders: tuple[str, ...] = ()) -> None:
    item = QueueItem(id="i1", url=LINK, title="Clip", lenders=list(lenders))
    await store.add_item(room, Sender("guest-ana", "", "add"), item, create=True, unlisted=unlisted)


async def left(redis: Redis, keys: Keys, room: str) -> list[bytes]:
    return [key async for key in redis.scan_iter(f"{keys.prefix}:room:{{{room}}}*")]


async def test_rooms_are_listed_with_unlisted_ones_the_last_active_first(ask: Ask, store: RoomStore) -> None:
    for room, unlisted in (("first", False), ("hidden", True), ("last", False)):
        await make_room(store, room, unlisted=unlisted)
    status, told = await ask("rooms", "list")
    assert status == 0
    assert [(room["id"], room["is_unlisted"]) for room in told["rooms"]] == [
        ("last", False),
        ("hidden", True),
        ("first", False),
    ]
    status, told = await ask("rooms", "list", "--limit", "1")
    assert ([room["id"] for room in told["rooms"]], told["total"]) == (["last"], 3)


async def test_a_room_is_shown_with_its_queue_and_without_what_is_said_in_it(
    store: RoomStore, environ: dict[str, str], capsys: pytest.CaptureFixture[str], ask: Ask
) -> None:
    await make_room(store, "film")
    await store.join("film", Sender("guest-ana", "c1"), name="Ana", is_guest=True, replica="n", lease_ms=60_000)
    await store.chat("film", Sender("guest-ana", "c1"), "m1", "between us")
    assert await run(["rooms", "show", "film"], environ) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("Room film", "guest-ana", "Ana", "owner", LINK, "1 chat message"))
    assert "between us" not in text
    _, told = await ask("rooms", "show", "film")
    assert told["people"][0]["role"] == "owner"
    assert told["queue"][0]["url"] == LINK


async def test_of_what_cookies_opened_an_operator_sees_the_link_alone(ask: Ask, store: RoomStore) -> None:
    await make_room(store, "film", lenders=("ana@example.org",))
    video = VideoState(url=LINK, title="Hers alone", stream_type="direct", duration=60)
    await store.resolved(
        "film", "i1", title="Hers alone", video_json=codec.encode_text(video), opened_with="ana@example.org"
    )
    for command in (("rooms", "list"), ("rooms", "show", "film")):
        _, told = await ask(*command)
        assert "Hers alone" not in codec.encode_text(told)
        assert LINK in codec.encode_text(told)


async def test_who_is_in_a_room_that_is_deleted_is_sent_out_and_nothing_of_it_stays(
    ask: Ask, store: RoomStore, redis: Redis, keys: Keys, environ: dict[str, str], tmp_path: Path
) -> None:
    node = Node("services.sync", tmp_path / "sync.log", settings=environ)
    await asyncio.to_thread(node.start)
    try:
        async with Member(node.url, "film", "Ana") as ana:
            await ana.expect("room_state")
            status, told = await ask("rooms", "delete", "film", "--yes")
            assert (status, told["deleted"], told["people"]) == (0, "film", 1)
            assert await ana.closed() == 4501
        assert await left(redis, keys, "film") == []
        for hint in (keys.rooms(), keys.rooms_due()):
            assert await redis.zscore(hint, "film") is None
    finally:
        await asyncio.to_thread(node.stop)
    assert (await ask("rooms", "show", "film"))[0] == 1


async def test_with_a_room_ends_what_was_lent_to_it(ask: Ask, store: RoomStore, redis: Redis, keys: Keys) -> None:
    await make_room(store, "film", lenders=("ana@example.org",))
    loans = Loans(redis, keys, RING)
    for scope, audience in (("here", audience_of("film", "i1")), ("there", audience_of("other", "i1"))):
        loan = Loan(
            owner="ana@example.org", audience=audience, sites=["x.example"], digest="d", cookies=[], contexts=[]
        )
        await loans.put(scope, loan, 600)
    assert (await ask("rooms", "delete", "film", "--yes"))[0] == 0
    assert await loans.get("here") is None
    assert await loans.get("there") is not None


async def test_nothing_is_deleted_without_a_yes(ask: Ask, store: RoomStore) -> None:
    await make_room(store, "film")
    status, said = await ask("rooms", "delete", "film")
    assert (status, "--yes" in said) == (2, True)
    assert await store.snapshot("film") is not None


@pytest.mark.parametrize(("room", "status"), [("nobody-was-here", 1), ("no room!", 2)])
async def test_a_room_that_is_not_there_and_one_that_can_not_be_end_differently(
    ask: Ask, room: str, status: int
) -> None:
    assert (await ask("rooms", "show", room))[0] == status


async def test_somebody_who_was_banned_is_let_in_again(ask: Ask, store: RoomStore) -> None:
    ana = Sender("guest-ana", "c1")
    await store.join("film", ana, name="Ana", is_guest=True, replica="n", lease_ms=60_000)
    ben = Sender("guest-ben", "c2")
    await store.join("film", ben, name="Ben", is_guest=True, replica="n", lease_ms=60_000, address="a" * 16)
    assert await ask("bans", "list", "film") == (0, {"bans": []})
    await store.send_out("film", ana, ben.member, banned=True, address=True)
    _, told = await ask("bans", "list", "film")
    (ban,) = told["bans"]
    assert (ban["member"], ban["name"], ban["by"], ban["has_address"]) == ("guest-ben", "Ben", "guest-ana", True)
    assert (await ask("bans", "lift", "film", "another", "--yes"))[0] == 1
    with pytest.raises(Refused, match="banned"):
        await store.join("film", ben, name="Ben", is_guest=True, replica="n", lease_ms=60_000)
    assert (await ask("bans", "lift", "film", ban["id"]))[0] == 2
    assert (await ask("bans", "lift", "film", ban["id"], "--yes"))[0] == 0
    await store.join("film", ben, name="Ben", is_guest=True, replica="n", lease_ms=60_000, address="a" * 16)
    assert (await ask("bans", "list", "nobody-was-here"))[0] == 1


async def cached(redis: Redis, keys: Keys, link: str, scope: str = PUBLIC) -> None:
    now = time.time()
    video = VideoState(url=link, title="Clip", stream_type="direct", duration=60)
    result = Resolution(video=video, resolved_at=now, expires_at=now + 600)
    await Resolutions(redis, keys).results.put(url_digest(page_url(link)), scope, result)


async def test_one_link_or_all_are_forgotten_and_streams_go_on(ask: Ask, redis: Redis, keys: Keys) -> None:
    other = "http://93.184.216.34/other.mp4"
    for link, scope in ((LINK, PUBLIC), (LINK, "hers"), (other, PUBLIC)):
        await cached(redis, keys, link, scope)
    contexts = ContextStore(redis, keys, RING)
    await contexts.put({"c1": StreamContext(page_url=LINK, format_id="1", url=LINK)}, 600)
    await redis.zadd(keys.bucket_lru("node-1"), {"a.0.bucket": 1.0, "a.1.bucket": 2.0})
    await redis.execute_command("HSET", keys.bucket("a"), "0", "1 g node-1")  # type: ignore[no-untyped-call]
    await redis.set(keys.bucket_fill("a", 1), "node-1", ex=60)
    _, told = await ask("cache", "list")
    assert (told["formats"]["public"], told["formats"]["personal"], told["contexts"]["count"]) == (2, 1, 1)
    assert told["formats"]["bytes"] > 100
    assert told["proxies"]["node-1"]["buckets"] == 2
    assert await ask("cache", "purge", "--link", LINK, "--yes") == (0, {"formats": 2})
    assert await Resolutions(redis, keys).cached(LINK) is None
    assert await Resolutions(redis, keys).cached(other) is not None
    assert (await ask("cache", "purge", "--link", LINK, "--yes"))[0] == 1
    assert (await ask("cache", "purge", "--link", "ftp:no", "--yes"))[0] == 2
    assert await ask("cache", "purge", "--all", "--yes") == (0, {"formats": 1, "hints": 1})
    assert await contexts.get("c1") is not None
    assert await redis.exists(keys.bucket_lru("node-1"), keys.bucket_fill("a", 1)) == 2


async def test_cookies_are_listed_without_values_and_deleted_with_what_they_opened(
    ask: Ask, redis: Redis, keys: Keys, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    vault, loans = Vault(redis, keys, RING, guests_allowed=True), Loans(redis, keys, RING)
    hers = [Cookie(domain=f".{site}", name="sid", value=VALUE) for site in ("video.example", "film.example")]
    await vault.put("guest-ana", hers)
    link = Link(scope="s1", owner="guest-ana")
    loan = Loan(owner=link.owner, audience="", sites=["video.example"], digest="d", cookies=hers[:1], contexts=["c1"])
    await loans.put(link.scope, loan, 600)
    assert await run(["cookies", "list"], environ) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("guest-ana", "video.example", "film.example"))
    assert VALUE not in text
    assert (await ask("cookies", "delete", "guest-ana", "--site", "video.example", "--yes"))[0] == 0
    assert set(await vault.sites("guest-ana")) == {"film.example"}
    assert await loans.get(link.scope) is None
    assert (await ask("cookies", "delete", "guest-ana", "--site", "video.example", "--yes"))[0] == 1
    assert (await ask("cookies", "delete", "guest-ana", "--yes"))[0] == 0
    assert await ask("cookies", "list") == (0, {"cookies": [], "unreadable": []})


async def test_cookies_of_another_secret_are_named_and_can_be_deleted(ask: Ask, redis: Redis, keys: Keys) -> None:
    vault = Vault(redis, keys, KeyRing(("a secret that was lost since",)), guests_allowed=True)
    await vault.put("guest-ana", [Cookie(domain=".video.example", name="sid", value=VALUE)])
    assert await ask("cookies", "list") == (0, {"cookies": [], "unreadable": ["guest-ana"]})
    assert (await ask("cookies", "delete", "guest-ana", "--yes"))[0] == 0
    assert await redis.exists(keys.cookies("guest-ana")) == 0


async def test_rooms_of_every_master_of_a_cluster_are_listed_and_deleted(
    environ: dict[str, str], ask: Ask, redis_server: RedisServer, keys: Keys
) -> None:
    cluster = Cluster(masters=3)
    await asyncio.to_thread(cluster.__enter__)
    try:
        environ |= {"WT_REDIS_URL": cluster.url, "WT_JOBS_REDIS_URL": redis_server.url}
        client = connect(cluster.url)
        store = await store_on(client, keys.prefix)
        rooms = [f"film-{number}" for number in range(9)]
        for room in rooms:
            await make_room(store, room)
        assert {store.masters.of(room) for room in rooms} == set(store.masters.runs)
        assert sorted(each["id"] for each in (await ask("rooms", "list"))[1]["rooms"]) == rooms
        assert (await ask("rooms", "delete", rooms[0], "--yes"))[0] == 0
        assert sorted(each["id"] for each in (await ask("rooms", "list"))[1]["rooms"]) == rooms[1:]
        _, told = await ask("doctor")
        asked = {each["what"] for each in told["checks"] if "Redis" in each["what"]}
        assert asked == {"jobs' Redis", *(f"rooms' Redis {name}" for name in store.masters.runs)}
        await client.aclose()
    finally:
        await asyncio.to_thread(cluster.__exit__, None, None, None)


async def test_on_a_terminal_it_asks_before_it_deletes(
    environ: dict[str, str], store: RoomStore, redis: Redis, keys: Keys
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WT_")}

    def typed(answer: str) -> tuple[int, str]:
        ours, theirs = os.openpty()
        try:
            os.write(ours, answer.encode())
            done = subprocess.run(
                [sys.executable, "-m", "services.operator", "rooms", "delete", "film"],
                cwd=ROOT, env={**kept, **environ}, stdin=theirs, capture_output=True, text=True, timeout=30,
            )  # fmt: skip
        finally:
            os.close(ours)
            os.close(theirs)
        return done.returncode, done.stderr

    await make_room(store, "film")
    status, said = await asyncio.to_thread(typed, "n\n")
    assert (status, "Delete the room film, with its queue, chat and bans? [y/N]" in said) == (2, True)
    assert await left(redis, keys, "film") != []
    assert (await asyncio.to_thread(typed, "y\n"))[0] == 0
    assert await left(redis, keys, "film") == []


async def test_the_doctor_tells_of_redis_and_of_workers(ask: Ask, redis: Redis, keys: Keys) -> None:
    status, told = await ask("doctor")
    assert status == 1
    assert [each["text"] for each in told["checks"] if each["what"] == "resolver"] == [
        "No worker takes links: start services.resolver."
    ]
    await VitalsStore(redis, keys).tell("w1", WORKER)
    status, told = await ask("doctor")
    of_redis = " ".join(each["text"] for each in told["checks"] if each["what"] == "Redis")
    assert "Valkey" in of_redis
    assert "appendfsync always" in of_redis
    assert "its clock is within" in of_redis
    assert not [each for each in told["checks"] if each["level"] == "fail" and each["what"] != "disk"]


async def test_a_redis_that_forgets_when_it_is_full_fails_the_doctor(environ: dict[str, str], ask: Ask) -> None:
    options = ("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    server = RedisServer(options=options)
    await asyncio.to_thread(server.start)
    try:
        environ["WT_REDIS_URL"] = server.url
        status, told = await ask("doctor")
    finally:
        await asyncio.to_thread(server.close)
    assert status == 1
    found = {each["level"]: each["text"] for each in told["checks"] if each["what"] == "Redis"}
    assert "set noeviction" in found["fail"]
    assert "appendonly no" in found["warn"]


async def test_a_redis_that_is_away_is_named_without_its_password(environ: dict[str, str], ask: Ask) -> None:
    environ["WT_REDIS_URL"] = f"redis://:hush-hush@127.0.0.1:{free_port()}/0"
    status, said = await ask("rooms", "list")
    assert status == 1
    assert "WT_REDIS_URL does not answer" in said
    assert "hush-hush" not in said
    status, told = await ask("doctor")
    assert status == 1
    assert "hush-hush" not in codec.encode_text(told)


async def test_settings_that_are_wrong_end_as_misuse_and_fail_the_doctor(environ: dict[str, str], ask: Ask) -> None:
    environ["WT_REDIS_URL"] = "http://nothing"
    status, said = await ask("rooms", "list")
    assert (status, "WT_REDIS_URL" in said) == (2, True)
    status, told = await ask("doctor")
    assert (status, told["checks"][0]["what"]) == (1, "settings")


def test_a_running_make_up_is_found_by_its_data_folder(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WT_")}

    def asked(*argv: str) -> tuple[int, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "services", *argv, "--json"],
            cwd=ROOT, env={**kept, "WT_DATA_DIR": str(tmp_path / "data")}, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        return done.returncode, codec.decode(done.stdout) if done.stdout else done.stderr

    with Installation(tmp_path / "data") as installation:
        made = httpx.post(f"{installation.url()}/api/rooms", json={"url": LINK}, timeout=10)
        room = str(made.json()["id"])
        assert [each["id"] for each in asked("rooms", "list")[1]["rooms"]] == [room]
        assert "appendfsync always" in codec.encode_text(asked("doctor")[1])
        assert asked("cookies", "list") == (0, {"cookies": [], "unreadable": []})
        assert asked("rooms", "delete", room, "--yes")[0] == 0
        assert httpx.get(f"{installation.url()}/api/rooms/{room}", timeout=10).status_code == 404
        installation.stop()
    status, said = asked("rooms", "list")
    assert (status, "does not answer" in said) == (1, True)
