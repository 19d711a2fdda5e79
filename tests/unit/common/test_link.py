import asyncio

import uvloop

from services.common.link import dial
from services.common.topology import Address


async def _sent_after_an_abort() -> bytes:
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        link = await dial(Address(host, port), lambda _: None, tls=None, username="", password="")
        link.abort()
        link.send("PING")
        await link.lost
        link.send("PING")
    return bytes(heard)


def test_what_is_sent_on_a_connection_that_is_ending_goes_nowhere() -> None:
    # Services run on uvloop, whose transports refuse to be written to once they are closed.
    assert uvloop.run(_sent_after_an_abort()) == b""
