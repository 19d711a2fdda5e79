"""uvicorn's WebSocket protocol, with what a room's sockets need beyond ASGI."""

from __future__ import annotations

import contextlib
import socket
import struct
from functools import lru_cache
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

EXTENSION: Final = "watch_together.transport"
WRITE_HIGH_WATER_BYTES: Final = 64 * 1024
# Messages that may wait for the app before the peer is held back: to stop and start reading for each one costs more
# than handling it.
READ_AHEAD: Final = 4
_TEXT: Final = 0x81
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


class Transport:
    """The socket under a WebSocket, as `scope["extensions"][EXTENSION]`."""

    def __init__(self, protocol: WebSocketsSansIOProtocol) -> None:
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
        if protocol.close_sent or not protocol.writable.is_set() or transport.is_closing():
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
    """Tells the app of its transport, and aborts what keeps silent: `close()` waits for a flush that may never end."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn = _Conversation(
            extensions=self.conn.available_extensions, max_size=self.config.ws_max_size, logger=self.logger
        )

    def handle_connect(self, event: Request) -> None:
        self.transport.set_write_buffer_limits(high=WRITE_HIGH_WATER_BYTES)
        super().handle_connect(event)
        scope: dict[str, Any] | None = getattr(self, "scope", None)
        if scope is not None:
            # The task that runs the app was made, not begun: it sees this.
            scope["extensions"][EXTENSION] = Transport(self)

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
    if (connection := protocol.transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    protocol.transport.abort()
