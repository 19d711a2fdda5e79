"""The only way out of an extraction: a proxy on loopback that connects to nothing the guard has not checked."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from services.common.errors import Refused, Unavailable, WatchTogetherError
from services.common.guard import Guard, Target, parse_url
from services.common.tunnel import EgressProxy
from services.resolver import metrics

CONNECT_TIMEOUT_S: Final = 10.0
HEAD_TIMEOUT_S: Final = 30.0
HEAD_BYTES: Final = 64 << 10
# What one extraction may load: pages and manifests, not films.
PASS_BYTES: Final = 256 << 20
_CHUNK: Final = 64 << 10
_HOP: Final = (b"connection", b"proxy-connection", b"proxy-authorization", b"keep-alive", b"host")

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True, eq=False)
class Pass:
    """One extraction's right to use the proxy. `refused` is the first target that the guard turned down."""

    proxy_url: str
    refused: Refused | None = None
    left_bytes: int = PASS_BYTES
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)


class Egress:
    """Serves CONNECT and plain HTTP requests of those who hold a pass."""

    def __init__(self, guard: Guard, upstream_proxy: str = "") -> None:
        """:param upstream_proxy: an HTTP proxy (`http://user:password@host:port`) to go through, '' for none."""
        self._guard = guard
        self._upstream = EgressProxy.of(upstream_proxy)
        self._passes: dict[str, Pass] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_BYTES)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        for held in list(self._passes.values()):
            self.withdraw(held)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def port(self) -> int:
        """Where it listens, once started."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def admit(self) -> Pass:
        """A new pass; it holds until `withdraw`."""
        token = secrets.token_urlsafe(18)
        held = self._passes[token] = Pass(f"http://{token}:x@127.0.0.1:{self.port}")
        return held

    def withdraw(self, held: Pass) -> None:
        """End a pass and its connections."""
        self._passes = {token: other for token, other in self._passes.items() if other is not held}
        for task in held.tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            held = self._passes.get(_token(head))
            if held is None:
                await _answer(writer, b"407 Proxy Authentication Required")
                return
            await self._in_pass(held, self._forward(held, head, (reader, writer)))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            await _close(writer)

    async def _in_pass(self, held: Pass, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        held.tasks.add(task)
        try:
            await task
        except asyncio.CancelledError:
            # The pass has ended; or this server has, and then the task must not outlive it.
            task.cancel()
        finally:
            held.tasks.discard(task)

    async def _forward(self, held: Pass, head: list[bytes], client: _Streams) -> None:
        method, _, rest = head[0].partition(b" ")
        place = rest.rpartition(b" ")[0].decode("latin-1")
        is_tunnel = method == b"CONNECT"
        try:
            target = parse_url(f"https://{place}/" if is_tunnel else place)
            upstream = await self._connect(target)
        except WatchTogetherError as error:
            metrics.EGRESS.labels("refused" if isinstance(error, Refused) else "failed").inc()
            if isinstance(error, Refused):
                held.refused = held.refused or error
            status = b"403 Forbidden" if isinstance(error, Refused) else b"502 Bad Gateway"
            await _answer(client[1], status)
            return
        metrics.EGRESS.labels("ok").inc()
        try:
            if is_tunnel:
                client[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                upstream[1].write(_request_head(method, target, head[1:]))
            await _splice(held, client, upstream, rewrites_head=not is_tunnel)
        finally:
            await _close(upstream[1])

    async def _connect(self, target: Target) -> _Streams:
        addresses = await self._guard.addresses(target.host, target.port)
        for address in addresses[:3]:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    return await self._reach(address, target.port)
        raise Unavailable("upstream_failed", f"{target.host} can't be reached.")

    async def _reach(self, address: str, port: int) -> _Streams:
        if self._upstream is None:
            return await asyncio.open_connection(address, port, limit=HEAD_BYTES)
        return await asyncio.open_connection(sock=await self._upstream.connect(address, port), limit=HEAD_BYTES)


async def _splice(held: Pass, client: _Streams, upstream: _Streams, *, rewrites_head: bool) -> None:
    """Copy both ways until the upstream ends. What the client sends after its own end is nothing."""
    up = asyncio.ensure_future(_pump(held, client[0], upstream[1]))
    try:
        if rewrites_head:
            client[1].write(await _response_head(upstream[0]))
        await _pump(held, upstream[0], client[1])
    finally:
        up.cancel()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await up


async def _pump(held: Pass, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        held.left_bytes -= len(data)
        if held.left_bytes < 0:
            raise ConnectionError("an extraction loads too much")
        if writer.is_closing():
            # The extraction has ended with its process.
            return
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _response_head(reader: asyncio.StreamReader) -> bytes:
    """The head of the final response, saying that the connection closes, so that no second request comes on it."""
    while True:
        async with asyncio.timeout(HEAD_TIMEOUT_S):
            lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
        if lines[0].split(b" ", 2)[1:2] != [b"100"]:
            kept = [line for line in lines[1:] if _name(line) not in (b"connection", b"keep-alive")]
            return b"\r\n".join([lines[0], *kept, b"Connection: close", b"", b""])


def _request_head(method: bytes, target: Target, lines: list[bytes]) -> bytes:
    kept = [line for line in lines if line and _name(line) not in _HOP]
    host = urlsplit(target.url).netloc.encode()
    first = b" ".join([method, target.path_and_query.encode(), b"HTTP/1.1"])
    return b"\r\n".join([first, b"Host: " + host, *kept, b"Connection: close", b"", b""])


def _token(head: list[bytes]) -> str:
    for line in head[1:]:
        if _name(line) == b"proxy-authorization":
            with contextlib.suppress(ValueError, binascii.Error):
                return base64.b64decode(line.rpartition(b" ")[2]).decode("latin-1").partition(":")[0]
    return ""


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()


async def _answer(writer: asyncio.StreamWriter, status: bytes) -> None:
    writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
