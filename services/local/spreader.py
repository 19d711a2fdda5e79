"""One address in front of several replicas: `python -m services.local.spreader --listen H:P --backend H:P …`.

Plain TCP, so that it knows nothing of what passes. A new connection goes to the next replica that is ready; a
connection whose replica dies is cut, and its client comes back to another.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from typing import Final

import structlog
import uvloop

from services.common import logs
from services.common.serving import EXIT_PORT_TAKEN, PortTakenError, listen
from services.local.probe import is_ready

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S: Final = 1.0
WATCH_PERIOD_S: Final = 0.5
CHUNK_BYTES: Final = 64 * 1024

Address = tuple[str, int]
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Spreader:
    """Takes connections and hands each to a backend."""

    def __init__(self, backends: Sequence[Address]) -> None:
        self._backends = list(backends)
        self._next = 0
        self._away: set[Address] = set()

    async def watch(self) -> None:
        """Keep an eye on the backends for ever: those that are not ready get no new connections."""
        while True:
            ready = await asyncio.gather(*(is_ready(*backend) for backend in self._backends))
            away = {backend for backend, is_up in zip(self._backends, ready, strict=True) if not is_up}
            if away != self._away:
                log.info("backends", ready=len(self._backends) - len(away), away=[port for _, port in sorted(away)])
            self._away = away
            await asyncio.sleep(WATCH_PERIOD_S)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until both directions have ended, or one broke."""
        backend = await self._connect()
        if backend is None:
            writer.transport.abort()
            return
        back_reader, back_writer = backend
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_carry(reader, back_writer))
                both.create_task(_carry(back_reader, writer))
        except* OSError:
            writer.transport.abort()
            back_writer.transport.abort()
        finally:
            writer.close()
            back_writer.close()

    def order(self) -> list[Address]:
        """The backends in the order to try them: in turn, those that are away last."""
        self._next = (self._next + 1) % len(self._backends)
        turn = self._backends[self._next :] + self._backends[: self._next]
        return sorted(turn, key=lambda backend: backend in self._away)

    async def _connect(self) -> Stream | None:
        for backend in self.order():
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    return await asyncio.open_connection(*backend, limit=CHUNK_BYTES)
            self._away.add(backend)
        return None


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until the end, and then the end itself: the other direction may go on."""
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def run(host: str, port: int, backends: Sequence[Address]) -> None:
    """Spread until SIGTERM or SIGINT.

    :raises PortTakenError: if the address is taken.
    """
    spreader = Spreader(backends)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await asyncio.start_server(spreader.serve, sock=listen(host, port), limit=CHUNK_BYTES)
    watching = asyncio.create_task(spreader.watch())
    log.info("spreading", host=host, port=port, backends=[port for _, port in backends])
    await stopped.wait()
    server.close()
    watching.cancel()


def main(argv: list[str]) -> int:
    """The command. Gives the exit status."""
    arguments = argparse.ArgumentParser(prog="python -m services.local.spreader")
    arguments.add_argument("--listen", type=_address, required=True)
    arguments.add_argument("--backend", type=_address, action="append", required=True)
    arguments.add_argument("--log-level", default="info")
    options = arguments.parse_args(argv)
    logs.configure("spreader", level=options.log_level)
    try:
        host, port = options.listen
        uvloop.run(run(host, port, options.backend))
    except PortTakenError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_PORT_TAKEN
    return 0


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
