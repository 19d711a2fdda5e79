"""Where rooms are in their streams, as sync tells proxies."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from services.common import codec, playback
from services.common.keys import Keys
from services.common.playback import Position, contexts_of
from services.common.wire.models import QualityOption, VideoState
from tests.support.member import Member
from tests.support.node import Node
from tests.support.redis import RedisServer
from tests.support.replicas import store_on

VIDEO = VideoState(
    url="https://example.org/film",
    title="Film",
    stream_type="hls",
    duration=600,
    stream_url="/api/proxy?url=https%3A%2F%2Fexample.org%2Fa.m3u8&o=x&c=leading&k=m&e=1&s=2",
    qualities=[
        QualityOption(id="360", label="360p", stream_url="/api/proxy?url=y&o=y&c=small"),
        QualityOption(id="720", label="720p", stream_url="/api/proxy?url=z&o=z&c=leading"),
    ],
)


async def heard(listener: PubSub) -> Position:
    """The next position that is told."""
    async with asyncio.timeout(20):
        while True:
            message = await listener.get_message(timeout=1)
            if message is not None:
                [position] = playback.decode(message["data"])
                return position


def test_the_streams_of_a_video_are_those_with_segments_each_once() -> None:
    assert contexts_of(VIDEO) == ["leading", "small"]
    assert contexts_of(VideoState(url="x", title="x", stream_type="direct", stream_url="/api/proxy?url=x")) == []


async def test_proxies_hear_at_once_where_a_room_goes_and_at_heartbeats_where_it_is(
    redis_server: RedisServer, redis: Redis, tmp_path: Path, room: str
) -> None:
    keys = Keys(f"playback{secrets.token_hex(3)}")
    settings = {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": keys.prefix, "WT_HEARTBEAT_S": "2"}
    store = await store_on(redis, keys.prefix)
    listener = redis.pubsub(ignore_subscribe_messages=True)
    await listener.subscribe(keys.playback())
    node = Node("services.sync", tmp_path / "sync.log", settings=settings)
    await asyncio.to_thread(node.start)
    try:
        async with Member(node.url, room, "Ana") as ana:
            await ana.ask("queue_add", url=VIDEO.url)
            while (added := (await ana.expect("queue_update"))["queue"][-1])["status"] != "resolving":
                pass
            video = codec.encode_text(VIDEO)
            await store.resolved(room, added["id"], title="Film", duration=600, video_json=video)
            first = await heard(listener)
            assert (first.contexts, first.position_s < 5) == (["leading", "small"], True)
            await ana.ask("seek", timestamp=300)
            while (there := await heard(listener)).position_s < 200:
                pass
            assert 299.9 <= there.position_s < 310
            assert (await heard(listener)).position_s > there.position_s
    finally:
        await asyncio.to_thread(node.stop)
        await listener.aclose()  # type: ignore[no-untyped-call]
