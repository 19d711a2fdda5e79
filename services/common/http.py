"""uvicorn's HTTP protocol, with files that go from the page cache to the socket without passing through here."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import sys
import threading
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

EXTENSION: Final = "watch_together.sendfile"
# One call's share: beyond it others have their turn.
CALL_BYTES: Final = 1 << 20
# A socket that takes little is offered twice what it took last time, but no less than this.
LEAST_BYTES: Final = 128 * 1024


class FileSender:
    """Sends parts of files as parts of one response's body, as `scope["extensions"][EXTENSION]`.

    Only after the head, which must have told a Content-Length, and in turn with what goes through ASGI's `send`.
    """

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        # Whether there was nobody any more to send to.
        self.has_left = False

    async def send(self, fd: int, offset: int, count: int) -> None:
        """Send `count` bytes of the file `fd` from `offset` on; nothing, once the client has left.

        :raises OSError: if the file can't be read.
        :raises EOFError: if it is shorter than that.
        """
        cycle = self._cycle
        if cycle.chunked_encoding is not False or count > cycle.expected_content_length:
            raise RuntimeError("a file needs a response of which the length was told")
        await self._flushed()
        transport = cycle.transport
        if cycle.disconnected or transport.is_closing():
            self.has_left = True
            return
        # A descriptor of our own: the transport's may be another connection's by the time we write again.
        out = os.dup(transport.get_extra_info("socket").fileno())
        try:
            await _Copy(out, fd, offset, count).run()
        except (ConnectionError, TimeoutError):
            # The transport notices by itself, and tells the application by `http.disconnect`.
            self.has_left = True
            return
        finally:
            os.close(out)
        cycle.expected_content_length -= count

    def cut(self) -> None:
        """Drop the connection amid the response. Whoever reads it sees that it is not whole.

        To end the application without this would do the same, and be logged as a mistake of its.
        """
        self._cycle.disconnected = True
        if self._cycle.scope["http_version"] == "1.0":
            _reset(self._cycle.transport)
        else:
            self._cycle.transport.close()

    async def _flushed(self) -> None:
        """Wait until what was written through the transport has left it: else the file would come before the head."""
        transport, flow = self._cycle.transport, self._cycle.flow
        if not transport.get_write_buffer_size():
            return
        transport.set_write_buffer_limits(high=0)
        try:
            while transport.get_write_buffer_size() and not self._cycle.disconnected:
                await (flow.drain() if flow.write_paused else asyncio.sleep(0))
        finally:
            if not transport.is_closing():
                transport.set_write_buffer_limits()


class FileHttpProtocol(HttpToolsProtocol):
    """Offers `FileSender` on connections without TLS, which would have to encrypt what it sends.

    Bodies of unknown length go to clients of HTTP/1.0 without chunks, which those do not know.
    """

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self.scheme == "http":
            extensions: dict[str, Any] = cycle.scope.setdefault("extensions", {})
            extensions[EXTENSION] = FileSender(cycle)
        super()._start_asgi_task(cycle, _until_closed(cycle, app) if cycle.scope["http_version"] == "1.0" else app)


def _until_closed(cycle: RequestResponseCycle, app: ASGIApp) -> Any:
    """`app`, of which bodies without a length end with the connection (RFC 9112 §6.3); broken off, with a reset."""

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        is_endless = False

        async def tell(message: Message) -> None:
            nonlocal is_endless
            if message["type"] == "http.response.start":
                is_endless = all(name.lower() != b"content-length" for name, _ in message.get("headers", ()))
                if is_endless:
                    # As uvicorn's own of a body whose length was told; how much is left is known at its end alone.
                    cycle.chunked_encoding = False
                    cycle.expected_content_length = sys.maxsize
            elif is_endless and not message.get("more_body", False):
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, receive, tell)
        except BaseException:
            if is_endless:
                _reset(cycle.transport)
            raise

    return asgi


def _reset(transport: asyncio.Transport) -> None:
    """Drop a connection so that its end can't pass for the end of a body."""
    connection = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _Copy:
    """One copy from a file to a socket, driven by the socket: the task that wants it wakes once, at its end."""

    def __init__(self, out: int, fd: int, offset: int, count: int) -> None:
        self._out = out
        self._fd = fd
        self._offset = offset
        self._count = count
        self._share = CALL_BYTES

    async def run(self) -> None:
        """:raises OSError, EOFError: as `FileSender.send`.

        :raises ConnectionError, TimeoutError: if the peer has left, or reads nothing any more.
        """
        if self._step():
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def writable() -> None:
            try:
                if not done.done() and self._step():
                    done.set_result(None)
            except (OSError, EOFError) as error:
                done.set_exception(error)

        loop.add_writer(self._out, writable)
        try:
            await done
        finally:
            loop.remove_writer(self._out)

    def _step(self) -> bool:
        """Send what the socket takes now, at most `CALL_BYTES`. Whether that was all."""
        try:
            sent = _pipe().move(self._out, self._fd, self._offset, min(self._count, self._share))
        except BlockingIOError:
            return False
        self._offset += sent
        self._count -= sent
        self._share = max(LEAST_BYTES, min(2 * sent, CALL_BYTES))
        return not self._count


class _Pipe:
    """Carries pages of files to sockets without copying them; it is empty between two calls.

    `sendfile` does the same by a pipe of its own that holds 64 KiB: a hit of 4 MB took 1.5 times the processor time.
    """

    def __init__(self) -> None:
        self._out, self._in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            # Refused where this user has many large pipes: a smaller one does, too.
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, CALL_BYTES)

    def move(self, out: int, fd: int, offset: int, count: int) -> int:
        """Send at most `count` bytes of the file `fd` from `offset` on to the socket `out`; how many it took.

        :raises BlockingIOError: if it takes none now.
        :raises OSError: if the file can't be read, or the peer has left.
        :raises EOFError: if there are none.
        """
        left = os.splice(fd, self._in, count, offset_src=offset)
        if not left:
            raise EOFError("the file is shorter than what was to be sent of it")
        try:
            sent = os.splice(self._out, out, left, flags=os.SPLICE_F_NONBLOCK)
            left -= sent
        finally:
            while left:
                left -= os.splice(self._out, self._nowhere, left)
        return sent


_pipes: Final = threading.local()


def _pipe() -> _Pipe:
    """The pipe of this thread's event loop."""
    found = getattr(_pipes, "pipe", None)
    if not isinstance(found, _Pipe):
        found = _pipes.pipe = _Pipe()
    return found
