"""Streams that end while people watch: the proxy, the rooms and whoever joins get new ones under the old addresses."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator

import aiohttp
import pytest
from redis.asyncio import Redis
from yarl import URL

from services.common import codec
from services.common.chain import ANONYMOUS, PUBLIC, Resolution
from services.common.contexts import ContextStore, StreamContext
from services.common.jobs import Jobs
from services.common.keyring import KeyRing
from services.common.keys import Keys, url_digest
from services.common.renewal import Renewals
from services.common.resolution import Resolutions
from services.common.room.entering import enter
from services.common.room.sender import SYSTEM
from services.common.room.store import RoomStore
from services.common.wire.models import QueueItem, VideoState
from tests.support.member import Member
from tests.support.node import ROOT, SECRET, Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer

KEYS = Keys(f"renewal{secrets.token_hex(3)}")


@pytest.fixture(scope="module")
def settings(redis_server: RedisServer, origin: Origin) -> dict[str, str]:
    return {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": KEYS.prefix,
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_YTDLP_PLUGIN_DIRS": str(ROOT / "tests/support/plugins"),
    }


@pytest.fixture(scope="module")
def proxy(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    logs = tmp_path_factory.mktemp("renewal")
    with (
        Node("services.resolver", logs / "resolver.log", settings=settings),
        Node("services.proxy", logs / "proxy.log", settings=settings) as node,
    ):
        yield node


@pytest.fixture(scope="module")
def sync(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A replica in a keyspace whose jobs nobody takes: the tests are its resolver."""
    settings = {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": f"{KEYS.prefix}s", "WT_DRAIN_S": "1"}
    with Node("services.sync", tmp_path_factory.mktemp("renewal") / "sync.log", settings=settings) as node:
        yield node


async def test_a_stream_that_its_upstream_refuses_goes_on_under_its_old_address(
    proxy: Node, redis: Redis, origin: Origin
) -> None:
    link = origin.url("/watch/short-3.renewal")
    video = (await Resolutions(redis, KEYS).resolve(link, 30)).video
    assert video is not None
    assert video.expires_at is not None
    assert video.video_url is not None
    assert video.audio_url is not None
    await asyncio.sleep(max(0.0, video.expires_at - time.time()) + 0.2)
    async with aiohttp.ClientSession() as http:

        async def status(path: str) -> int:
            url = URL(proxy.url + path, encoded=True)
            async with http.get(url, headers={"Range": "bytes=0-99"}) as response:
                await response.read()
                return response.status

        assert await asyncio.gather(*(status(path) for path in (video.video_url, video.audio_url) * 3)) == [206] * 6
    # One more extraction for all who met the refusal.
    assert len(origin.requests("/api/video/short-3.renewal")) == 2


async def test_a_stream_that_stays_refused_is_opened_again_once_and_fails(
    proxy: Node, redis: Redis, origin: Origin
) -> None:
    link = origin.url("/watch/pair.refused")
    resolutions, store = Resolutions(redis, KEYS), ContextStore(redis, KEYS, KeyRing((SECRET,)))
    video = (await resolutions.resolve(link, 30)).video
    assert video is not None
    assert video.video_url is not None
    query = URL(video.video_url, encoded=True).query
    forbidden = origin.url("blob/5000.mp4", v="refused", forbid_after=0)
    # Under an object that no resolve finds again.
    context = StreamContext(page_url=link, format_id="gone", url=forbidden, object_id=query["o"])
    await store.put({query["c"]: context}, 600)
    await store.put({"lost": context}, 600)
    from tests.support.asking import signed

    async with aiohttp.ClientSession() as http:
        for _ in range(3):
            url = URL(proxy.url + signed(forbidden, context="lost"), encoded=True)
            async with http.get(url) as response:
                assert response.status == 502
    assert len(origin.requests("/api/video/pair.refused")) == 2


async def video_of(store: RoomStore, room: str) -> VideoState:
    """What a room plays."""
    record = await store.snapshot(room)
    assert record is not None
    assert record.video is not None
    return record.video


async def test_a_room_gets_the_streams_that_replace_refused_ones_when_they_are_others(
    proxy: Node, redis: Redis, origin: Origin
) -> None:
    room, link = f"room-{secrets.token_hex(4)}", origin.url("/watch/progressive.replaced")
    resolutions, store = Resolutions(redis, KEYS), RoomStore(redis, KEYS)
    await store.masters.refresh()
    # What the site offered before: its streams are not due yet, and the site has them no more.
    await store.add_item(room, SYSTEM, QueueItem(id="item", url=link, title=link), create=True)
    await known(resolutions, link, time.time() + 9000)
    former = await resolutions.want(link, room, "item")
    assert former is not None
    assert former.video is not None
    assert await enter(store, room, "item", former)
    await Renewals(redis, KEYS).ask(link, ANONYMOUS)
    async with asyncio.timeout(20):
        while (film_of := await video_of(store, room)).title == "Film":  # noqa: ASYNC110 - it comes by way of Redis
            await asyncio.sleep(0.05)
    assert film_of.title == "Sample progressive"
    assert film_of.stream_url != former.video.stream_url
    # An item that left its queue is forgotten, and nobody else waits for it.
    await store.remove_item(room, SYSTEM, "item")
    await redis.delete(KEYS.renewed(url_digest(link), PUBLIC))
    await Renewals(redis, KEYS).ask(link, ANONYMOUS)
    async with asyncio.timeout(20):
        while await resolutions.waiting.players(url_digest(link)):  # noqa: ASYNC110 - it comes by way of Redis
            await asyncio.sleep(0.05)


@pytest.fixture
async def store(redis: Redis) -> RoomStore:
    store = RoomStore(redis, Keys(f"{KEYS.prefix}s"))
    await store.masters.refresh()
    return store


@pytest.fixture
def resolutions(redis: Redis) -> Resolutions:
    return Resolutions(redis, Keys(f"{KEYS.prefix}s"))


def film(link: str, expires_at: float) -> VideoState:
    url = f"/api/proxy?url=x&k=s&o=object&c=context&e={expires_at:.0f}&s=1"
    return VideoState(url=link, title="Film", stream_type="direct", stream_url=url, duration=600, expires_at=expires_at)


async def playing(store: RoomStore, room: str, link: str, expires_at: float) -> None:
    """A room with a video whose streams end at `expires_at`."""
    await store.add_item(room, SYSTEM, QueueItem(id="item", url=link, title=link), create=True)
    video = film(link, expires_at)
    await store.resolved(room, "item", title="Film", duration=600, video_json=codec.encode_text(video))


async def known(resolutions: Resolutions, link: str, expires_at: float) -> None:
    """What a flight leaves in the cache."""
    result = Resolution(video=film(link, expires_at), resolved_at=time.time(), expires_at=time.time() + 600)
    await resolutions.results.put(url_digest(link), PUBLIC, result)


async def test_a_rooms_video_is_resolved_again_before_its_streams_end_and_plays_on(
    sync: Node, store: RoomStore, resolutions: Resolutions
) -> None:
    room, now = f"room-{secrets.token_hex(4)}", time.time()
    link = f"https://site.example/{room}"
    await playing(store, room, link, now + 200)
    await known(resolutions, link, now + 9000)
    async with Member(sync.url, room, "Ana") as ana:
        state = await ana.expect("room_state")
        assert state["room"]["current_video"]["expires_at"] == pytest.approx(now + 200)
        renewed = await ana.expect("video_renewed")
        assert renewed["item_id"] == "item"
        assert renewed["video"]["expires_at"] == pytest.approx(now + 9000)
        assert (await ana.ask("play", timestamp=5))["type"] == "ack"
        # No new video is begun, and one renewal is enough.
        assert not any(message["type"] == "set_video" for message in ana.seen)
        assert sum(message["type"] == "video_renewed" for message in ana.seen) == 1
    record = await store.snapshot(room)
    assert record is not None
    assert record.video is not None
    assert record.video.expires_at == pytest.approx(now + 9000)


async def test_who_joins_a_room_whose_video_has_expired_gets_it_resolved_again(
    sync: Node, store: RoomStore, resolutions: Resolutions, redis: Redis
) -> None:
    room, now = f"room-{secrets.token_hex(4)}", time.time()
    link = f"https://site.example/{room}"
    await playing(store, room, link, now - 5)

    async def resolve() -> None:
        jobs = Jobs(redis, Keys(f"{KEYS.prefix}s"))
        async with asyncio.timeout(10):
            while not await jobs.is_queued(url_digest(link), PUBLIC):  # noqa: ASYNC110 - it happens in Redis
                await asyncio.sleep(0.02)
        video = film(link, now + 9000)
        await store.resolved(room, "item", title="Film", duration=600, video_json=codec.encode_text(video))

    resolving = asyncio.create_task(resolve())
    async with Member(sync.url, room, "Ana") as ana:
        state = await ana.expect("room_state", timeout_s=15)
        assert state["room"]["current_video"]["expires_at"] == pytest.approx(now + 9000)
    await resolving
