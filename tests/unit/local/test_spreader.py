"""The shared address: who gets a connection, and how its ends travel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from services.common.serving import PortTakenError, listen
from services.local.spreader import Spreader
from tests.support.node import free_port


@asynccontextmanager
async def backend(name: str) -> AsyncIterator[int]:
    """Answers everything that a connection says, at its end, with a name in front: `a:hello`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = await reader.read()
        writer.write(f"{name}:".encode() + heard)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


@asynccontextmanager
async def spread(*ports: int) -> AsyncIterator[tuple[Spreader, int]]:
    """A spreader in front of `ports`, and its own port."""
    spreader = Spreader([("127.0.0.1", port) for port in ports])
    server = await asyncio.start_server(spreader.serve, "127.0.0.1", 0)
    try:
        yield spreader, int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def ask(port: int, text: bytes = b"hello") -> bytes:
    """Say `text`, end our direction, and read the other to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


async def cut(port: int) -> bool:
    """Whether a connection ends without an answer, by a reset or an end."""
    try:
        return await ask(port) == b""
    except ConnectionError:
        return True


async def test_connections_go_to_the_backends_in_turn() -> None:
    async with backend("a") as a, backend("b") as b, spread(a, b) as (_, port):
        answers = [await ask(port) for _ in range(4)]
    assert sorted(answers) == [b"a:hello", b"a:hello", b"b:hello", b"b:hello"]
    assert answers[0] != answers[1]


async def test_an_ended_direction_leaves_the_other_open() -> None:
    # The backend answers only when it has read our end.
    async with backend("a") as a, spread(a) as (_, port):
        assert await ask(port, b"x" * 1_000_000) == b"a:" + b"x" * 1_000_000


async def test_a_dead_backend_is_passed_over() -> None:
    async with backend("a") as a, spread(free_port(), a) as (_, port):
        assert [await ask(port) for _ in range(4)] == [b"a:hello"] * 4


async def test_without_any_backend_a_connection_is_cut() -> None:
    async with spread(free_port()) as (_, port):
        assert await cut(port)


async def test_a_backend_that_dies_cuts_its_connections() -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(5)
        writer.transport.abort()

    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(die, "127.0.0.1", 0)
        stack.callback(server.close)
        _, port = await stack.enter_async_context(spread(int(server.sockets[0].getsockname()[1])))
        assert await cut(port)


async def test_a_backend_that_is_not_ready_comes_last() -> None:
    async with AsyncExitStack() as stack:
        draining = await stack.enter_async_context(replica("503 Service Unavailable"))
        ready = await stack.enter_async_context(replica("200 OK"))
        spreader = Spreader([("127.0.0.1", draining), ("127.0.0.1", ready)])
        watching = asyncio.create_task(spreader.watch())
        stack.callback(watching.cancel)
        await asyncio.sleep(0.5)
        assert [spreader.order()[0][1] for _ in range(4)] == [ready] * 4


@asynccontextmanager
async def replica(status: str) -> AsyncIterator[int]:
    """Answers every request with `status`; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


def test_a_taken_address_is_told() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(PortTakenError, match="cannot listen"):
        listen("127.0.0.1", taken.getsockname()[1])
