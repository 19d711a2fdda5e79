"""Playlists and watch histories over a real Redis: whose they are, what they hold, what becomes of them in a room."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.common import codec
from services.common.errors import Refused
from services.common.history import MOST_ENTRIES, Histories
from services.common.keys import Keys
from services.common.playlist import created
from services.common.playlists import MOST_PLAYLISTS, Playlists
from services.common.room.store import RoomStore
from services.common.wire.models import VideoState
from services.common.wire.rest import HistoryEntry, NewPlaylistItem
from services.gateway.app import GatewayApp, build
from tests.support.member import Member
from tests.support.node import SECRET, Node
from tests.support.redis import RedisServer

LINK = "http://93.184.216.34/clip"
PREFIX = f"library{secrets.token_hex(3)}"
LOOK_S = 0.3


class Browser(httpx.AsyncClient):
    """Asks one gateway in the same loop; keeps cookies."""

    def __init__(self, app: GatewayApp) -> None:
        transport = httpx.ASGITransport(app.asgi, client=("203.0.113.9", 1), raise_app_exceptions=False)
        super().__init__(transport=transport, base_url="http://watch.example")


def environ_of(server: RedisServer, prefix: str) -> dict[str, str]:
    return {"WT_REDIS_URL": server.url, "WT_KEY_PREFIX": prefix, "WT_SECRET": SECRET, "WT_HISTORY_S": str(LOOK_S)}


@pytest_asyncio.fixture
async def gateway(redis_server: RedisServer, keys: Keys) -> AsyncIterator[GatewayApp]:
    app = build(environ_of(redis_server, keys.prefix))
    await app.start()
    yield app
    await app.stop()


@pytest_asyncio.fixture
async def browser(gateway: GatewayApp) -> AsyncIterator[Browser]:
    async with Browser(gateway) as browser:
        yield browser


@pytest.fixture
def playlists(redis: Redis, keys: Keys) -> Playlists:
    return Playlists(redis, keys)


@pytest.fixture
def histories(redis: Redis, keys: Keys) -> Histories:
    return Histories(redis, keys)


def links(*names: str) -> list[dict[str, str]]:
    return [{"url": f"{LINK}/{name}"} for name in names]


async def made(browser: httpx.AsyncClient, *names: str, name: str = "Films") -> dict[str, Any]:
    answered = await browser.post("/api/playlists", json={"name": name, "items": links(*names)})
    assert answered.status_code == 201, answered.text
    body: dict[str, Any] = answered.json()
    return body


def names_of(playlist: dict[str, Any]) -> list[str]:
    return [item["url"].removeprefix(f"{LINK}/") for item in playlist["items"]]


def code_of(answered: httpx.Response) -> tuple[int, str]:
    return answered.status_code, answered.json()["error"]["code"]


async def test_a_playlist_is_made_changed_and_deleted(browser: Browser) -> None:
    assert (await browser.get("/api/playlists")).json() == {"playlists": []}
    one = await made(browser, "a", "b")
    path = f"/api/playlists/{one['id']}"
    longer = await browser.post(f"{path}/items", json={"items": links("c")})
    assert (longer.status_code, names_of(longer.json())) == (201, ["a", "b", "c"])
    a, b, c = (item["id"] for item in longer.json()["items"])
    assert names_of((await browser.patch(path, json={"order": [c, a]})).json()) == ["c", "a", "b"]
    assert (await browser.patch(path, json={"name": " Friday "})).json()["name"] == "Friday"
    assert names_of((await browser.delete(f"{path}/items/{a}")).json()) == ["c", "b"]
    details = {"url": f"{LINK}/b", "title": "A film", "duration": 61.5}
    assert (await browser.put(f"{path}/items/{b}", json=details)).json()["items"][1]["title"] == "A film"
    assert names_of((await browser.get(path)).json()) == ["c", "b"]
    (line,) = (await browser.get("/api/playlists")).json()["playlists"]
    assert (line["name"], line["count"], line["duration"]) == ("Friday", 2, 61.5)
    assert (await browser.delete(path)).status_code == 204
    assert code_of(await browser.get(path)) == (404, "not_found")
    assert code_of(await browser.delete(path)) == (404, "not_found")


async def test_nobody_sees_or_changes_anothers_playlist(gateway: GatewayApp, browser: Browser) -> None:
    one = await made(browser, "a")
    path = f"/api/playlists/{one['id']}"
    async with Browser(gateway) as stranger:
        assert code_of(await stranger.get(path)) == (404, "not_found")
        await made(stranger, "b")
        for answered in (
            await stranger.get(path),
            await stranger.patch(path, json={"name": "Mine"}),
            await stranger.post(f"{path}/items", json={"items": links("c")}),
            await stranger.delete(f"{path}/items/{one['items'][0]['id']}"),
            await stranger.post("/api/rooms", json={"playlist": one["id"]}),
            await stranger.delete(path),
        ):
            assert code_of(answered) == (404, "not_found")
    assert (await browser.get(path)).json() == one


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": ""}, (400, "malformed")),
        ({"name": " "}, (400, "malformed")),
        ({"name": "x" * 81}, (400, "malformed")),
        ({"name": "Films", "items": [{"url": "javascript:alert(1)"}]}, (400, "bad_url")),
        ({"name": "Films", "items": [{"url": LINK, "duration": -1}]}, (400, "malformed")),
        ({"name": "Films", "items": links(*map(str, range(501)))}, (400, "malformed")),
    ],
)
async def test_what_is_no_playlist_is_refused_in_words(
    browser: Browser, body: dict[str, object], expected: tuple[int, str]
) -> None:
    assert code_of(await browser.post("/api/playlists", json=body)) == expected


async def test_a_link_into_this_network_is_kept_and_refused_when_it_is_opened(browser: Browser) -> None:
    # What a name leads to is looked at by whoever connects: here nothing is fetched.
    answered = await browser.post("/api/playlists", json={"name": "x", "items": [{"url": "http://127.0.0.1/"}]})
    assert answered.status_code == 201


async def test_playlists_have_an_end(playlists: Playlists) -> None:
    for number in range(MOST_PLAYLISTS):
        await playlists.add("ana", created(f"List {number}", [], 1.0))
    with pytest.raises(Refused) as refusal:
        await playlists.add("ana", created("One more", [], 1.0))
    assert refusal.value.code == "too_many_playlists"
    await playlists.add("ben", created("His first", [], 1.0))


async def test_playlists_together_have_a_largest_size(playlists: Playlists) -> None:
    long = [NewPlaylistItem(url=f"{LINK}/{number}/{'x' * 1500}") for number in range(350)]
    await playlists.add("ana", created("Long", long, 1.0))
    with pytest.raises(Refused) as refusal:
        await playlists.add("ana", created("Long", long, 1.0))
    assert refusal.value.code == "too_large"
    # What is there can still be made smaller.
    first, *_ = await playlists.all("ana")
    smaller = await playlists.change("ana", first.id, lambda before: created(before.name, [], 2.0))
    assert smaller.items == []


async def test_changes_at_the_same_time_lose_nothing(browser: Browser) -> None:
    one = await made(browser)
    path = f"/api/playlists/{one['id']}/items"
    names = [f"n{number}" for number in range(6)]
    answers = await asyncio.gather(*(browser.post(path, json={"items": links(name)}) for name in names))
    assert {answered.status_code for answered in answers} == {201}
    assert sorted(names_of((await browser.get(f"/api/playlists/{one['id']}")).json())) == names


@pytest.mark.parametrize(
    "record",
    [
        {"v": 1, "playlist": {"id": "p", "name": "Old"}},
        {"v": 2, "playlist": {"id": "p", "name": "New", "colour": "red", "items": []}, "shared": True},
        {"v": 1, "playlist": {"id": "p", "name": "New", "items": [{"id": "i", "url": LINK, "title": "T", "x": 1}]}},
    ],
    ids=["fields missing", "fields unknown", "fields unknown within"],
)
async def test_what_another_version_wrote_is_read(
    redis: Redis, keys: Keys, playlists: Playlists, record: dict[str, object]
) -> None:
    await redis.hset(keys.playlists("ana"), "p", json.dumps(record))  # type: ignore[misc]
    assert (await playlists.get("ana", "p")).id == "p"
    assert [each.id for each in await playlists.all("ana")] == ["p"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"v":3,"playlist":{"id":"p","name":"x"}}', b"\xff\xfe"])
async def test_what_cannot_be_read_is_left_alone_and_the_others_are_told(
    redis: Redis, keys: Keys, playlists: Playlists, histories: Histories, raw: bytes
) -> None:
    await redis.hset(keys.playlists("ana"), mapping={"p": raw})  # type: ignore[misc]
    await playlists.add("ana", created("Films", [], 1.0))
    assert [each.name for each in await playlists.all("ana")] == ["Films"]
    with pytest.raises(Refused):
        await playlists.change("ana", "p", lambda before: before)
    assert await redis.hget(keys.playlists("ana"), "p") == raw  # type: ignore[misc]
    await playlists.delete("ana", "p")
    await redis.hset(keys.watched("ana"), mapping={"e": raw})  # type: ignore[misc]
    await redis.zadd(keys.history("ana"), {"e": 1})
    assert await histories.entries("ana") == []


async def test_a_new_room_begins_with_a_playlist(browser: Browser, redis: Redis, keys: Keys) -> None:
    one = await made(browser, *map(str, range(120)))
    answered = await browser.post("/api/rooms", json={"playlist": one["id"]})
    assert answered.status_code == 201
    record = await RoomStore(redis, keys).snapshot(answered.json()["id"])
    assert record is not None
    assert [item.url for item in record.queue()] == [f"{LINK}/{number}" for number in range(120)]
    assert {item.status for item in record.queue()[1:]} == {"ready"}
    empty = await made(browser, name="Empty")
    assert code_of(await browser.post("/api/rooms", json={"playlist": empty["id"]})) == (400, "playlist_empty")


async def test_a_history_is_told_last_first_and_forgets_what_one_wants(browser: Browser, histories: Histories) -> None:
    me = (await browser.get("/api/session")).json()["id"]
    for number in range(3):
        entry = HistoryEntry(id=f"e{number}", url=LINK, title=f"Film {number}", watched_at=100.0 + number)
        assert await histories.note(me, entry)
    told = (await browser.get("/api/history")).json()
    assert (told["is_kept"], [entry["title"] for entry in told["entries"]]) == (True, ["Film 2", "Film 1", "Film 0"])
    assert (await browser.delete("/api/history/e1")).status_code == 204
    assert code_of(await browser.delete("/api/history/e1")) == (404, "not_found")
    off = await browser.patch("/api/history", json={"is_kept": False})
    assert (off.json()["is_kept"], len(off.json()["entries"])) == (False, 2)
    assert not await histories.note(me, HistoryEntry(id="e9", url=LINK, title="Not kept", watched_at=200.0))
    assert (await browser.delete("/api/history")).status_code == 204
    assert (await browser.get("/api/history")).json() == {"is_kept": False, "entries": []}
    assert (await browser.patch("/api/history", json={"is_kept": True})).json()["is_kept"]
    assert await histories.note(me, HistoryEntry(id="e9", url=LINK, title="Kept", watched_at=200.0))


async def test_a_history_has_an_end(histories: Histories) -> None:
    for number in range(MOST_ENTRIES + 5):
        await histories.note("ana", HistoryEntry(id=f"e{number}", url=LINK, title="", watched_at=float(number)))
    entries = await histories.entries("ana")
    assert (len(entries), entries[0].id, entries[-1].id) == (MOST_ENTRIES, f"e{MOST_ENTRIES + 4}", "e5")


async def test_too_many_changes_are_refused_with_the_time_of_the_next(redis_server: RedisServer, keys: Keys) -> None:
    app = build({**environ_of(redis_server, keys.prefix), "WT_LIBRARY_CHANGES_PER_MINUTE": "2"})
    await app.start()
    async with Browser(app) as browser:
        answers = [await browser.patch("/api/history", json={"is_kept": True}) for _ in range(3)]
    await app.stop()
    assert [answered.status_code for answered in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) >= 1


# In rooms: a replica of sync as a process.


@pytest.fixture(scope="module")
def replica(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    log = tmp_path_factory.mktemp("library") / "sync.log"
    with Node("services.sync", log, settings=environ_of(redis_server, PREFIX)) as node:
        yield node


@pytest.fixture
async def store(redis: Redis) -> RoomStore:
    store = RoomStore(redis, Keys(PREFIX))
    await store.masters.refresh()
    return store


async def owner_of(member: Member) -> str:
    return str((await member.expect("room_state"))["you"]["id"])


async def noted(redis: Redis, owner: str, count: int = 1) -> list[HistoryEntry]:
    """The history, as soon as it has so many entries."""
    for _ in range(100):
        entries = await Histories(redis, Keys(PREFIX)).entries(owner)
        if len(entries) >= count:
            return entries
        await asyncio.sleep(0.05)
    raise AssertionError("nothing was noted")


async def play(store: RoomStore, room: str, member: Member, *, opened_with: str = "") -> str:
    """Have a film play in a room. Answers its item's id."""
    await member.ask("queue_add", url=LINK, lend=True)
    while (added := (await member.expect("queue_update"))["queue"][-1])["status"] != "resolving":
        pass
    video = VideoState(url=LINK, title="A film", stream_type="direct", duration=600)
    await store.resolved(
        room, added["id"], title="A film", duration=600, video_json=codec.encode_text(video), opened_with=opened_with
    )
    await member.expect("set_video", is_playing=True)
    return str(added["id"])


