from __future__ import annotations

import pytest
import redis as sync_redis
from redis.asyncio import Redis

from services.common.keys import Keys
from tests.support.redis import Flavour, RedisServer, binary


@pytest.fixture(params=["valkey", "redis"])
def flavour(request: pytest.FixtureRequest) -> Flavour:
    chosen: Flavour = request.param
    if binary(chosen) is None:
        pytest.skip("redis-server is not installed")
    return chosen


def client(server: RedisServer, timeout: float = 5.0) -> sync_redis.Redis:
    return sync_redis.Redis.from_url(server.url, socket_timeout=timeout)


def test_an_appended_write_survives_a_kill(flavour: Flavour) -> None:
    with RedisServer(flavour=flavour, append="always") as server:
        with client(server) as before:
            before.set("k", "v")
        port = server.port
        server.restart()
        assert server.port == port
        with client(server) as after:
            assert after.get("k") == b"v"


def test_without_an_append_only_file_a_kill_loses_all() -> None:
    with RedisServer() as server:
        with client(server) as before:
            before.set("k", "v")
        server.restart()
        with client(server) as after:
            assert after.get("k") is None


def test_a_frozen_server_answers_again_after_resume() -> None:
    with RedisServer() as server, client(server, timeout=0.2) as connection:
        connection.set("k", "v")
        server.pause()
        with pytest.raises(sync_redis.TimeoutError):
            connection.get("k")
        server.resume()
        assert connection.get("k") == b"v"


def test_a_frozen_server_can_be_ended() -> None:
    with RedisServer() as server:
        server.pause()
        folder = server.folder
    assert not folder.exists()


def test_a_server_that_cannot_start_tells_why() -> None:
    with RedisServer() as server, pytest.raises(RuntimeError, match="in use"):
        RedisServer(port=server.port).start()


async def test_each_test_has_a_keyspace_of_its_own(redis: Redis, keys: Keys) -> None:
    assert await redis.set(keys.rooms(), "1", nx=True)
    assert keys.prefix != Keys().prefix
