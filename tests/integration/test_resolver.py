"""The resolver as a process: jobs in, results in the cache and in rooms, whoever dies in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.common.contexts import ContextStore
from services.common.errors import Unavailable
from services.common.jobs import Jobs
from services.common.keyring import KeyRing
from services.common.keys import Keys, url_digest
from services.common.redis import connect
from services.common.resolution import Resolutions
from services.common.room.entering import enter
from services.common.room.sender import SYSTEM, Sender
from services.common.room.store import RoomStore
from services.common.stream import StreamSigner
from services.common.wire.models import QueueItem
from tests.support.node import ROOT, SECRET, Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer

PLUGINS = str(ROOT / "tests/support/plugins")
RING = KeyRing((SECRET,))


def resolver(server: RedisServer, keys: Keys, origin: Origin, log: Path, **settings: str) -> Node:
    """A resolver process, not yet started."""
    common = {
        "WT_REDIS_URL": server.url,
        "WT_KEY_PREFIX": keys.prefix,
        "WT_YTDLP_PLUGIN_DIRS": PLUGINS,
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_RESOLVER_CONCURRENCY": "2",
        "WT_RESOLVER_DEADLINE_S": "15",
    }
    return Node("services.resolver", log / "resolver.log", settings=common | settings)


@pytest_asyncio.fixture
async def node(redis_server: RedisServer, keys: Keys, origin: Origin, tmp_path: Path) -> AsyncIterator[Node]:
    made = await asyncio.to_thread(resolver(redis_server, keys, origin, tmp_path).start)
    yield made
    await asyncio.to_thread(made.stop)


@pytest.fixture
def resolutions(redis: Redis, keys: Keys) -> Resolutions:
    return Resolutions(redis, keys)


async def room_with(store: RoomStore, room: str, item: str, url: str) -> None:
    """A room with one item that waits for its video."""
    await store.masters.refresh()
    await store.add_item(room, SYSTEM, QueueItem(id=item, url=url, title=url), create=True)


async def queue_of(store: RoomStore, room: str) -> list[QueueItem]:
    """A room's queue."""
    record = await store.snapshot(room)
    assert record is not None
    return record.queue()


async def at(store: RoomStore, room: str) -> tuple[bool, float]:
    """Whether a room plays, and where it is."""
    record = await store.snapshot(room)
    assert record is not None
    shown = record.room(await store.masters.time())
    return shown.is_playing, shown.timestamp


async def settled(store: RoomStore, room: str, item: str, timeout_s: float = 30) -> QueueItem:
    """The item once it no longer resolves."""
    async with asyncio.timeout(timeout_s):
        while True:
            record = await store.snapshot(room)
            if record is not None and record.items[item].status != "resolving":
                return record.items[item]
            await asyncio.sleep(0.05)


async def test_a_cached_link_never_runs_yt_dlp(node: Node, resolutions: Resolutions, origin: Origin) -> None:
    link = origin.url("/watch/pair.cached")
    first = await resolutions.resolve(link, 20)
    second = await resolutions.resolve(link, 20)
    assert first == second
    assert first.video is not None
    assert (first.video.title, first.video.stream_type, first.video.url) == ("Sample pair", "dash", link)
    assert len(origin.requests("/api/video/pair.cached")) == 1


async def test_twenty_who_ask_at_once_share_one_flight(node: Node, redis: Redis, keys: Keys, origin: Origin) -> None:
    replicas = [Resolutions(redis, keys) for _ in range(4)]
    link = origin.url("/watch/slow-1.flight")
    answers = await asyncio.gather(*(replicas[number % 4].resolve(link, 20) for number in range(20)))
    assert len({answer.resolved_at for answer in answers}) == 1
    assert len(origin.requests("/api/video/slow-1.flight")) == 1


async def test_every_stream_has_a_context_that_the_proxy_can_read(
    node: Node, resolutions: Resolutions, redis: Redis, keys: Keys, origin: Origin
) -> None:
    video = (await resolutions.resolve(origin.url("/watch/headers.contexts"), 20)).video
    assert video is not None
    signer, store = StreamSigner(RING), ContextStore(redis, keys, RING)
    for path in (video.video_url, video.audio_url, *(track.url for track in video.audio_tracks)):
        assert path is not None
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        ref = signer.verify(query, time.time())
        context = await store.get(ref.context)
        assert context is not None
        assert (context.url, context.object_id, context.scope) == (ref.url, ref.object_id, "public")
        assert context.headers["Referer"] == "http://sample.invalid/player"
        assert context.expires_at is not None


