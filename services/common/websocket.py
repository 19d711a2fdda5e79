"""uvicorn's WebSocket protocol, with what a room's sockets need beyond ASGI."""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

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


class RoomWebSocketProtocol(WebSocketsSansIOProtocol):
    """Tells the app of its transport, and aborts what keeps silent: `close()` waits for a flush that may never end."""

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
