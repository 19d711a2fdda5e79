"""The fast way to Redis, on a real server that is cut off, frozen, restarted and demoted."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ResponseError

from services.common.errors import Broken, Unavailable
from services.common.keys import Keys
from services.common.metrics import PIPE_FALLBACKS
from services.common.pipe import NoAnswerError, Pipe
from services.common.redis import Pipes, connect
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.topology import Address, parse_topology
from tests.support.redis import RedisServer


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A server of these tests alone: they stop it."""
    with RedisServer(append="always") as running:
        yield running


@asynccontextmanager
async def piped(url: str, *, proves_master: bool = False) -> AsyncIterator[Pipe]:
    topology = parse_topology(url)

    async def locate() -> Address:
        return topology.addresses[0]

    pipe = Pipe(locate, topology, proves_master=proves_master)
    await pipe.connected()
    try:
        yield pipe
    finally:
        await pipe.aclose()


async def until_answered(pipe: Pipe, *command: str) -> Any:
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(NoAnswerError):
                return await pipe.ask(*command)
            await asyncio.sleep(0.02)


async def test_commands_on_their_way_at_one_time_get_their_own_answers(redis_server: RedisServer) -> None:
    async with piped(redis_server.url) as pipe:
        assert await asyncio.gather(*(pipe.ask("ECHO", str(n)) for n in range(500))) == [b"%d" % n for n in range(500)]


async def test_one_who_no_longer_waits_does_not_take_the_next_ones_answer(redis_server: RedisServer) -> None:
    async with piped(redis_server.url) as pipe:
        first, second = pipe.ask("ECHO", "first"), pipe.ask("ECHO", "second")
        first.cancel()
        assert await second == b"second"


async def test_a_command_that_is_wrong_is_refused_and_what_is_behind_it_is_not(redis_server: RedisServer) -> None:
    async with piped(redis_server.url) as pipe:
        wrong, right = pipe.ask("NO-SUCH-COMMAND"), pipe.ask("ECHO", "right")
        with pytest.raises(ResponseError):
            await wrong
        assert await right == b"right"


async def test_a_script_that_the_server_does_not_know_is_brought_once_for_what_is_behind_it(
    redis_server: RedisServer,
) -> None:
    script = f"return '{secrets.token_hex(8)}'"
    digest = hashlib.sha1(script.encode()).hexdigest()
    async with piped(redis_server.url) as pipe:
        with pytest.raises(NoScriptError):
            await pipe.ask("EVALSHA", digest, "0")
        for _ in range(2):
            pipe.load(script)
        assert await pipe.ask("EVALSHA", digest, "0") == script[8:-1].encode()
        assert len(pipe._loading) == 0


async def test_without_a_connection_nothing_waits_for_one(redis_server: RedisServer) -> None:
    async with piped("redis://127.0.0.1:1/0") as pipe:
        with pytest.raises(NoAnswerError):
            pipe.ask("PING")


async def test_what_a_cut_connection_leaves_unanswered_is_said_to_be_and_then_it_connects_again(
    server: RedisServer,
) -> None:
    async with piped(server.url) as pipe:
        await pipe.ask("ECHO", "connected")
        unanswered = [pipe.ask("BLPOP", "nothing", "0"), pipe.ask("PING")]
        pipe.abort()
        for answer in unanswered:
            with pytest.raises(NoAnswerError):
                await answer
        assert await until_answered(pipe, "ECHO", "again") == b"again"


async def test_a_server_that_freezes_is_given_up_before_long(server: RedisServer) -> None:
    async with piped(server.url) as pipe:
        await pipe.ask("ECHO", "connected")
        server.pause()
        try:
            async with asyncio.timeout(20):
                with pytest.raises(NoAnswerError):
                    await pipe.ask("PING")
        finally:
            server.resume()
        assert await until_answered(pipe, "ECHO", "again") == b"again"


async def test_who_one_is_and_which_database_is_said_first() -> None:
    with RedisServer() as server:
        client = connect(server.url)
        await client.config_set("requirepass", "open sesame")
        await client.aclose()
        async with piped(f"redis://:open%20sesame@127.0.0.1:{server.port}/3") as pipe:
            assert b"db=3" in await pipe.ask("CLIENT", "INFO")
        async with piped(f"redis://:wrong@127.0.0.1:{server.port}/3") as pipe:
            with pytest.raises(NoAnswerError):
                pipe.ask("PING")


