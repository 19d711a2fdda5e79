"""Readers that cost next to nothing, so that what is measured is the server: bodies are thrown away in the kernel."""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_HEAD_BYTES: Final = 64 * 1024
_CHUNK_BYTES: Final = 1 << 20
# Readers of bodies are woken when so much is there. A reader on the same machine that is woken for each packet costs
# the server, which does the waking, a quarter of its time: no reader behind a network does.
_WAKE_BYTES: Final = 256 * 1024
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CACHE: Final = re.compile(rb"\r\nx-cache: *([^\r]*)", re.IGNORECASE)
_END: Final = b"0\r\n\r\n"


@dataclass(slots=True)
class Reading:
    """What readers got. `tiers` counts answers by their X-Cache; `cpu_s` is what the readers used themselves.

    `closed` counts connections that the server closed after an answer: then another is made, as browsers do.
    """

    answers: int = 0
    body_bytes: int = 0
    failures: int = 0
    closed: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    tiers: dict[str, int] = field(default_factory=dict)


def get(host: str, path: str, span: str = "") -> bytes:
    """The head of a request that keeps its connection."""
    part = f"Range: {span}\r\n" if span else ""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{part}Accept: */*\r\n\r\n".encode()


def read(port: int, requests: Sequence[bytes], *, connections: int, seconds: float = 0.0) -> Reading:
    """Send `requests` over so many connections at once, each waiting for its answer.

    With `seconds` they are sent over and over for so long, else each once.

    :raises ConnectionError: if the server refuses or closes a connection.
    """
    reading = Reading()
    queue = _Queue(requests, time.monotonic() + seconds if seconds else 0.0)
    poll = select.epoll()
    readers: dict[int, _Reader] = {}
    begun, used = time.monotonic(), time.process_time()
    for _ in range(min(connections, len(requests)) if not seconds else connections):
        reader = _Reader(port, queue, reading)
        readers[reader.socket.fileno()] = reader
        poll.register(reader.socket, select.EPOLLIN)
        reader.ask()
    while readers:
        for descriptor, _ in poll.poll(30) or _stalled():
            reader = readers.pop(descriptor)
            before = reader.socket
            reader.take()
            if reader.socket is not before:
                # The old one is closed, and so no longer among those that are watched.
                poll.register(reader.socket, select.EPOLLIN)
            if reader.is_done:
                poll.unregister(reader.socket)
                reader.socket.close()
            else:
                readers[reader.socket.fileno()] = reader
    reading.wall_s, reading.cpu_s = time.monotonic() - begun, time.process_time() - used
    poll.close()
    return reading


class _Queue:
    """What is still to be asked: a list once, or over and over until a time."""

    def __init__(self, requests: Sequence[bytes], until: float) -> None:
        self._requests = requests
        self._until = until
        self._next = 0

    def next(self) -> bytes | None:
        if self._until:
            if time.monotonic() >= self._until:
                return None
        elif self._next >= len(self._requests):
            return None
        self._next += 1
        return self._requests[(self._next - 1) % len(self._requests)]


class _Reader:
    """One connection."""

    def __init__(self, port: int, queue: _Queue, reading: Reading) -> None:
        self.socket = _connected(port)
        self.is_done = False
        self._port = port
        self._queue = queue
        self._reading = reading
        self._head = bytearray()
        self._wakes_at = 1
        # Body bytes still to come; None while the head is read, -1 for chunks.
        self._left: int | None = None
        self._tail = b""

        self._asked = b""

    def ask(self) -> None:
        """Send the next request, if there is one."""
        request = self._queue.next()
        if request is None:
            self.is_done = True
        else:
            self._asked = request
            self.socket.send(request)

    def take(self) -> None:
        """Read what there is."""
        if self._left is None:
            data = self._received(_HEAD_BYTES)
            if data or self._head:
                self._take_head(data)
            else:
                self._reconnect()
        elif self._left < 0:
            data = self._received(_CHUNK_BYTES)
            if not data:
                raise ConnectionError("the server closed a connection in the middle of a body")
            self._take_chunks(data)
        else:
            # MSG_TRUNC: TCP drops the bytes without copying them to anybody.
            count = self.socket.recv_into(_SINK, min(self._left, _CHUNK_BYTES), socket.MSG_TRUNC)
            self._took(count)

    def _reconnect(self) -> None:
        self._reading.closed += 1
        self.socket.close()
        self.socket, self._wakes_at = _connected(self._port), 1
        self.socket.send(self._asked)

    def _take_head(self, data: bytes) -> None:
        if not data:
            raise ConnectionError("the server closed a connection in the middle of a head")
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return
        head, rest = bytes(self._head[: end + 2]), bytes(self._head[end + 4 :])
        self._head.clear()
        if head[9:12] not in (b"200", b"206"):
            self._reading.failures += 1
        tier = _CACHE.search(head)
        name = tier[1].decode("latin-1") if tier else ""
        self._reading.tiers[name] = self._reading.tiers.get(name, 0) + 1
        length = _LENGTH.search(head)
        if length:
            self._left = int(length[1])
            self._took(len(rest), is_first=True)
        else:
            self._left, self._tail = -1, b""
            self._take_chunks(rest)

    def _took(self, count: int, *, is_first: bool = False) -> None:
        if not count and not is_first:
            raise ConnectionError("the server closed a connection in the middle of a body")
        assert self._left is not None
        self._left -= count
        self._reading.body_bytes += count
        if self._left:
            self._wake_at(min(self._left, _WAKE_BYTES))
        else:
            self._end()

    def _take_chunks(self, data: bytes) -> None:
        self._reading.body_bytes += len(data)
        self._tail = (self._tail + data)[-len(_END) :]
        if self._tail == _END:
            self._end()

    def _end(self) -> None:
        self._left = None
        self._reading.answers += 1
        self._wake_at(1)
        self.ask()

    def _wake_at(self, count: int) -> None:
        if count != self._wakes_at:
            self._wakes_at = count
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)

    def _received(self, most: int) -> bytes:
        try:
            return self.socket.recv(most)
        except ConnectionResetError:
            return b""


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    return connection


_SINK: Final = bytearray(_CHUNK_BYTES)


def _stalled() -> list[tuple[int, int]]:
    raise ConnectionError("the server sends nothing any more")
