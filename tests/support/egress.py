"""A real HTTP proxy for CONNECT, that remembers where it was asked to go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.answering import answering


class Way:
    """`asked` are the first lines and the logins of all requests; `refuses` has it say 403."""

    def __init__(self) -> None:
        self.address = ""
        self.asked: list[str] = []
        self.logins: list[str] = []
        self.refuses = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Way]:
        """Serve on a port of loopback."""
        async with answering(self._serve) as self.address:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.asked.append(first)
        self.logins += [line.partition(": ")[2] for line in lines if line.startswith("Proxy-Authorization: ")]
        if self.refuses:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = first.split(" ")[1].rpartition(":")
        there, onward = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, onward), _pump(there, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
