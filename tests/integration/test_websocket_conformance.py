"""The Autobahn cases against our WebSocket protocol, behind an endpoint that echoes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from kosoku import FailureError, run_fuzzingclient
from starlette.types import Receive, Scope, Send

from services.common.serving import _config, _Server, listen

# Compression, which we do not offer (`test_compression_is_not_offered`).
NOT_OURS: Final = ["12.*", "13.*"]
LIMITS: Final = "9.*"
# The largest message of the limits' cases; a room takes far less.
MOST_BYTES: Final = 32 * 1024 * 1024


@asynccontextmanager
async def echoing() -> AsyncIterator[str]:
    """Our server, whose sockets answer every message with itself. Gives `host:port`."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})

    listener = listen("127.0.0.1", 0)
    config = _config(app)
    config.ws_max_size = MOST_BYTES
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


async def passed(include: list[str] | None, exclude: list[str]) -> int:
    """Run the cases and answer how many passed; a failure names each case that did not."""
    async with echoing() as address:
        try:
            return len(await run_fuzzingclient(address, include, exclude, concurrency=2))
        except FailureError as failure:
            pytest.fail(str(failure))


async def test_every_autobahn_case_of_framing_fragments_utf8_and_closing_passes() -> None:
    assert await passed(None, [LIMITS, *NOT_OURS]) == 247


async def test_every_autobahn_case_of_limits_passes() -> None:
    assert await passed([LIMITS], []) == 54
