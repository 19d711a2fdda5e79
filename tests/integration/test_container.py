"""The room scripts on the Redis that operators run: the official image, where a container engine is at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.common import redis as connections
from services.common.keys import Keys
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.wire.models import QueueItem
from tests.support import engine

IMAGE = "redis:7-bookworm"

pytestmark = [
    pytest.mark.skipif(not engine.is_there(), reason="no container engine answers: set DOCKER_HOST, or start Docker"),
    pytest.mark.timeout(180),
]


@pytest_asyncio.fixture
async def redis() -> AsyncIterator[Redis]:
    from testcontainers.community.redis import RedisContainer

    with RedisContainer(IMAGE) as container:
        url = f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"
        client = connections.connect(url)
        yield client
        await client.aclose()


async def test_a_room_lives_in_the_official_image(redis: Redis, keys: Keys) -> None:
    store = RoomStore(redis, keys)
    await store.masters.refresh()
    ana = Sender("guest-ana", "c1")
    await store.join("film", ana, name="Ana", is_guest=True, replica="n1", lease_ms=25_000)
    await store.add_item("film", ana, QueueItem(id="i1", url="http://x/1", title="1"))
    record = await store.snapshot("film")
    assert record is not None
    assert record.order == ["i1"]
    assert await store.catch_up("film", record.version) == []
