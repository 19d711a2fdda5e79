"""What our WebSocket protocol adds to uvicorn's, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
import websockets
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common.serving import MAX_FRAME_BYTES, _config, _Server, listen
from services.common.websocket import EXTENSION, READ_AHEAD, Transport, text_frame, whole_text

Talk = Callable[[Transport, Receive, Send], Any]
_TEXT = 0x81


def _frame(first: int, payload: bytes, mask: bytes = bytes(4)) -> bytes:
    """A frame of a client (RFC 6455 §5.2)."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((first, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


@asynccontextmanager
async def serving(talk: Talk, **options: Any) -> AsyncIterator[str]:
    """A server whose sockets run `talk` after the handshake; its address."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await talk(scope["extensions"][EXTENSION], receive, send)

    async with hosting(app, **options) as url:
        yield url


@asynccontextmanager
async def hosting(app: ASGIApp, **options: Any) -> AsyncIterator[str]:
    """A server of an app; its address."""
    listener = listen("127.0.0.1", 0)
    config = _config(app)
    for name, value in options.items():
        setattr(config, name, value)
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


async def test_an_app_can_abort_a_connection() -> None:
    async def talk(transport: Transport, _receive: Receive, _send: Send) -> None:
        transport.abort()

    async with serving(talk) as url, websockets.connect(url) as client:
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await asyncio.wait_for(client.recv(), 5)
    assert closed.value.rcvd is None


def test_to_abort_a_connection_that_is_gone_already_does_nothing() -> None:
    async def abort_late() -> None:
        outcome = asyncio.Queue[BaseException | None]()

        async def talk(transport: Transport, receive: Receive, _send: Send) -> None:
            while (await receive())["type"] != "websocket.disconnect":
                pass
            try:
                transport.abort()
                outcome.put_nowait(None)
            except RuntimeError as error:
                outcome.put_nowait(error)

        async with serving(talk) as url:
            _, writer = await _handshake(url)
            # With a reset nothing of the transport is left.
            writer.transport.abort()
            assert await asyncio.wait_for(outcome.get(), 5) is None

    # asyncio's own loop bears it.
    uvloop.run(abort_late())


async def test_a_handshake_that_is_answered_by_a_status_is_no_mistake_of_the_app(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 503, "headers": [(b"retry-after", b"1")]})
        await send({"type": "websocket.http.response.body", "body": b""})

    async with hosting(app) as url:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(url)
    assert refused.value.response.status_code == 503
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_an_app_sees_what_a_peer_has_not_taken() -> None:
    seen = asyncio.Queue[int]()

    async def talk(transport: Transport, receive: Receive, send: Send) -> None:
        seen.put_nowait(transport.buffered_bytes())
        for _ in range(200):
            sending = asyncio.create_task(_text(send, "x" * 100_000))
            done, _ = await asyncio.wait({sending}, timeout=0.5)
            if not done:
                sending.cancel()
                break
        seen.put_nowait(transport.buffered_bytes())
        transport.abort()

    async with serving(talk) as url:
        reader, writer = await _handshake(url)
        assert await asyncio.wait_for(seen.get(), 5) == 0
        assert await asyncio.wait_for(seen.get(), 20) > 64 * 1024
        writer.close()
        del reader


async def test_a_peer_that_is_silent_to_pings_is_aborted() -> None:
    ended = asyncio.Event()

    async def talk(_transport: Transport, receive: Receive, send: Send) -> None:
        # More than the kernel's buffers take: a closing handshake would wait for it for ever.
        flooding = asyncio.create_task(_flood(send))
        while (await receive())["type"] != "websocket.disconnect":
            pass
        flooding.cancel()
        ended.set()

    async with serving(talk, ws_ping_interval=0.2, ws_ping_timeout=0.2) as url:
        _, writer = await _handshake(url)
        await asyncio.wait_for(ended.wait(), 10)
        writer.close()


async def test_frames_far_beyond_what_a_room_takes_close_the_socket() -> None:
    async def talk(_transport: Transport, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            await _text(send, str(len(message["text"])))

    async with serving(talk) as url, websockets.connect(url, compression=None) as client:
        await client.send("x" * MAX_FRAME_BYTES)
        assert await asyncio.wait_for(client.recv(), 5) == str(MAX_FRAME_BYTES)
        await client.send("x" * (MAX_FRAME_BYTES + 1))
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await asyncio.wait_for(client.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_a_close_amid_a_fragmented_message_is_answered_with_its_own_code() -> None:
    async def talk(_transport: Transport, receive: Receive, _send: Send) -> None:
        assert (await receive())["code"] == 1000

    async with serving(talk) as url:
        reader, writer = await _handshake(url)
        while (await reader.readline()).strip():
            pass
        writer.write(b"\x01\x82\0\0\0\0ab" + b"\x88\x82\0\0\0\0\x03\xe8")
        assert await asyncio.wait_for(reader.read(), 5) == b"\x88\x02\x03\xe8"
        writer.close()


async def test_an_app_that_sends_to_a_peer_who_broke_the_protocol_is_told_that_it_is_gone() -> None:
    told = asyncio.Event()

    async def talk(_transport: Transport, _receive: Receive, send: Send) -> None:
        try:
            while True:
                await _text(send, "on and on")
                await asyncio.sleep(0)
        except OSError:
            told.set()

    async with serving(talk) as url:
        _, writer = await _handshake(url)
        writer.write(b"\x83\x80\0\0\0\0")
        await asyncio.wait_for(told.wait(), 5)
        writer.close()


async def test_compression_is_not_offered() -> None:
    async def talk(_transport: Transport, receive: Receive, _send: Send) -> None:
        await receive()

    async with serving(talk) as url, websockets.connect(url, compression="deflate") as client:
        assert client.response is not None
        assert "sec-websocket-extensions" not in client.response.headers


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
async def test_text_written_at_once_arrives_whole_and_in_order_with_what_asgi_sends(size: int) -> None:
    async def talk(transport: Transport, receive: Receive, send: Send) -> None:
        await _text(send, "before")
        assert transport.write_text("é" + "x" * (size - 2) if size > 1 else "x" * size)
        await _text(send, "after")
        await receive()

    async with serving(talk) as url, websockets.connect(url, compression=None) as client:
        heard = [await asyncio.wait_for(client.recv(), 5) for _ in range(3)]
    assert heard[0] == "before"
    assert isinstance(heard[1], str)
    assert len(heard[1].encode()) == size
    assert heard[2] == "after"


async def test_nothing_is_written_at_once_to_a_peer_that_does_not_take_it() -> None:
    outcomes = asyncio.Queue[tuple[bool, int]]()

    async def talk(transport: Transport, _receive: Receive, _send: Send) -> None:
        text = "x" * 100_000
        while transport.write_text(text):
            pass
        before = transport.buffered_bytes()
        outcomes.put_nowait((transport.write_text(text), transport.buffered_bytes() - before))
        transport.abort()

    async with serving(talk) as url:
        _, writer = await _handshake(url)
        assert await asyncio.wait_for(outcomes.get(), 20) == (False, 0)
        writer.close()


async def test_nothing_is_written_at_once_after_the_close_frame() -> None:
    outcomes = asyncio.Queue[bool]()

    async def talk(transport: Transport, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.close", "code": 4001})
        outcomes.put_nowait(transport.write_text("too late"))

    async with serving(talk) as url, websockets.connect(url) as client:
        assert await asyncio.wait_for(outcomes.get(), 5) is False
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await asyncio.wait_for(client.recv(), 5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4001


async def test_messages_come_in_order_however_many_are_sent_before_the_app_reads() -> None:
    may_read = asyncio.Event()

    async def talk(transport: Transport, receive: Receive, _send: Send) -> None:
        await may_read.wait()
        while (message := await receive())["type"] != "websocket.disconnect":
            transport.write_text(message["text"])

    count = READ_AHEAD * 10
    async with serving(talk) as url, websockets.connect(url, compression=None) as client:
        for number in range(count):
            await client.send(str(number))
        await asyncio.sleep(0.1)
        may_read.set()
        heard = [await asyncio.wait_for(client.recv(), 5) for _ in range(count)]
    assert heard == [str(number) for number in range(count)]


async def test_a_peer_is_held_back_while_the_app_does_not_read() -> None:
    may_read = asyncio.Event()

    async def talk(_transport: Transport, _receive: Receive, _send: Send) -> None:
        await may_read.wait()

    async with serving(talk) as url:
        _, writer = await _handshake(url)
        message = b"\x81\xff" + (60_000).to_bytes(8, "big") + bytes(4) + b"x" * 60_000
        with pytest.raises(TimeoutError):
            await _write_all(writer, [message] * 1000)
        may_read.set()
        writer.close()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535])
def test_a_whole_text_of_a_peer_is_read_without_a_parser(size: int) -> None:
    text = "ä" * (size // 2) + "x" * (size % 2)
    assert whole_text(_frame(_TEXT, text.encode(), b"mask")) == text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x81",
        b"\x81\x85mask",
        b"\x81\xfe\x00\x05mas",
        b"\x81\x05hello",
        _frame(0x01, b"a part"),
        _frame(0x00, b"the rest"),
        _frame(0x80, b"the rest"),
        _frame(0x82, b"binary"),
        _frame(0x89, b"ping"),
        _frame(0xC1, b"compressed"),
        _frame(_TEXT, b"\xff not UTF-8"),
        _frame(_TEXT, b"two") * 2,
        _frame(_TEXT, b"more than one")[:-1],
        _frame(_TEXT, b"x" * 65_536),
    ],
)
def test_anything_else_is_left_to_the_parser(data: bytes) -> None:
    assert whole_text(data) is None


async def test_messages_arrive_whole_however_their_bytes_are_cut() -> None:
    heard = asyncio.Queue[str | bytes]()

    async def talk(transport: Transport, receive: Receive, _send: Send) -> None:
        # websockets' parser stands where we look for it; else every message would go through it, and all were well.
        assert transport._protocol._is_between_frames()
        while (message := await receive())["type"] != "websocket.disconnect":
            heard.put_nowait(message.get("text") or message["bytes"])

    inner = _frame(_TEXT, b"inner", b"mask")
    around = _frame(0x82, b"before" + inner + b"behind")
    at = around.index(inner)
    pieces = [
        _frame(_TEXT, b"whole"),
        # What looks like a whole message amid another.
        around[:at], around[at : at + len(inner)], around[at + len(inner) :],
        _frame(_TEXT, b"behind it"),
        _frame(0x01, b"in "), _frame(0x89, b"ping"), _frame(0x80, b"parts"),
        _frame(_TEXT, b"cut")[:1], _frame(_TEXT, b"cut")[1:],
        _frame(_TEXT, b"one") + _frame(_TEXT, b"two")[:4], _frame(_TEXT, b"two")[4:],
        _frame(_TEXT, b"last"),
    ]  # fmt: skip
    async with serving(talk) as url:
        _, writer = await _handshake(url)
        for piece in pieces:
            writer.write(piece)
            # For the server to read each by itself, most of the time.
            await asyncio.sleep(0.01)
        said = [await asyncio.wait_for(heard.get(), 5) for _ in range(8)]
        writer.close()
    assert said == [
        "whole", b"before" + inner + b"behind", "behind it", "in parts", "cut", "one", "two", "last"
    ]  # fmt: skip


async def test_a_whole_message_amid_the_parts_of_another_is_a_mistake() -> None:
    ended = asyncio.Queue[int]()

    async def talk(_transport: Transport, receive: Receive, _send: Send) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            pass
        ended.put_nowait(message["code"])

    async with serving(talk) as url:
        _, writer = await _handshake(url)
        for piece in (_frame(0x01, b"a part"), _frame(_TEXT, b"whole")):
            writer.write(piece)
            await asyncio.sleep(0.05)
        assert await asyncio.wait_for(ended.get(), 5) == 1002
        writer.close()


def test_a_text_for_many_sockets_is_encoded_once() -> None:
    assert text_frame("an event") is text_frame("an event")


async def _text(send: Send, text: str) -> None:
    await send({"type": "websocket.send", "text": text})


async def _flood(send: Send) -> None:
    while True:
        await _text(send, "x" * 100_000)


async def _write_all(writer: asyncio.StreamWriter, messages: list[bytes]) -> None:
    """Write; a message that the other side does not take within a second raises TimeoutError."""
    for message in messages:
        writer.write(message)
        await asyncio.wait_for(writer.drain(), 1)


async def _handshake(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that never reads after its handshake."""
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 101")
    return reader, writer