async def test_one_adds_a_playlist_to_the_queue_once_however_often_it_is_sent(
    replica: Node, store: RoomStore, redis: Redis
) -> None:
    room = f"r{secrets.token_hex(4)}"
    async with Member(replica.url, room) as ana, Member(replica.url, room, "Ben") as ben:
        me = await owner_of(ana)
        films = created("Films", [NewPlaylistItem(url=f"{LINK}/{number}") for number in range(70)], 1.0)
        await Playlists(redis, Keys(PREFIX)).add(me, films)
        for _ in range(2):
            await ana.send("queue_add_playlist", id="once", playlist=films.id, lend=True)
            assert (await ana.expect("ack", id="once"))["version"]
        record = await store.snapshot(room)
        assert record is not None
        assert [item.url for item in record.queue()] == [f"{LINK}/{number}" for number in range(70)]
        assert all(item.lenders == [me] for item in record.queue())
        answer = await ben.ask("queue_add_playlist", playlist=films.id)
        assert (answer["type"], answer["code"]) == ("error", "not_found")


async def test_who_may_not_queue_adds_no_playlist(replica: Node, store: RoomStore, redis: Redis) -> None:
    room = f"r{secrets.token_hex(4)}"
    async with Member(replica.url, room) as ana, Member(replica.url, room, "Ben") as ben:
        await ana.expect("room_state")
        await ana.ask("set_settings", permissions={"queue": "moderator"})
        films = created("Films", [NewPlaylistItem(url=LINK)], 1.0)
        await Playlists(redis, Keys(PREFIX)).add(await owner_of(ben), films)
        answer = await ben.ask("queue_add_playlist", playlist=films.id)
        assert (answer["type"], answer["code"]) == ("error", "forbidden")
        record = await store.snapshot(room)
        assert record is not None
        assert record.queue() == []