async def test_a_streams_expiry_shortens_the_life_of_a_result(
    node: Node, resolutions: Resolutions, origin: Origin
) -> None:
    brief = await resolutions.resolve(origin.url("/watch/short-400.life"), 20)
    long = await resolutions.resolve(origin.url("/watch/pair.life"), 20)
    assert 200 < brief.expires_at - brief.resolved_at <= 300
    assert long.expires_at - long.resolved_at == pytest.approx(7200, abs=5)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/watch/geo.code", "geo_blocked"),
        ("/watch/private.code", "private"),
        ("/watch/hang.code", "timeout"),
        ("/watch/memory.code", "unavailable"),
    ],
)
async def test_a_failure_is_a_result_kept_for_seconds(
    node: Node, resolutions: Resolutions, origin: Origin, path: str, code: str
) -> None:
    failed = await resolutions.resolve(origin.url(path), 25)
    assert failed.video is None
    assert failed.code == code
    assert failed.message
    assert 10 <= failed.expires_at - failed.resolved_at <= 30
    assert await resolutions.cached(origin.url(path)) == failed


@pytest.mark.parametrize(
    "link", ["http://10.0.0.1/", "http://localhost:8081/", "http://[::1]/", "http://169.254.169.254/"]
)
async def test_a_private_address_is_refused_before_any_process_sees_it(
    node: Node, resolutions: Resolutions, link: str
) -> None:
    failed = await resolutions.resolve(link, 20)
    assert failed.code == "private_address"


async def test_a_result_enters_the_room_that_waits(
    node: Node, resolutions: Resolutions, redis: Redis, keys: Keys, origin: Origin
) -> None:
    store, link = RoomStore(redis, keys), origin.url("/watch/hls.room")
    await room_with(store, "cinema", "item", link)
    assert await resolutions.want(link, "cinema", "item") is None
    item = await settled(store, "cinema", "item")
    assert (item.status, item.title, item.duration) == ("ready", "Sample hls", 64)
    record = await store.snapshot("cinema")
    assert record is not None
    assert record.video is not None
    assert (record.video.item_id, record.video.stream_type) == ("item", "hls")
    assert await resolutions.waiting.of(url_digest(link)) == []


async def test_a_room_begins_where_the_link_says(
    node: Node, resolutions: Resolutions, redis: Redis, keys: Keys, origin: Origin
) -> None:
    store, link = RoomStore(redis, keys), origin.url("/watch/hls.begin", t=30)
    await room_with(store, "cinema", "item", link)
    await resolutions.want(link, "cinema", "item")
    await settled(store, "cinema", "item")
    assert await at(store, "cinema") == (False, 30)
    ana = Sender("guest-ana", "c1")
    await store.join("cinema", ana, name="Ana", is_guest=True, replica="n1", lease_ms=25_000)
    is_playing, position = await at(store, "cinema")
    assert is_playing
    assert 30 <= position < 40
    # Opened again it goes on where it is.
    known = await resolutions.cached(link)
    assert known is not None
    await store.playback("cinema", ana, "seek", 50)
    await enter(store, "cinema", "item", known)
    assert (await at(store, "cinema"))[1] >= 50


async def test_a_playlists_entries_follow_the_item_that_named_them_once(
    node: Node, resolutions: Resolutions, redis: Redis, keys: Keys, origin: Origin
) -> None:
    store, link = RoomStore(redis, keys), origin.url("/playlist/room")
    await room_with(store, "cinema", "item", link)
    await resolutions.want(link, "cinema", "item")
    assert (await settled(store, "cinema", "item")).title == "Sample pair"
    record = await store.snapshot("cinema")
    assert record is not None
    queue = record.queue()
    assert [(item.title, item.status) for item in queue] == [
        ("Sample pair", "ready"),
        ("Sample hls.room", "ready"),
        ("Sample progressive.room", "ready"),
    ]
    assert [item.url for item in queue[1:]] == [origin.url(f"/watch/{kind}.room") for kind in ("hls", "progressive")]
    # Opened again, before its streams end, it adds nothing; nor does an entry that was removed come back.
    await store.remove_item("cinema", SYSTEM, queue[1].id)
    known = await resolutions.cached(link)
    assert known is not None
    assert len(known.entries) == 2
    await enter(store, "cinema", "item", known)
    record = await store.snapshot("cinema")
    assert record is not None
    assert [item.id for item in record.queue()] == ["item", queue[2].id]


