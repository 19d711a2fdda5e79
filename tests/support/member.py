"""A scripted member of a room: a WebSocket client that isn't our page."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


class Member:
    """One socket. Frames that came are kept in `seen`; `expect` waits for one, also among those seen before."""

    def __init__(
        self,
        base_url: str,
        room: str,
        name: str = "Ana",
        *,
        origin: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self._url = f"{base_url.replace('http', 'ws', 1)}/ws/{room}?name={name}"
        self._origin = origin
        self._headers = headers or {}
        self.seen: list[dict[str, Any]] = []
        self._read = 0
        self._news = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self.close_code: int | None = None

    @property
    def socket(self) -> ClientConnection:
        """The connection below."""
        assert self._socket is not None
        return self._socket

    @property
    def cookie(self) -> str:
        """The session cookie that the handshake set, as a `Cookie` header's value."""
        response = self.socket.response
        assert response is not None
        return response.headers["Set-Cookie"].split(";", 1)[0]

    async def __aenter__(self) -> Self:
        self._socket = await connect(
            self._url,
            origin=self._origin,  # type: ignore[arg-type]  # a NewType of str
            additional_headers=self._headers,
            max_size=None,
            compression=None,
        )
        self._reader = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self.socket.close()

    async def _listen(self) -> None:
        try:
            async for text in self.socket:
                await self.take(json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self.close_code = self.socket.close_code
            self._news.set()

    async def take(self, message: dict[str, Any]) -> None:
        """What becomes of a message that came."""
        self.seen.append(message)
        if message["type"] == "ping":
            await self.send("pong")
        self._news.set()

    def abort(self) -> None:
        """Drop the connection without a word."""
        self.socket.transport.abort()

    async def send(self, kind: str, **fields: Any) -> None:
        """Send one message."""
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def expect(self, kind: str, *, timeout_s: float = 10.0, **fields: Any) -> dict[str, Any]:
        """The first message of a kind, with these fields, after the one that was expected last.

        :raises TimeoutError: if none comes; its text tells what came.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    while self._read < len(self.seen):
                        message = self.seen[self._read]
                        self._read += 1
                        if message["type"] == kind and all(message.get(name) == fields[name] for name in fields):
                            return message
                    self._news.clear()
                    if self._reader is not None and self._reader.done() and self._read >= len(self.seen):
                        raise TimeoutError
                    await self._news.wait()
        except TimeoutError:
            kinds = [message["type"] for message in self.seen]
            raise TimeoutError(f"no {kind} {fields}; seen: {kinds}, closed: {self.close_code}") from None

    def skip(self) -> None:
        """Let `expect` look only at what comes from now on."""
        self._read = len(self.seen)

    async def closed(self, *, timeout_s: float = 10.0) -> int | None:
        """Wait for the server to close. Answers the code."""
        async with asyncio.timeout(timeout_s):
            if self._reader is not None:
                await asyncio.wait((self._reader,))
        return self.close_code

    async def ask(self, kind: str, *, timeout_s: float = 10.0, **fields: Any) -> dict[str, Any]:
        """Send a command with an id and answer its `ack` or `error`."""
        command = f"{kind}-{id(self)}-{len(self.seen)}-{self._read}"
        mark = len(self.seen)
        await self.send(kind, id=command, **fields)
        async with asyncio.timeout(timeout_s):
            while True:
                for message in self.seen[mark:]:
                    if message["type"] in ("ack", "error") and message.get("id") == command:
                        return message
                self._news.clear()
                await self._news.wait()
