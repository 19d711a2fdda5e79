"""A fetch of consecutive blocks that belongs to the cache: everyone who wants these bytes reads them as they arrive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final, Protocol

from services.common.errors import Unavailable, WatchTogetherError
from services.proxy import metrics
from services.proxy.blocks import BLOCK_BYTES, Representation, block_of, block_span
from services.proxy.upstream import Answer

# What a fill may be ahead of its foremost reader where there is no disk to put it.
RING_BLOCKS: Final = 8
# Blocks that wait to be written, and that are written together if they come within so long.
QUEUED_BLOCKS: Final = 4
GATHER_S: Final = 0.05
# A disk that takes no block for so long is done without.
WRITE_PATIENCE_S: Final = 2.0
# Readers are woken no more often: an origin may send in crumbs, and there may be hundreds of readers.
WAKE_S: Final = 0.005
# How often a body that ends early is taken up again where it ended.
MOST_RESUMED: Final = 4
# What is left of a fill that is finished though nobody reads it any more.
NEARLY_DONE_BYTES: Final = 2 << 20
# How long one that nobody reads any more may take to finish the block it is in.
FINISH_S: Final = 1.0
# A range that begins further than this beyond what has arrived is fetched by itself.
NEAR_BYTES: Final = 1 << 20


class Keeper(Protocol):
    """Where complete blocks go."""

    async def keep(self, blocks: Mapping[int, memoryview]) -> bool:
        """Keep blocks by number. False if that can't be done: then they stay in memory while the fill needs them."""

    def close(self) -> None:
        """There will be no more blocks."""


Reopen = Callable[[int, int], Awaitable[Answer]]


