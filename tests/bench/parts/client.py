"""A crowd of sockets in one process: as lean as Python allows, and the same for whoever serves."""

from __future__ import annotations

import asyncio
import random
import re
import time
from array import array
from collections.abc import Sequence
from typing import Final, Protocol

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

_CLOCK: Final = time.perf_counter
_AT_ONCE: Final = 100
_CONNECT_TIMEOUT_S: Final = 30.0
# The number of a command travels as its position: every server passes that on.
_SEEK: Final = re.compile(rb'"seek".*?"timestamp":(\d+)')


class Dialect(Protocol):
    """How to talk to one kind of server."""

    def url(self, base: str, room: str) -> str:
        """Where a socket of a room is opened."""

    def seek(self, number: int) -> bytes:
        """The command that everybody in the room hears of."""

    def take(self, seat: Seat, payload: bytes) -> None:
        """See to a frame that is not the event: answer it, or call `seat.is_live()`."""


class Seat(WSListener):
    """One socket of the crowd."""

    def __init__(self, crowd: Crowd, base: str, room: str, cookie: str = "") -> None:
        self.crowd = crowd
        self.base = base
        self.room = room
        self.cookie = cookie
        self.transport: WSTransport | None = None
        self.live: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed_at: float | None = None
        self.heard_at = 0.0
        self.longest_silence_s = 0.0
        self.last = b""

    async def open(self) -> None:
        """Connect and wait until the room is there."""
        headers = {"Cookie": self.cookie} if self.cookie else None
        transport, _ = await ws_connect(
            lambda: self,
            self.crowd.dialect.url(self.base, self.room),
            extra_headers=headers,
            websocket_handshake_timeout=_CONNECT_TIMEOUT_S,
            read_buffer_init_size=2048,
        )
        self.cookie = self.cookie or transport.response.headers.get("Set-Cookie", "").partition(";")[0]
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            await self.live

    def say(self, text: bytes) -> None:
        """Send a text frame, if the socket is open."""
        if self.transport is not None:
            self.transport.send(WSMsgType.TEXT, text)

    def is_live(self) -> None:
        """The server has let us into the room."""
        if not self.live.done():
            self.live.set_result(None)

    def heard_heartbeat(self) -> None:
        """Note how long the last one is ago."""
        now = _CLOCK()
        if self.heard_at:
            self.longest_silence_s = max(self.longest_silence_s, now - self.heard_at)
        self.heard_at = now

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.crowd.count(1)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            payload = frame.get_payload_as_bytes()
            found = _SEEK.search(payload)
            if found is None:
                self.last = payload
                self.crowd.dialect.take(self, payload)
            else:
                self.crowd.arrived(int(found[1]))
        elif frame.msg_type is WSMsgType.CLOSE:
            self._ended()
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._ended()
        self.transport = None
        self.crowd.count(-1)
        if not self.live.done():
            self.live.set_exception(ConnectionError(f"closed before the room was there, after {self.last[:200]!r}"))

    def _ended(self) -> None:
        if self.closed_at is None:
            self.closed_at = _CLOCK()


class Crowd:
    """Sockets of many rooms, spread over servers in turn, so that every room has members on each.

    `emptied` is set once no socket is open any more. `latencies_ms` has one number for each event that reached a
    socket: from the command to there.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.seats: list[Seat] = []
        self.open = 0
        self.emptied = asyncio.Event()
        self.latencies_ms = array("d")
        self._sent: dict[int, float] = {}
        self._number = 1000

    async def enter(self, bases: Sequence[str], rooms: Sequence[str], size: int) -> None:
        """Open `size` sockets in each room."""
        seats = [Seat(self, bases[place % len(bases)], room) for place in range(size) for room in rooms]
        self.seats += seats
        await _open(seats, at_once=_AT_ONCE)

    async def reconnect(self) -> float:
        """Cut every socket and open all anew at once, each as who it was. Seconds until the last was live."""
        old, self.seats = self.seats, []
        for seat in old:
            if seat.transport is not None:
                seat.transport.disconnect(graceful=False)
        await asyncio.sleep(0.2)
        self.seats = [Seat(self, seat.base, seat.room, seat.cookie) for seat in old]
        begun = _CLOCK()
        await _open(self.seats, at_once=len(self.seats))
        return _CLOCK() - begun

    async def leave(self) -> None:
        """Close every socket."""
        for seat in self.seats:
            if seat.transport is not None:
                seat.transport.disconnect(graceful=False)
        self.seats = []
        await asyncio.sleep(0.3)

    def count(self, change: int) -> None:
        """Sockets have come or gone."""
        self.open += change
        if not self.open:
            self.emptied.set()

    def seek(self, seat: Seat) -> None:
        """Let one member move the room."""
        self._number += 1
        self._sent[self._number] = _CLOCK()
        seat.say(self.dialect.seek(self._number))

    def arrived(self, number: int) -> None:
        """An event reached a socket."""
        sent = self._sent.get(number)
        if sent is not None:
            self.latencies_ms.append((_CLOCK() - sent) * 1000)

    def forget(self) -> None:
        """Count from here on, and only what is sent from here on."""
        self.latencies_ms = array("d")
        self._sent.clear()

    async def command(self, per_s: float, seconds: float) -> int:
        """Give `per_s` commands evenly, each from another member, for some seconds. How many."""
        speakers = random.sample(self.seats, len(self.seats))
        count = round(per_s * seconds)
        begun = _CLOCK()
        for n in range(count):
            ahead = begun + n / per_s - _CLOCK()
            if ahead > 0.0005:
                await asyncio.sleep(ahead)
            self.seek(speakers[n % len(speakers)])
        return count


class WatchTogether:
    """Our own protocol."""

    def url(self, base: str, room: str) -> str:
        return f"{base.replace('http', 'ws', 1)}/ws/{room}"

    def seek(self, number: int) -> bytes:
        # With an id, as the page gives them: it is answered by an `ack`.
        return b'{"type":"seek","id":"%d","timestamp":%d}' % (number, number)

    def take(self, seat: Seat, payload: bytes) -> None:
        if b'"type":"heartbeat"' in payload:
            seat.heard_heartbeat()
        elif b'"type":"ping"' in payload:
            seat.say(b'{"type":"pong"}')
        elif b'"type":"room_state"' in payload:
            seat.is_live()


class SocketIO:
    """engine.io 4 over a WebSocket from the first byte, with events as large as ours."""

    # What our events have besides type and position.
    _FIELDS: Final = (
        b'"version":1763826345123,"prev":1763826345100,"run":"0123abcd","server_time":1763826345.123456,'
        b'"by":"guest-0123456789abcdef","starts_at":1763826345.123456,"from":123.456789'
    )

    def url(self, base: str, room: str) -> str:
        return f"{base.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"

    def seek(self, number: int) -> bytes:
        return b'42["seek",{"timestamp":%d,%b}]' % (number, self._FIELDS)

    def take(self, seat: Seat, payload: bytes) -> None:
        if payload == b"2":
            seat.say(b"3")
        elif payload.startswith(b"0{"):
            seat.say(b"40")
        elif payload.startswith(b"40"):
            seat.say(b'42["enter","%b"]' % seat.room.encode())
        elif payload.startswith(b'42["entered"'):
            seat.is_live()


async def _open(seats: Sequence[Seat], *, at_once: int) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(seat: Seat) -> None:
        async with gate:
            await seat.open()

    await asyncio.gather(*(one(seat) for seat in seats))
