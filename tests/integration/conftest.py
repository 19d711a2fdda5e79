"""What tests of rooms and proxies on real replicas share."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from redis.asyncio import Redis

from services.common.contexts import ContextStore
from services.common.keys import Keys
from tests.support.asking import PREFIX, RING
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer


@pytest.fixture
def room() -> str:
    """A room that nobody was in."""
    return f"room-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def proxy(origin: Origin, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": PREFIX,
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_PROXY_DOMAINS": origin.address,
        "WT_PROXY_FIRST_BYTE_TIMEOUT_S": "1.5",
        "WT_PROXY_CHUNK_TIMEOUT_S": "1.5",
    }
    with Node("services.proxy", tmp_path_factory.mktemp("proxy") / "log", settings=settings) as node:
        yield node


@pytest.fixture
async def http(proxy: Node) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


@pytest.fixture
def store(redis: Redis) -> ContextStore:
    return ContextStore(redis, Keys(PREFIX), RING)