class Fill:
    """Bytes `start` to `stop` of an object; `start` is a block's. `arrived` is how far it has come.

    `whole` is given where the fill brings a whole small object: then all of it stays there.
    """

    def __init__(
        self,
        answer: Answer,
        representation: Representation,
        start: int,
        stop: int,
        *,
        keeper: Keeper | None = None,
        reopen: Reopen | None = None,
        whole: bytearray | None = None,
        is_only_way: bool = False,
        via: str = "MISS",
    ) -> None:
        """:param is_only_way: the origin knows no ranges: there is nothing to be gained by asking it for another part.

        :param via: what X-Cache tells the one who began it.
        """
        self.representation = representation
        self.start = start
        self.stop = stop
        self.arrived = start
        self.is_over = False
        self.failure: WatchTogetherError | None = None
        self.whole = whole
        self.via = via
        self._answer = answer
        self._keeper = keeper
        self._reopen = reopen
        self._is_only_way = is_only_way
        # Where it ends early, because nobody reads it any more.
        self._leaving_at: int | None = None
        self._memory: dict[int, memoryview] = {}
        self._readers: dict[object, int] = {}
        self._progress = asyncio.Event()
        self._consumed = asyncio.Event()
        self._woken_at = 0.0
        self._waking: asyncio.TimerHandle | None = None
        self._queue: asyncio.Queue[int | None] = asyncio.Queue(QUEUED_BLOCKS)
        self._task: asyncio.Task[None] | None = None
        self._ended: Callable[[Fill], None] = lambda fill: None

    def begin(self, ended: Callable[[Fill], None], finished: Callable[[Fill], None]) -> None:
        """Start; `ended` is called once when there is nothing more to come, `finished` when what could be kept is."""
        self._ended = ended
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: finished(self))

    @property
    def is_complete(self) -> bool:
        """Whether every byte has arrived."""
        return self.arrived >= self.stop

    def serves(self, position: int) -> bool:
        """Whether a reader at `position` does well to wait for this fill."""
        if self.is_over or not self.start <= position < self.stop:
            return False
        if position < self.arrived:
            return block_of(position) in self._memory
        return self._is_only_way or position <= self.arrived + NEAR_BYTES

    def trim(self, stop: int) -> None:
        """End at `stop`, a block's start: another fill goes on from there."""
        if self.whole is None and not self._is_only_way and self.arrived < stop < self.stop:
            self.stop = stop

    def view(self, position: int, stop: int) -> memoryview | None:
        """What memory holds from `position` on, up to `stop` and within a block; None if nothing."""
        if position >= self.arrived:
            return None
        block = block_of(position)
        held = self._memory.get(block)
        if held is None:
            return None
        start = block * BLOCK_BYTES
        return held[position - start : min(self.arrived, stop) - start]

    @contextlib.contextmanager
    def reading(self, position: int) -> Iterator[Callable[[int], None]]:
        """Count as a reader at `position`; what it gives is called as the reader moves on."""
        token = object()
        self._readers[token] = position
        self._leaving_at = None

        def moved(position: int) -> None:
            self._readers[token] = position
            self._consumed.set()

        try:
            yield moved
        finally:
            del self._readers[token]
            self._consumed.set()
            self.leave_if_unread()

    @property
    def is_read(self) -> bool:
        """Whether anyone reads it."""
        return bool(self._readers)

    def leave_if_unread(self) -> None:
        """Give it up if nobody reads it, unless most of it is done: at the end of its block, if that is soon."""
        if self._readers or self.is_over or not self._is_worth_leaving or self._leaving_at is not None:
            return
        block_stop = block_span(block_of(self.arrived), self.representation.total)[1]
        if block_of(self.arrived) not in self._memory:
            self.give_up()
            return
        self._leaving_at = block_stop
        asyncio.get_running_loop().call_later(FINISH_S, self._left)

    @property
    def _is_worth_leaving(self) -> bool:
        done, left = self.arrived - self.start, self.stop - self.arrived
        return done < left and left > NEARLY_DONE_BYTES

    def _left(self) -> None:
        if self._leaving_at is not None:
            self.give_up()

    def give_up(self) -> None:
        """End it; whoever still reads it fails, or begins another."""
        if not self.is_over and self._task is not None:
            self._task.cancel()
            self._end(None)

    def abandon(self) -> None:
        """As `give_up`, and keep nothing more of it: there is another generation now."""
        self.give_up()
        self._drop_keeper()

    async def done(self) -> None:
        """Return when it has ended and what could be kept is kept."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def wait(self, position: int) -> None:
        """Return when byte `position` has arrived or the fill is over."""
        while self.arrived <= position and not self.is_over:
            await self._progress.wait()

    async def _run(self) -> None:
        writer = asyncio.create_task(self._write()) if self._keeper else None
        failure: WatchTogetherError | None = None
        try:
            await self._receive()
        except WatchTogetherError as error:
            failure = error
        finally:
            self._answer.release()
            self._end(failure)
            if writer is not None:
                # What has arrived is worth keeping also where more should have come.
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.shield(self._finish(writer))
            self._drop_keeper()

    async def _finish(self, writer: asyncio.Task[None]) -> None:
        await self._queue.put(None)
        await writer

    async def _receive(self) -> None:
        resumed = 0
        while self.arrived < self._until:
            begun = self.arrived
            failure = Unavailable("upstream_failed", "The source breaks off.")
            try:
                async with contextlib.aclosing(self._answer.chunks()) as chunks:  # type: ignore[type-var]
                    async for chunk in chunks:
                        await self._take(chunk)
                        if self.arrived >= self._until:
                            return
            except Unavailable as error:
                failure = error
            self._answer.release()
            resumed = 0 if self.arrived - begun >= BLOCK_BYTES else resumed + 1
            is_wanted = self.arrived < self.stop and self._leaving_at is None
            if self._reopen is None or not is_wanted or resumed > MOST_RESUMED // 2:
                break
            metrics.RESUMED.inc()
            try:
                self._answer = await self._reopen(self.arrived, self.stop)
            except WatchTogetherError as error:
                failure = Unavailable("upstream_failed", error.message)
                break
        if self.arrived < self.stop:
            raise failure

    @property
    def _until(self) -> int:
        return self.stop if self._leaving_at is None else min(self.stop, self._leaving_at)

    async def _take(self, chunk: bytes) -> None:
        total, view = self.representation.total, memoryview(chunk)
        while view and self.arrived < self._until:
            block = block_of(self.arrived)
            start, end = block_span(block, total)
            held = self._memory.get(block)
            if held is None:
                await self._wait_for_room()
                room = memoryview(bytearray(end - start)) if self.whole is None else memoryview(self.whole)[start:end]
                held = self._memory[block] = room
            count = min(len(view), end - self.arrived)
            held[self.arrived - start : self.arrived - start + count] = view[:count]
            view = view[count:]
            self.arrived += count
            if self.arrived == end:
                await self._completed(block)
        self._wake()
        if view and self.arrived == total:
            raise Unavailable("upstream_failed", "The source sends more than it announced.")

    async def _completed(self, block: int) -> None:
        if self._keeper is not None:
            self._wake()
            try:
                async with asyncio.timeout(WRITE_PATIENCE_S):
                    await self._queue.put(block)
                return
            except TimeoutError:
                self._drop_keeper()
        self._let_go()

    async def _write(self) -> None:
        is_more = True
        while is_more:
            completed = await self._gathered()
            is_more, keeper = completed[-1] is not None, self._keeper
            if keeper is None:
                continue
            blocks = {block: self._memory[block] for block in completed if block is not None}
            if not await keeper.keep(blocks):
                self._drop_keeper()
                self._let_go()
            elif self.whole is None:
                for block in blocks:
                    del self._memory[block]

    async def _gathered(self) -> list[int | None]:
        """The next blocks, as many as come at about the same time: each hop to a thread costs as much as a block."""
        blocks = [await self._queue.get()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_S):
                while blocks[-1] is not None and len(blocks) < QUEUED_BLOCKS:
                    blocks.append(await self._queue.get())
        return blocks

    def _drop_keeper(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.close()

    def _let_go(self) -> None:
        """Where blocks can't be kept, the last ones stay for readers that are not quite as fast."""
        if self.whole is None:
            for block in sorted(self._memory)[: -RING_BLOCKS or None]:
                del self._memory[block]

    async def _wait_for_room(self) -> None:
        while (
            self._keeper is None
            and self.whole is None
            and self._readers
            and self.arrived - max(self._readers.values()) >= RING_BLOCKS // 2 * BLOCK_BYTES
        ):
            self._wake()
            self._consumed.clear()
            await self._consumed.wait()

    def _end(self, failure: WatchTogetherError | None) -> None:
        if not self.is_over:
            self.is_over = True
            self.failure = failure
            self._ended(self)
            self._wake_now()

    def _wake(self) -> None:
        if self._waking is None:
            loop = asyncio.get_running_loop()
            wait = self._woken_at + WAKE_S - loop.time()
            if wait <= 0:
                self._wake_now()
            else:
                self._waking = loop.call_later(wait, self._wake_now)

    def _wake_now(self) -> None:
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None
        self._woken_at = asyncio.get_running_loop().time()
        progress, self._progress = self._progress, asyncio.Event()
        progress.set()
