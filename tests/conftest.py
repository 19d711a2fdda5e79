"""What every test may ask for. One Redis and one media origin serve the whole run; each test has keys of its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.common import redis as connections
from services.common.keys import Keys
from tests.support.media import Media, make
from tests.support.origin import Origin
from tests.support.redis import RedisServer

# These drive real processes against the wall clock: a machine that stands still for seconds is not a defect.
TRIED_AGAIN: Final = ("chaos", "e2e", "integration")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Three tries count as one where real processes meet a busy machine; each further try is printed in the summary.

    `--reruns 0` switches that off.
    """
    if config.getoption("reruns") is not None:
        return
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] in TRIED_AGAIN:
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))


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
