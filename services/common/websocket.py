"""uvicorn's WebSocket protocol, with what a room's sockets need beyond ASGI."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from functools import lru_cache
from typing import Any, Final

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode, apply_mask  # type: ignore[attr-defined]  # C, where it was built
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

EXTENSION: Final = "watch_together.transport"
WRITE_HIGH_WATER_BYTES: Final = 64 * 1024
# The kernel would take four megabytes for a peer that does not read, and nobody would notice until they are full. It
# doubles this.
KERNEL_BUFFER_BYTES: Final = 128 * 1024
# Messages that may wait for the app before the peer is held back: to stop and start reading for each one costs more
# than handling it.
READ_AHEAD: Final = 4
_TEXT: Final = 0x81
_MASKED: Final = 0x80
_BETWEEN_FRAMES: Final = StreamReader.at_eof.__code__
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


# What one event is for members and for guests, of a few rooms: it is written to one socket after the other.
@lru_cache(maxsize=8)
def text_frame(text: str) -> bytes:
    """A whole text message as a server puts it on the wire, uncompressed (RFC 6455 §5.2)."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + payload


def whole_text(data: bytes) -> str | None:
    """The text, if `data` is exactly one frame of a peer that is a whole text message of less than 64 KiB."""
    if len(data) < 6 or data[0] != _TEXT or not data[1] & _MASKED:
        return None
    size, start = data[1] ^ _MASKED, 6
    if size == 126:
        size, start = int.from_bytes(data[2:4], "big"), 8
    if (size > 126 and start == 6) or len(data) != start + size:
        return None
    try:
        return str(apply_mask(data[start:], data[start - 4 : start]), "utf-8")
    except UnicodeDecodeError:
        return None


class Inbox(asyncio.Queue[Any]):
    """What waits for the one who receives: asyncio's queue, made for many, costs as much as a message's parsing."""

    def __init__(self) -> None:
        self._messages: deque[Any] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, item: Any) -> None:
        self._messages.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Any:
        messages = self._messages
        while not messages:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return messages.popleft()

    def qsize(self) -> int:
        return len(self._messages)

    def empty(self) -> bool:
        return not self._messages


class Transport:
    """The socket under a WebSocket, as `scope["extensions"][EXTENSION]`."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: RoomWebSocketProtocol) -> None:
        self._protocol = protocol

    def abort(self) -> None:
        """Drop the connection now. A closing handshake never frees a peer that does not read."""
        _reset(self._protocol)

    def write_text(self, text: str) -> bool:
        """Write a message at once, encoded once for however many sockets get it one after the other.

        False, and nothing is written, unless the socket is open and takes more: then only ASGI's `send` can wait.
        """
        protocol = self._protocol
        transport = protocol.transport
        if protocol.close_sent or protocol.is_full or transport.is_closing():
            return False
        transport.write(text_frame(text))
        return True

    def buffered_bytes(self) -> int:
        """How much was written that the peer's side has not taken yet."""
        return self._protocol.transport.get_write_buffer_size()


class _Conversation(ServerProtocol):
    """A close frame ends the conversation wherever it stands (RFC 6455 §5.4), also amid a fragmented message.

    websockets answers that one with 1002 (Autobahn 7.1.5).
    """

    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class RoomWebSocketProtocol(WebSocketsSansIOProtocol):
    """Tells the app of its transport, and aborts what keeps silent: `close()` waits for a flush that may never end.

    A short message that comes whole goes past websockets' parser to the app. Anything else, and whatever looks odd, is
    the parser's: that costs a tenth of a whole command.
    """

    # Whether the transport has more to write than it should.
    is_full = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.queue = Inbox()
        self.conn = _Conversation(
            extensions=self.conn.available_extensions, max_size=self.config.ws_max_size, logger=self.logger
        )

    def handle_connect(self, event: Request) -> None:
        self.transport.set_write_buffer_limits(high=WRITE_HIGH_WATER_BYTES)
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            if (connection := self.transport.get_extra_info("socket")) is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
        super().handle_connect(event)
        scope: dict[str, Any] | None = getattr(self, "scope", None)
        if scope is not None:
            # The task that runs the app was made, not begun: it sees this.
            scope["extensions"][EXTENSION] = Transport(self)

    def data_received(self, data: bytes) -> None:
        text = whole_text(data) if len(data) <= self.config.ws_max_size else None
        if text is None or not self._is_between_frames():
            super().data_received(data)
            return
        self.queue.put_nowait({"type": "websocket.receive", "text": text})
        if not self.read_paused and self.queue.qsize() > READ_AHEAD:
            self.read_paused = True
            self.transport.pause_reading()

    async def receive(self) -> ASGIReceiveEvent:
        message: ASGIReceiveEvent = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            # uvloop takes it ill of a transport that is gone, and the app would not get its last messages.
            if not self.transport.is_closing():
                self.transport.resume_reading()
        return message

    async def send(self, message: ASGISendEvent) -> None:
        # The same of writing; and a handshake that finds nobody there any more is no mistake of the app's.
        if self.transport.is_closing():
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            # A status answers a handshake as well as an acceptance does; uvicorn would log it as the app's mistake.
            self.handshake_complete = True

    def pause_writing(self) -> None:
        self.is_full = True
        super().pause_writing()

    def resume_writing(self) -> None:
        self.is_full = False
        super().resume_writing()

    def _is_between_frames(self) -> bool:
        """Whether the parser waits for the first byte of a message, and the app for messages."""
        conn = self.conn
        if conn.current_size is not None or self.close_sent or not self.handshake_complete:
            return False
        # The server's parser is in the protocol's, and that waits to see whether there is more to come.
        parser = getattr(conn.parser, "gi_yieldfrom", None)
        waits_for = getattr(parser, "gi_yieldfrom", None)
        return getattr(waits_for, "gi_code", None) is _BETWEEN_FRAMES

    def send_receive_event_to_app(self) -> None:
        # Said to be paused, it is not paused.
        is_near = not self.read_paused and self.queue.qsize() < READ_AHEAD
        self.read_paused = self.read_paused or is_near
        super().send_receive_event_to_app()
        self.read_paused = self.read_paused and not is_near

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        # The app has not heard of the end yet: what it sends meanwhile goes nowhere, and is no mistake of its.
        self.disconnected = True

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        _reset(self)


def _reset(protocol: WebSocketsSansIOProtocol) -> None:
    # Without this the kernel keeps what was not taken, up to some megabytes, and offers it for minutes more.
    # Of a connection that is gone uvloop has no socket (RuntimeError), or one without a descriptor (ValueError).
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        if (connection := protocol.transport.get_extra_info("socket")) is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    protocol.transport.abort()
