"""What every test may ask for. One Redis and one media origin serve the whole run; each test has keys of its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.common import redis as connections
from services.common.keys import Keys
from tests.support.media import Media, make
from tests.support.origin import Origin
from tests.support.redis import RedisServer


@pytest.fixture(scope="session")
def media() -> Media:
    """The clips; made on first use."""
    return make()


@pytest.fixture(scope="session")
def origin(media: Media) -> Iterator[Origin]:
    """The media origin. Use ids and queries of your own; take `origin.fault` as a context manager."""
    with Origin() as running:
        yield running


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One server for the run. A test that freezes or kills a server starts its own `RedisServer`."""
    with RedisServer(append="always") as server:
        yield server


@pytest.fixture
def keys() -> Keys:
    """A keyspace that no other test sees."""
    return Keys(f"t{secrets.token_hex(5)}")


@pytest_asyncio.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client as the services make it, closed with the test."""
    client = connections.connect(redis_server.url)
    yield client
    await client.aclose()