async def test_all_videos_of_a_page_enter_the_queue_in_order_and_open_when_their_turn_comes(
    node: Node, resolutions: Resolutions, redis: Redis, keys: Keys, origin: Origin
) -> None:
    store = RoomStore(redis, keys)
    await room_with(store, "cinema", "item", origin.url("/playlist/post.room"))
    await resolutions.want(origin.url("/playlist/post.room"), "cinema", "item")
    assert (await settled(store, "cinema", "item")).title == "Sample one"
    record = await store.snapshot("cinema")
    assert record is not None
    queue = record.queue()
    assert [item.title for item in queue] == ["Sample one", "Sample two", "Sample three"]
    urls = {(await resolutions.resolve(item.url, 20)).video.stream_url for item in queue}  # type: ignore[union-attr]
    assert len(urls) == 3


async def test_a_playlists_entries_are_shown_while_its_first_video_is_opened(
    node: Node, resolutions: Resolutions, redis: Redis, keys: Keys, origin: Origin
) -> None:
    store, link = RoomStore(redis, keys), origin.url("/playlist/late.room")
    await room_with(store, "cinema", "item", link)
    await resolutions.want(link, "cinema", "item")
    async with asyncio.timeout(10):
        while len(seen := await queue_of(store, "cinema")) == 1:  # noqa: ASYNC110 - it comes by way of Redis
            await asyncio.sleep(0.05)
    assert [(item.title, item.status) for item in seen] == [
        (link, "resolving"),
        ("Sample hls.late.room", "ready"),
        ("Sample progressive.late.room", "ready"),
    ]
    await store.remove_item("cinema", SYSTEM, seen[1].id)
    assert (await settled(store, "cinema", "item")).title == "Sample slow"
    # The same, not once more; and what was removed meanwhile does not come back.
    assert [item.id for item in await queue_of(store, "cinema")] == [seen[0].id, seen[2].id]


async def test_a_link_whose_video_is_named_behind_the_hash_alone_opens(
    node: Node, resolutions: Resolutions, origin: Origin
) -> None:
    for kind in ("hls", "webm"):
        video = (await resolutions.resolve(origin.url(f"/#/watch/{kind}.hash"), 30)).video
        assert video is not None
        assert video.title == f"Sample {kind}"


async def test_a_failure_enters_the_room_that_waits(
    node: Node, resolutions: Resolutions, redis: Redis, keys: Keys, origin: Origin
) -> None:
    store, link = RoomStore(redis, keys), origin.url("/watch/geo.room")
    await room_with(store, "cinema", "item", link)
    await resolutions.want(link, "cinema", "item")
    item = await settled(store, "cinema", "item")
    assert (item.status, item.code) == ("failed", "geo_blocked")
    assert item.message


async def test_a_removed_item_stops_nobody_else_from_getting_the_result(
    node: Node, resolutions: Resolutions, redis: Redis, keys: Keys, origin: Origin
) -> None:
    store, link = RoomStore(redis, keys), origin.url("/watch/slow-1.removed")
    await room_with(store, "b-room", "item", link)
    await resolutions.want(link, "a-room-that-never-was", "gone")
    await resolutions.want(link, "b-room", "gone")
    await resolutions.want(link, "b-room", "item")
    assert (await settled(store, "b-room", "item")).status == "ready"


async def test_stages_are_published_while_a_flight_goes_on(
    node: Node, resolutions: Resolutions, origin: Origin
) -> None:
    link = origin.url("/watch/slow-1.stages")

    async def listen() -> list[str]:
        return [stage async for stage in resolutions.stages(link)]

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.3)
    await resolutions.resolve(link, 20)
    async with asyncio.timeout(5):
        assert await listening == ["extracting", "reading"]


