"""Records that an older or a newer version left in Redis: read where they can be, passed over where not."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from redis.asyncio import Redis

from services.common import codec
from services.common.chain import ANONYMOUS, Resolution
from services.common.contexts import ContextStore, StreamContext
from services.common.cookies import Cookie
from services.common.keyring import KeyRing, Seal
from services.common.keys import Keys
from services.common.loans import Loan, Loans
from services.common.playlists import Playlists
from services.common.results import Results
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.vault import Vault
from services.common.vitals import VitalsStore, WorkerHealth
from services.common.waiting import Waiter, Waiting
from services.common.wire.models import Member, QueueItem, RoomSettings, VideoState
from tests.support.node import SECRET

RING: Final = KeyRing((SECRET,))
FAR: Final = 4_000_000_000.0
LINK: Final = "https://media.example/clip.mp4"
VIDEO: Final = VideoState(url=LINK, title="A film", stream_type="direct", stream_url="/api/proxy?x")
RESOLUTION: Final = Resolution(video=VIDEO, resolved_at=1, expires_at=FAR)
CONTEXT: Final = StreamContext(page_url=LINK, format_id="1", url=LINK)
LOAN: Final = Loan(owner="ana", audience="", sites=["media.example"], digest="d", cookies=[], contexts=["c"])
HEALTH: Final = WorkerHealth(ytdlp="2026.10.26", ytdlp_ejs="0.8.0", age_days=1, node="24.0.0")
ITEM: Final = QueueItem(id="i", url=LINK, title="A film", added_by="ana", added_at=1.0)
SETTINGS: Final = RoomSettings(tight_sync=True, is_locked=True, has_password=True)
MEMBER: Final = Member(name="Ben", is_guest=True, joined_at=1.0)

# No JSON, no object, wrong kinds, an object of nothing that is known.
UNREADABLE: Final = (b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", b'{"v":9}', b'{"v":"x","url":[]}')


def newer(value: object) -> bytes:
    """As a version after this one writes it: every object has more in it."""

    def grown(found: Any) -> Any:
        match found:
            case dict():
                more = {"colour": {"of": "money"}, "z": [1]}
                # Headers are a map: what is in it is no field.
                return {name: each if name == "headers" else grown(each) for name, each in found.items()} | more
            case list():
                return [grown(each) for each in found]
            case _:
                return found

    return json.dumps(grown(codec.to_builtins(value))).encode()


def older(value: object, *kept: str) -> bytes:
    """As a version before this one wrote it: what was always there, and nothing else."""
    return json.dumps({name: each for name, each in codec.to_builtins(value).items() if name in kept}).encode()


# What each store reads, from bytes under its key.
Reads = Callable[[Redis, Keys, bytes], Awaitable[object]]


async def resolution(redis: Redis, keys: Keys, raw: bytes) -> object:
    await redis.set(keys.format("d", "public"), raw)
    return await Results(redis, keys).peek("d", "public")


async def waiters(redis: Redis, keys: Keys, raw: bytes) -> object:
    await redis.sadd(keys.waiters("d", "public"), raw)  # type: ignore[misc]
    return await Waiting(redis, keys).of("d")


async def context(redis: Redis, keys: Keys, raw: bytes) -> object:
    await redis.set(keys.stream("c"), Seal(RING, "cookies").close(raw))
    return await ContextStore(redis, keys, RING).get("c")


async def loan(redis: Redis, keys: Keys, raw: bytes) -> object:
    await redis.set(keys.loan("s"), Seal(RING, "cookies").close(raw))
    return await Loans(redis, keys, RING).get("s")


async def vitals(redis: Redis, keys: Keys, raw: bytes) -> object:
    await redis.hset(keys.vitals(), mapping={"w": raw})  # type: ignore[misc]
    await redis.set(keys.vital_sign("w"), 1)
    return (await VitalsStore(redis, keys).read()).versions


async def item(redis: Redis, keys: Keys, raw: bytes) -> object:
    store = await room_part(redis, keys)
    await redis.hset(keys.items("film"), mapping={"i": raw})  # type: ignore[misc]
    record = await store.snapshot("film")
    assert record is not None
    return record.queue()


async def room_part(redis: Redis, keys: Keys) -> RoomStore:
    """A room that is there."""
    store = RoomStore(redis, keys)
    await store.masters.refresh()
    await store.add_item("film", Sender("ana"), ITEM, create=True)
    return store


async def settings(redis: Redis, keys: Keys, raw: bytes) -> object:
    store = await room_part(redis, keys)
    await redis.hset(keys.room("film"), mapping={"settings": raw})  # type: ignore[misc]
    record = await store.snapshot("film")
    assert record is not None
    return record.settings if record.settings != RoomSettings() else None


async def video(redis: Redis, keys: Keys, raw: bytes) -> object:
    store = await room_part(redis, keys)
    await redis.hset(keys.room("film"), mapping={"video": raw})  # type: ignore[misc]
    record = await store.snapshot("film")
    assert record is not None
    return record.video


async def member(redis: Redis, keys: Keys, raw: bytes) -> object:
    store = await room_part(redis, keys)
    await redis.hset(keys.members("film"), mapping={"ben": raw})  # type: ignore[misc]
    record = await store.snapshot("film")
    assert record is not None
    return record.members.get("ben")


async def playlist(redis: Redis, keys: Keys, raw: bytes) -> object:
    await redis.hset(keys.playlists("ana"), mapping={"p": raw})  # type: ignore[misc]
    return await Playlists(redis, keys).all("ana")


async def index(redis: Redis, keys: Keys, raw: bytes) -> object:
    vault = Vault(redis, keys, RING, guests_allowed=True)
    await vault.put("ana", [Cookie(domain=".a.example", name="sid", value="x")])
    await redis.hset(keys.cookies("ana"), mapping={"index": Seal(RING, "cookies").close(raw)})  # type: ignore[misc]
    return await vault.jar("ana", "a.example")


STORES: Final[dict[str, Reads]] = {
    "resolution": resolution,
    "waiters": waiters,
    "context": context,
    "loan": loan,
    "vitals": vitals,
    "item": item,
    "settings": settings,
    "video": video,
    "member": member,
    "playlist": playlist,
    "index": index,
}


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("raw", UNREADABLE, ids=lambda raw: repr(raw)[:20])
async def test_what_cannot_be_read_is_as_if_it_were_not_there(redis: Redis, keys: Keys, store: str, raw: bytes) -> None:
    assert not await STORES[store](redis, keys, raw)


@pytest.mark.parametrize(
    ("store", "value"),
    [
        ("resolution", RESOLUTION),
        ("waiters", Waiter("film", "i", (ANONYMOUS,))),
        ("context", CONTEXT),
        ("loan", LOAN),
        ("vitals", HEALTH),
        ("item", ITEM),
        ("settings", SETTINGS),
        ("video", VIDEO),
        ("member", MEMBER),
    ],
)
async def test_what_a_newer_version_adds_is_passed_over(redis: Redis, keys: Keys, store: str, value: object) -> None:
    assert await STORES[store](redis, keys, newer(value)) in (
        value,
        [value],
        ["yt-dlp 2026.10.26, yt-dlp-ejs 0.8.0"],
    )


@pytest.mark.parametrize(
    ("store", "raw"),
    [
        ("resolution", older(RESOLUTION, "code", "message", "resolved_at", "expires_at")),
        ("waiters", older(Waiter("film", "i"), "room", "item")),
        ("context", older(CONTEXT, "page_url", "format_id", "url", "headers")),
        ("loan", older(LOAN, "owner", "audience", "sites", "digest", "cookies", "contexts")),
        ("vitals", older(HEALTH, "ytdlp", "ytdlp_ejs", "age_days", "node")),
        ("item", older(ITEM, "id", "url", "title")),
        ("settings", older(SETTINGS, "tight_sync", "is_locked")),
        ("video", older(VIDEO, "url", "title", "stream_type", "stream_url")),
        ("member", older(MEMBER, "name", "is_guest", "joined_at")),
    ],
)
async def test_what_an_older_version_did_not_know_has_its_default(
    redis: Redis, keys: Keys, store: str, raw: bytes
) -> None:
    assert await STORES[store](redis, keys, raw)


async def test_a_loan_written_otherwise_can_still_be_taken_back(redis: Redis, keys: Keys) -> None:
    await redis.zadd(keys.loans("ana"), {"s": FAR, "t|media.example": FAR, "u|media.example|film/i|more": FAR})
    await Loans(redis, keys, RING).drop("ana")
    assert not await redis.exists(keys.loans("ana"))


async def test_of_a_room_whose_settings_cannot_be_read_the_list_tells_nothing(redis: Redis, keys: Keys) -> None:
    store = await room_part(redis, keys)
    await store.directory.touch("film", 1_000_000.0, listed=True)
    newest = b'{"buffering":"for those who paid","has_password":true}'
    await redis.hset(keys.room("film"), mapping={"settings": newest, "unlisted": "0"})  # type: ignore[misc]
    (listed,) = await store.directory.list_rooms(10)
    assert (listed.id, listed.title, listed.member_names) == ("film", "", [])