async def test_what_plays_is_noted_with_how_far_one_came(replica: Node, store: RoomStore, redis: Redis) -> None:
    room = f"r{secrets.token_hex(4)}"
    async with Member(replica.url, room) as ana, Member(replica.url, room, "Ben") as ben:
        me, other = await owner_of(ana), await owner_of(ben)
        await play(store, room, ana)
        await ana.send("status", state="ready")
        (entry,) = await noted(redis, me)
        assert (entry.title, entry.room, entry.url, entry.duration) == ("A film", room, LINK, 600)
        await ana.ask("seek", timestamp=300)
        for _ in range(100):
            (entry,) = await noted(redis, me)
            if entry.position >= 300:
                break
            await asyncio.sleep(0.05)
        assert 300 <= entry.position < 310
        # Ben's player never said that it could play this.
        assert await Histories(redis, Keys(PREFIX)).entries(other) == []


async def test_what_ones_sign_in_opened_is_a_link_in_the_histories_of_others(
    replica: Node, store: RoomStore, redis: Redis
) -> None:
    room = f"r{secrets.token_hex(4)}"
    async with Member(replica.url, room) as ana, Member(replica.url, room, "Ben") as ben:
        me, other = await owner_of(ana), await owner_of(ben)
        await play(store, room, ana, opened_with=me)
        for member in (ana, ben):
            await member.send("status", state="ready")
        (mine,), (his,) = await noted(redis, me), await noted(redis, other)
        assert (mine.title, mine.is_private) == ("A film", True)
        assert (his.title, his.thumbnail, his.duration, his.is_private) == (LINK, "", 0, True)


async def test_who_keeps_no_history_has_none(replica: Node, store: RoomStore, redis: Redis) -> None:
    room = f"r{secrets.token_hex(4)}"
    histories = Histories(redis, Keys(PREFIX))
    async with Member(replica.url, room) as ana, Member(replica.url, room, "Ben") as ben:
        me, other = await owner_of(ana), await owner_of(ben)
        await histories.keep(me, False)
        await play(store, room, ana)
        for member in (ana, ben):
            await member.send("status", state="ready")
        await noted(redis, other)
        assert await histories.entries(me) == []
