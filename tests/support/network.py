"""A network in front of a server that can be made as bad as real ones, while it is used."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

Direction = Literal["up", "down"]
T = TypeVar("T")

BOTH: Final[frozenset[Direction]] = frozenset({"up", "down"})
CHUNK_BYTES: Final = 16 * 1024
_CALL_TIMEOUT_S: Final = 10.0
# Closing with this lingering sends a reset in place of a FIN.
_RESET: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Weather:
    """How the network is. Everything off by default.

    `delay_s` and `jitter_s` (uniform, on top) are one way, each way; order is kept. `reset_chance` is per chunk of at
    most 16 KiB. `bytes_per_s` is per connection and direction; 0 means no limit. What is `frozen` is neither forwarded
    nor closed, so that with both directions frozen a connection is half open: either end may be gone, the other never
    hears. `is_refusing` resets new connections.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    reset_chance: float = 0.0
    bytes_per_s: float = 0.0
    frozen: frozenset[Direction] = frozenset()
    is_refusing: bool = False


FINE: Final = Weather()


class Network:
    """A TCP proxy of 127.0.0.1 in a thread of its own, from a free port to `port`. Use it as a context manager.

    All methods may be called from any thread and take effect at once, for connections that are open too.
    """

    def __init__(self, port: int, *, seed: int = 0) -> None:
        self._target = port
        self._random = random.Random(seed)
        self._weather = FINE
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"network-{port}", daemon=True)
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens, as `http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def weather(self) -> Weather:
        """How it is now."""
        return self._weather

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._pairs)

    def change(self, **changes: Any) -> None:
        """Change some of the weather; the rest stays."""
        self.become(replace(self._weather, **changes))

    def become(self, weather: Weather) -> None:
        """Have this weather from now on."""
        self._weather = weather
        self._loop.call_soon_threadsafe(self._wake)

    def freeze(self, direction: Direction | None = None) -> None:
        """Stop forwarding, without closing: one way, or both (half open)."""
        self.change(frozen=BOTH if direction is None else frozenset({direction}))

    def thaw(self) -> None:
        """Forward again, what waited first."""
        self.change(frozen=frozenset())

    def cut(self) -> int:
        """Reset every open connection, at both ends. Answers how many there were."""
        return self._call(self._cut())

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_TIMEOUT_S)
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_TIMEOUT_S)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK_BYTES)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _cut(self) -> int:
        pairs = list(self._pairs)
        for pair in pairs:
            pair.reset()
        return len(pairs)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A coroutine given to `start_server` itself is reported as failed when it is cancelled.
        task = self._loop.create_task(self._take(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._weather.is_refusing:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=CHUNK_BYTES)
        except OSError:
            _reset(writer)
            return
        pair = _Pair(writer, far_writer)
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry("up", reader, far_writer, pair))
                ways.create_task(self._carry("down", far_reader, writer, pair))
        except* OSError:
            pair.reset()
        finally:
            self._pairs.discard(pair)
            writer.close()
            far_writer.close()

    async def _carry(
        self, way: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: _Pair
    ) -> None:
        """Forward one direction until its end: one task reads and dates, this one waits and writes."""
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
        loading = asyncio.create_task(self._load(way, reader, line))
        try:
            while True:
                due, data = await line.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                await self._thawed(way)
                if not data:
                    break
                if self._random.random() < self._weather.reset_chance:
                    pair.reset()
                    return
                writer.write(data)
                await writer.drain()
                if self._weather.bytes_per_s:
                    await asyncio.sleep(len(data) / self._weather.bytes_per_s)
            with contextlib.suppress(OSError):
                writer.write_eof()
        finally:
            loading.cancel()

    async def _load(
        self, way: Direction, reader: asyncio.StreamReader, line: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        due = 0.0
        data = b"-"
        while data:
            await self._thawed(way)
            try:
                data = await reader.read(CHUNK_BYTES)
            except OSError:
                data = b""
            weather = self._weather
            due = max(due, self._loop.time() + weather.delay_s + self._random.random() * weather.jitter_s)
            await line.put((due, data))

    async def _thawed(self, way: Direction) -> None:
        while way in self._weather.frozen:
            await self._changed.wait()


@dataclass(slots=True, eq=False)
class _Pair:
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter

    def reset(self) -> None:
        _reset(self.near)
        _reset(self.far)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
