"""uvicorn's WebSocket protocol, with what a room's sockets need beyond ASGI."""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

EXTENSION: Final = "watch_together.transport"
WRITE_HIGH_WATER_BYTES: Final = 64 * 1024


class Transport:
    """The socket under a WebSocket, as `scope["extensions"][EXTENSION]`."""

    def __init__(self, protocol: WebSocketsSansIOProtocol) -> None:
        self._protocol = protocol

    def abort(self) -> None:
        """Drop the connection now. A closing handshake never frees a peer that does not read."""
        self._protocol.transport.abort()

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

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()
