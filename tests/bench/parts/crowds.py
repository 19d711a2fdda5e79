"""Crowds at a cache, each in a process of its own: many who come at once, many who read slowly, many who leave."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SLOW_BYTES_S: Final = 64 * 1024
# Of those who leave, so many are there at the same time.
AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Herd:
    """How long each reader waited for its first byte, in seconds, in order, and how much they read together."""

    waits: Sequence[float]
    body_bytes: int

    def share(self, part: float) -> float:
        """The wait that `part` of the readers did not exceed."""
        return self.waits[max(0, int(len(self.waits) * part) - 1)]


def herd(port: int, request: bytes, count: int) -> Herd:
    """`count` readers of the same at the same time, each on a connection of its own."""
    return asyncio.run(_herd(port, request, count))


async def _herd(port: int, request: bytes, count: int) -> Herd:
    read = await asyncio.gather(*(_one(port, request) for _ in range(count)))
    return Herd(sorted(wait for wait, _ in read), sum(size for _, size in read))


async def _one(port: int, request: bytes) -> tuple[float, int]:
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    head = await reader.readuntil(b"\r\n\r\n")
    if head[9:12] not in (b"200", b"206"):
        raise ConnectionError(head.decode("latin-1"))
    size = len(await reader.read(1))
    waited = time.monotonic() - begun
    while data := await reader.read(1 << 20):
        size += len(data)
    writer.close()
    return waited, size


def slow(port: int, request: bytes, count: int, seconds: float) -> tuple[int, int]:
    """`count` readers of 64 KB in a second, for so long: what they read together, and how many were cut off."""
    return asyncio.run(_slow(port, request, count, seconds))


async def _slow(port: int, request: bytes, count: int, seconds: float) -> tuple[int, int]:
    until = time.monotonic() + seconds
    read = await asyncio.gather(*(_sip(port, request, until) for _ in range(count)))
    return sum(size for size, _ in read), sum(is_cut for _, is_cut in read)


async def _sip(port: int, request: bytes, until: float) -> tuple[int, bool]:
    loop = asyncio.get_running_loop()
    size = 0
    with socket.socket() as connection:
        # A buffer as small as that of a slow link: else the system reads on for the reader.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BYTES_S)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        await loop.sock_sendall(connection, request)
        while (left := until - time.monotonic()) > 0:
            begun = time.monotonic()
            try:
                async with asyncio.timeout(left):
                    data = await loop.sock_recv(connection, SLOW_BYTES_S)
            except TimeoutError:
                break
            except ConnectionError:
                return size, True
            if not data:
                return size, True
            size += len(data)
            await asyncio.sleep(max(0.0, min(left, len(data) / SLOW_BYTES_S - (time.monotonic() - begun))))
    return size, False


def drop(port: int, request: bytes, count: int) -> None:
    """`count` clients that connect, ask and are gone before they are answered, or just after."""
    for _ in range(count // AT_ONCE):
        ends = [socket.create_connection(("127.0.0.1", port)) for _ in range(AT_ONCE)]
        for number, end in enumerate(ends):
            end.sendall(request)
            if number % 2:
                end.recv(1)
        for end in ends:
            # A reset, as of a page that is closed.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.close()