async def test_a_replica_is_not_taken_for_a_master_and_a_demoted_master_is_left(server: RedisServer) -> None:
    async with piped(server.url, proves_master=True) as pipe:
        assert await pipe.ask("SET", "x", "1") == b"OK"
        await pipe.ask("REPLICAOF", "127.0.0.1", "1")
        try:
            faults: list[dict[str, Any]] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
            # What is refused behind the first comes in the same bytes, after the connection was given up.
            refused = await asyncio.gather(*(pipe.ask("SET", "x", "2") for _ in range(50)), return_exceptions=True)
            assert {type(each) for each in refused} == {NoAnswerError}
            assert not faults
            async with piped(server.url, proves_master=True) as another:
                with pytest.raises(NoAnswerError):
                    another.ask("PING")
        finally:
            client = connect(server.url)
            await client.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call]
            await client.aclose()
        assert await until_answered(pipe, "SET", "x", "3") == b"OK"


@pytest.mark.parametrize("has_pipe", [True, False])
@pytest.mark.parametrize(("setting", "value", "usual"), [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")])
async def test_a_server_that_takes_no_writes_now_is_said_to_be_away_and_nothing_was_done(
    server: RedisServer, keys: Keys, setting: str, value: str, usual: str, has_pipe: bool
) -> None:
    client = connect(server.url)
    pipes = Pipes(client, parse_topology(server.url)) if has_pipe else None
    store = RoomStore(client, keys, pipes)
    await store.masters.refresh()
    ana = Sender("ana", "tab", "c1")
    await store.join("den", ana, name="Ana", is_guest=True, replica="r", lease_ms=60_000)
    if pipes is not None:
        await pipes.connected()
    await client.config_set(setting, value)
    try:
        with pytest.raises(Unavailable):
            await store.chat("den", ana, "m1", "hello")
        with pytest.raises(Unavailable):
            await store.directory.set_due({"den": 1.0})
        await store.directory.touch("den", 1.0, listed=True)
    finally:
        await client.config_set(setting, usual)
    await store.chat("den", ana, "m1", "hello")
    record = await store.snapshot("den")
    assert record is not None
    assert [message.text for message in record.chat] == ["hello"]
    if pipes is not None:
        await pipes.aclose()
    await client.aclose()


async def test_a_script_of_ours_that_goes_wrong_is_a_bug_not_an_outage(
    redis: Redis, redis_server: RedisServer, keys: Keys
) -> None:
    store = RoomStore(redis, keys)
    await store.masters.refresh()
    await redis.set(keys.room("den"), "no hash")
    with pytest.raises(Broken):
        await store.snapshot("den")


async def test_thousands_who_leave_at_once_are_all_heard(redis: Redis, redis_server: RedisServer, keys: Keys) -> None:
    pipes = Pipes(redis, parse_topology(redis_server.url))
    store = RoomStore(redis, keys, pipes)
    await store.masters.refresh()
    await store.join("den", Sender("ana", "tab"), name="Ana", is_guest=True, replica="r", lease_ms=60_000)

    await pipes.connected()

    async def leave(number: int) -> None:
        await store.leave("den", f"c{number}", grace_ms=1000)
        await store.directory.set_due({f"den-{number}": 1e12 + number})

    await asyncio.gather(*(leave(number) for number in range(5000)))
    assert len(await store.directory.due(2e12, limit=10_000)) == 5000
    await pipes.aclose()


async def test_commands_whose_connection_is_cut_again_and_again_are_carried_out_once(
    redis: Redis, redis_server: RedisServer, keys: Keys
) -> None:
    pipes = Pipes(redis, parse_topology(redis_server.url))
    store = RoomStore(redis, keys, pipes)
    await store.masters.refresh()
    await store.join("den", Sender("ana", "tab"), name="Ana", is_guest=True, replica="r", lease_ms=60_000)

    async def cut() -> None:
        while True:
            if (pipe := pipes.to(keys.room("den"))) is not None:
                pipe.abort()
            await asyncio.sleep(0.003)

    cutting = asyncio.create_task(cut())
    answers = [await store.chat("den", Sender("ana", "tab", f"c{n}"), f"m{n}", f"text {n}") for n in range(200)]
    cutting.cancel()
    await asyncio.gather(cutting, return_exceptions=True)
    assert PIPE_FALLBACKS.total() > 0
    again = [await store.chat("den", Sender("ana", "tab", f"c{n}"), f"m{n}", f"text {n}") for n in range(200)]
    record = await store.snapshot("den")
    assert record is not None
    assert [message.text for message in record.chat] == [f"text {n}" for n in range(200)]
    assert again == answers == sorted(set(answers))
    await pipes.aclose()
