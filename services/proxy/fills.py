"""Small objects on their way into memory, read by everyone who wants them while they arrive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from enum import Enum, auto
from typing import Final

from services.common.errors import Unavailable, WatchTogetherError
from services.proxy import metrics
from services.proxy.memory import CacheKey, Entry, Memory
from services.proxy.upstream import Answer

# A range that begins further than this beyond what has arrived is fetched by itself.
NEAR_BYTES: Final = 1 << 20


class NotMediaError(Exception):
    """What was opened is no object of bytes but a manifest, though nothing announced one. Its body was not read."""


class Fill:
    """One object of known length being fetched. It ends at once when its last reader leaves."""

    def __init__(self, answer: Answer, entry: Entry, total: int) -> None:
        self.entry = entry
        self.total = total
        self.arrived = 0
        self.is_over = False
        self._answer = answer
        self._buffer = memoryview(bytearray(total))
        self._failure: Unavailable | None = None
        self._progress = asyncio.Event()
        self._readers = 0
        self._task: asyncio.Task[None] | None = None
        entry.body = self._buffer.toreadonly()

    def begin(self, finished: Callable[[Fill], None]) -> None:
        """Start fetching; `finished` is called once, with `is_complete` telling how it went."""
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: finished(self))

    @property
    def is_complete(self) -> bool:
        """Whether every byte is there."""
        return self.arrived == self.total and self._failure is None

    def is_near(self, start: int) -> bool:
        """Whether a reader from `start` on is served soon enough by waiting."""
        return start <= self.arrived + NEAR_BYTES

    @contextlib.contextmanager
    def reading(self) -> Iterator[Fill]:
        """Count as a reader. When the last one leaves an unfinished fill, the upstream is released."""
        self._readers += 1
        try:
            yield self
        finally:
            self._readers -= 1
            if self._readers == 0:
                self.give_up()

    def give_up(self) -> None:
        """End an unfinished fill; whoever still reads it fails."""
        if not self.is_over and self._task is not None:
            self.is_over = True
            self._task.cancel()

    async def chunks(self, start: int, stop: int) -> AsyncIterator[memoryview]:
        """Bytes `start` to `stop` (exclusive), each piece as soon as it is there.

        :raises Unavailable: if the upstream failed before `stop`.
        """
        view = self._buffer.toreadonly()
        while start < stop:
            if self.arrived > start:
                end = min(self.arrived, stop)
                yield view[start:end]
                start = end
            elif self._failure is not None:
                raise self._failure
            else:
                await self._progress.wait()

    async def _run(self) -> None:
        try:
            async for chunk in self._answer.chunks():
                end = self.arrived + len(chunk)
                if end > self.total:
                    raise Unavailable("upstream_failed", "The source sends more than it announced.")
                self._buffer[self.arrived : end] = chunk
                self.arrived = end
                self._wake()
            if self.arrived < self.total:
                self._failure = Unavailable("upstream_failed", "The source breaks off.")
        except Unavailable as error:
            self._failure = error
        finally:
            self.is_over = True
            if self._failure is None and self.arrived < self.total:
                self._failure = Unavailable("upstream_failed", "The transfer was given up.")
            self._answer.release()
            self._wake()

    def _wake(self) -> None:
        progress, self._progress = self._progress, asyncio.Event()
        progress.set()


class _Opened(Enum):
    SHARED = auto()
    PRIVATE = auto()
    LEFT = auto()


class Fills:
    """At most one fetch of an object at a time, as far as its answer allows sharing."""

    def __init__(self, memory: Memory, clock: Callable[[], float], max_bytes: int) -> None:
        """:param max_bytes: what all fills together may hold."""
        self._max_bytes = max_bytes
        self._memory = memory
        self._clock = clock
        self._running: dict[CacheKey, Fill] = {}
        self._opening: dict[CacheKey, asyncio.Future[_Opened]] = {}

    def running(self, key: CacheKey) -> Fill | None:
        """The fill of `key` that still goes on."""
        fill = self._running.get(key)
        return None if fill is None or fill.is_over else fill

    async def open(
        self,
        key: CacheKey,
        opener: Callable[[], Awaitable[Answer]],
        accept: Callable[[Answer], tuple[Entry, int] | None],
    ) -> Entry | Fill | Answer:
        """What memory holds, the fill that goes on, or what `opener` brings: one opens, the others wait for it.

        They share its failure. If it leaves, the next one opens. An answer of which `accept` makes no entry, or for
        which there is no room, can't be shared: then everyone opens one of their own.

        :raises WatchTogetherError, NotMediaError: what the `opener` that was waited for raises.
        """
        while True:
            entry = self._memory.get(key, self._clock())
            if entry is not None:
                return entry
            fill = self.running(key)
            if fill is not None:
                metrics.SHARED_FILLS.inc()
                return fill
            opening = self._opening.get(key)
            if opening is None:
                return await self._lead(key, opener, accept)
            if await asyncio.shield(opening) is _Opened.PRIVATE:
                return await opener()

    def adopt(self, key: CacheKey, answer: Answer, entry: Entry, total: int) -> Fill | None:
        """Make a fill of an answer that brings a whole small object; None if there is no room for it."""
        if total + sum(fill.total for fill in self._running.values()) > self._max_bytes:
            return None
        fill = self._running[key] = Fill(answer, entry, total)
        fill.begin(lambda done: self._finished(key, done))
        return fill

    async def _lead(
        self,
        key: CacheKey,
        opener: Callable[[], Awaitable[Answer]],
        accept: Callable[[Answer], tuple[Entry, int] | None],
    ) -> Fill | Answer:
        opening = self._opening[key] = asyncio.get_running_loop().create_future()
        outcome = _Opened.LEFT
        try:
            answer = await opener()
            made = accept(answer)
            fill = None if made is None else self.adopt(key, answer, *made)
            outcome = _Opened.PRIVATE if fill is None else _Opened.SHARED
            return fill or answer
        except (WatchTogetherError, NotMediaError) as error:
            opening.set_exception(error)
            # Read here, because there may be nobody who waits.
            opening.exception()
            raise
        finally:
            del self._opening[key]
            if not opening.done():
                opening.set_result(outcome)

    def _finished(self, key: CacheKey, fill: Fill) -> None:
        if self._running.get(key) is fill:
            del self._running[key]
        if fill.is_complete:
            self._memory.put(key, fill.entry, self._clock())

    async def close(self) -> None:
        """Give up what is on its way."""
        for fill in list(self._running.values()):
            fill.give_up()