async def test_a_link_that_nobody_waits_for_any_more_is_given_up_and_opens_when_asked_again(
    node: Node, resolutions: Resolutions, redis: Redis, keys: Keys, origin: Origin
) -> None:
    jobs, link = Jobs(redis, keys), origin.url("/watch/slow-12.abandoned")
    with pytest.raises(Unavailable, match="takes long"):
        await resolutions.resolve(link, 2)
    async with asyncio.timeout(11):
        while await jobs.depth():  # noqa: ASYNC110 - it happens in Redis
            await asyncio.sleep(0.05)
    assert await resolutions.cached(link) is None
    assert len(origin.requests("/api/video/slow-12.abandoned")) == 1
    # No mark of the end stays behind that would stop the next one before it starts.
    again = asyncio.create_task(resolutions.resolve(link, 30))
    async with asyncio.timeout(20):
        while len(origin.requests("/api/video/slow-12.abandoned")) < 2:  # noqa: ASYNC110 - in a thread
            await asyncio.sleep(0.05)
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


async def test_an_item_that_left_its_queue_is_not_opened_for_nobody(
    node: Node, resolutions: Resolutions, redis: Redis, keys: Keys, origin: Origin
) -> None:
    store, link = RoomStore(redis, keys), origin.url("/watch/slow-12.removed")
    await room_with(store, "cinema", "item", link)
    await resolutions.want(link, "cinema", "item")
    await origin.wait_async("/api/video/slow-12.removed")
    await store.remove_item("cinema", SYSTEM, "item")
    async with asyncio.timeout(11):
        while await Jobs(redis, keys).depth():  # noqa: ASYNC110 - it happens in Redis
            await asyncio.sleep(0.05)
    assert await resolutions.cached(link) is None
    assert await resolutions.waiting.of(url_digest(link)) == []


async def test_the_worker_survives_a_restart_of_redis(keys: Keys, origin: Origin, tmp_path: Path) -> None:
    with RedisServer(append="always") as server:
        node = await asyncio.to_thread(resolver(server, keys, origin, tmp_path).start)
        client = connect(server.url)
        resolutions, store = Resolutions(client, keys), RoomStore(client, keys)
        link = origin.url("/watch/slow-3.restart")
        await room_with(store, "cinema", "item", link)
        await resolutions.want(link, "cinema", "item")
        await origin.wait_async("/api/video/slow-3.restart")
        await asyncio.to_thread(server.restart)
        # What ran when Redis went away runs again, and what comes later runs too.
        assert (await settled(store, "cinema", "item")).status == "ready"
        assert (await resolutions.resolve(origin.url("/watch/pair.restart"), 20)).video is not None
        await client.aclose()
        assert await asyncio.to_thread(node.stop) == 0


async def test_a_killed_workers_job_is_taken_over_within_its_lease(
    redis_server: RedisServer, redis: Redis, keys: Keys, origin: Origin, tmp_path: Path
) -> None:
    resolutions, store = Resolutions(redis, keys), RoomStore(redis, keys)
    link = origin.url("/watch/slow-3.takeover")
    await room_with(store, "cinema", "item", link)
    first = await asyncio.to_thread(resolver(redis_server, keys, origin, tmp_path).start)
    await resolutions.want(link, "cinema", "item")
    await origin.wait_async("/api/video/slow-3.takeover")
    await asyncio.to_thread(first.kill)
    second = await asyncio.to_thread(resolver(redis_server, keys, origin, tmp_path).start)
    assert (await settled(store, "cinema", "item", timeout_s=30)).status == "ready"
    await asyncio.to_thread(second.stop)


async def test_a_stopping_worker_gives_back_what_it_cannot_finish(
    redis_server: RedisServer, redis: Redis, keys: Keys, origin: Origin, tmp_path: Path
) -> None:
    resolutions = Resolutions(redis, keys)
    first = await asyncio.to_thread(resolver(redis_server, keys, origin, tmp_path, WT_DRAIN_S="1").start)
    asking = asyncio.create_task(resolutions.resolve(origin.url("/watch/slow-4.drain"), 30))
    await origin.wait_async("/api/video/slow-4.drain")
    begun = time.monotonic()
    assert await asyncio.to_thread(first.stop) == 0
    assert time.monotonic() - begun < 10
    second = await asyncio.to_thread(resolver(redis_server, keys, origin, tmp_path).start)
    assert (await asking).video is not None
    await asyncio.to_thread(second.stop)
