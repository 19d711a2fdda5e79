"""The client for origins, against servers that keep connections, close them and fall silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.common.errors import Unavailable
from services.common.guard import parse_url
from services.proxy.upstream import Timeouts, Upstream
from tests.support.answering import answering

CHUNK_S = 0.3
# Beyond the 512 KiB at which aiohttp holds a connection back.
SIZES = (600_000, 650_000, 700_000, 800_000)


class Keeping:
    """A server that answers `/<bytes>` on connections that it keeps, and `/<bytes>/<sent>` with so many and silence."""

    def __init__(self) -> None:
        self.connections = 0
        self.url = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Keeping]:
        async with answering(self._serve) as address:
            self.url = f"http://{address}"
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size, _, sent = head.split(b" ")[1][1:].partition(b"/")
            body = b"x" * int(sent or size)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % int(size) + body)
            await writer.drain()


@pytest.fixture
async def server() -> AsyncIterator[Keeping]:
    async with Keeping().serving() as server:
        yield server


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream(None, Timeouts(connect_s=5, first_byte_s=5, chunk_s=CHUNK_S))
    await upstream.start()
    yield upstream
    await upstream.close()


async def length(upstream: Upstream, url: str, *, late_s: float = 0.0) -> int:
    """How many bytes come from `url` to a reader who begins `late_s` after the head."""
    answer = await upstream.open(parse_url(url), {})
    try:
        await asyncio.sleep(late_s)
        return sum([len(chunk) async for chunk in answer.chunks()])
    finally:
        answer.release()


@pytest.mark.parametrize("late_s", [0.0, 0.1])
async def test_a_connection_that_lay_idle_longer_than_a_body_may_pause_serves_the_next_request(
    server: Keeping, upstream: Upstream, late_s: float
) -> None:
    for size in SIZES:
        assert await length(upstream, f"{server.url}/{size}", late_s=late_s) == size
        await asyncio.sleep(CHUNK_S * 1.5)
    assert await length(upstream, f"{server.url}/10") == 10
    assert server.connections == 1


async def test_a_reader_may_take_its_time_between_two_pieces(server: Keeping, upstream: Upstream) -> None:
    assert await length(upstream, f"{server.url}/2000000", late_s=CHUNK_S * 2) == 2_000_000


async def test_a_body_that_falls_silent_is_late(server: Keeping, upstream: Upstream) -> None:
    with pytest.raises(Unavailable) as failed:
        await length(upstream, f"{server.url}/1000/400")
    assert failed.value.code == "upstream_late"
