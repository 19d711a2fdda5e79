"""Clients that reset their connection at any moment: nobody here takes that for a mistake of ours."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import socket
import struct
from pathlib import Path
from typing import Final

import orjson
from websockets.frames import Frame, Opcode

from tests.support.member import Member
from tests.support.node import Node
from tests.support.redis import RedisServer

CLIENTS: Final = 400
AT_ONCE: Final = 40


async def visit(port: int, room: str, dice: random.Random) -> None:
    """Shake hands, say something, and be gone without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws/{room} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    if dice.random() < 0.7:
        await reader.readuntil(b"\r\n\r\n")
        for number in range(dice.randrange(30)):
            text = json.dumps({"type": "rename", "id": str(number), "name": f"N{number}"}).encode()
            writer.write(Frame(Opcode.TEXT, text).serialize(mask=True))
    await asyncio.sleep(dice.uniform(0, 0.05))
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def test_clients_that_reset_their_connection_at_any_moment_are_no_errors_of_ours(
    redis_server: RedisServer, room: str, tmp_path: Path
) -> None:
    settings = {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": room, "WT_ROOM_MEMBERS_MAX": "1000"}
    gate, dice = asyncio.Semaphore(AT_ONCE), random.Random(11)

    async def one() -> None:
        async with gate:
            await visit(node.port, room, dice)

    with Node("services.sync", tmp_path / "log", settings=settings) as node:
        await asyncio.gather(*(one() for _ in range(CLIENTS)))
        async with Member(node.url, room, "Ana") as ana:
            await ana.expect("room_state")
        lines = [line for line in (tmp_path / "log").read_bytes().splitlines() if line.startswith(b"{")]
        errors = [entry for line in lines if (entry := orjson.loads(line))["level"] in ("error", "critical")]
    assert errors == []
