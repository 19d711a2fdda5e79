from __future__ import annotations

import asyncio

import pytest
import uvloop
from redis.exceptions import ConnectionError as RedisConnectionError

from services.common.pool import ServerConnection


def test_a_connection_lost_before_a_command_is_written_is_lost_in_redis_pys_own_terms() -> None:
    async def write_to_a_lost_connection() -> None:
        server = await asyncio.start_server(_answer_ok, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connection = ServerConnection(host="127.0.0.1", port=port, socket_timeout=2, retry_on_error=[])
        await connection.connect()  # type: ignore[no-untyped-call]
        connection.abort()
        with pytest.raises(RedisConnectionError):
            await connection.send_command("GET", "x", check_health=False)
        await connection.disconnect()
        server.close()

    uvloop.run(write_to_a_lost_connection())


async def _answer_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        writer.write(b"+OK\r\n" * 2)
    writer.close()
