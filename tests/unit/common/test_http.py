"""Files on their way to sockets: everybody gets their own bytes, however little a socket takes at a time."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common.http import EXTENSION, FileHttpProtocol
from services.common.serving import STALL_S, listen
from tests.support.shelf import blob

SIZE = 3_000_000


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "file"
    path.write_bytes(blob(0, SIZE))
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@asynccontextmanager
async def serving(file: int, size: int = SIZE) -> AsyncIterator[int]:
    """The part of the file behind the path's number, as `size` were its length; the port."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        first = int(scope["path"][1:])
        headers = [(b"content-length", str(size - first).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await scope["extensions"][EXTENSION].send(file, first, size - first)
        await send({"type": "http.response.body", "body": b""})

    async with hosting(app) as port:
        yield port


@asynccontextmanager
async def hosting(app: ASGIApp, *, stall_s: float = STALL_S) -> AsyncIterator[int]:
    """A server of an app; its port."""
    config = uvicorn.Config(app, http=FileHttpProtocol, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    server.config.load()
    listener = listen("127.0.0.1", 0, stall_s=stall_s)
    task = asyncio.create_task(server._serve(sockets=[listener]))  # without its signal handlers
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task


async def read(port: int, first: int, piece: int, *, most: int = SIZE) -> bytes:
    """What comes from byte `first` on, by a socket that takes little, `piece` bytes at a time."""
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        await loop.sock_sendall(connection, f"GET /{first} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received = bytearray()
        while len(received) < most and (data := await loop.sock_recv(connection, piece)):
            received += data
            await asyncio.sleep(0)
        return bytes(received).partition(b"\r\n\r\n")[2]


async def test_readers_of_one_file_each_get_their_own_part_of_it(file: int) -> None:
    firsts = [0, 1, 65_537, 1_000_003, 2_500_000, SIZE - 1]
    async with serving(file) as port:
        # Between them some leave in the middle: what their sockets did not take must not come to others.
        asked = [read(port, first, 3000 + 7 * n) for n, first in enumerate(firsts)]
        asked += [read(port, first, 5000, most=200_000) for first in firsts[:3]]
        bodies = await asyncio.gather(*asked)
    for first, body in zip(firsts, bodies, strict=False):
        assert hashlib.sha256(body).digest() == hashlib.sha256(blob(first, SIZE)).digest()


async def test_a_file_shorter_than_told_never_ends_cleanly(file: int) -> None:
    async with serving(file, SIZE + 1000) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /0 HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.readexactly(SIZE + 1000)
        writer.close()


async def test_a_response_that_is_cut_is_not_whole_and_no_mistake_of_the_app(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        scope["extensions"][EXTENSION].cut()

    async with hosting(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        with pytest.raises(asyncio.IncompleteReadError) as broken:
            await reader.readexactly(1000)
        writer.close()
    assert broken.value.partial == b"begun"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def pieces(scope: Scope, receive: Receive, send: Send) -> None:
    """A body of unknown length; of the path `/cut` it breaks off."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for piece in (b"one ", b"two "):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    if scope["path"] == "/cut":
        scope["extensions"][EXTENSION].cut()
    else:
        await send({"type": "http.response.body", "body": b"three"})


@pytest.mark.parametrize("more", ["", "Connection: keep-alive\r\n"])
async def test_a_client_of_http_1_0_gets_a_body_of_unknown_length_without_chunks(more: str) -> None:
    async with hosting(pieces) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET / HTTP/1.0\r\n{more}\r\n".encode())
        head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
        writer.close()
    assert b"transfer-encoding" not in head.lower()
    assert b"connection: close" in head.lower()
    assert body == b"one two three"


async def test_what_breaks_off_does_not_look_whole_to_a_client_of_http_1_0() -> None:
    async with hosting(pieces) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /cut HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 10)
        writer.close()


@contextlib.contextmanager
def reader(port: int) -> Iterator[socket.socket]:
    """A client with little room that has asked, and read nothing yet."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.setblocking(False)
        yield connection


@pytest.mark.parametrize("is_file", [True, False])
async def test_who_reads_nothing_is_cut_and_who_reads_slowly_is_not(file: int, is_file: bool) -> None:
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", str(10 * SIZE).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(10):
            if is_file:
                await scope["extensions"][EXTENSION].send(file, 0, SIZE)
            else:
                await send({"type": "http.response.body", "body": blob(0, SIZE), "more_body": True})
        ended.set()

    loop = asyncio.get_running_loop()
    async with hosting(app, stall_s=1) as port:
        with reader(port) as slow:
            for _ in range(12):
                assert await loop.sock_recv(slow, 16_384)
                await asyncio.sleep(0.3)
            assert not ended.is_set()
            slow.close()
        await asyncio.wait_for(ended.wait(), 10)
        ended.clear()
        with reader(port):
            await asyncio.wait_for(ended.wait(), 20)
