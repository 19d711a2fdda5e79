"""What waits to be written to one socket: bounded, and never awaited by who puts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

MOST_FRAMES: Final = 64
MOST_BYTES: Final = 256 * 1024


class Mark(Enum):
    """Stands in the place of a frame that is made when it can be written."""

    SNAPSHOT = "snapshot"


class Outbox:
    """Events in order; of heartbeats the latest only; too much of either is replaced by one snapshot.

    Answers to the member's own messages stand in the same order, and no snapshot replaces them. While nothing waits,
    `write` is tried first: it writes a frame at once, or answers False. Waking a task for each frame costs twice that.
    """

    __slots__ = ("_bytes", "_frames", "_heartbeat", "_is_idle", "_needs_snapshot", "_ready", "_write")

    def __init__(self, write: Callable[[str], bool] | None = None) -> None:
        self._write = write
        self._frames: deque[tuple[str, bool]] = deque()  # (frame, is an answer)
        self._bytes = 0
        self._heartbeat: str | None = None
        self._needs_snapshot = False
        self._ready = asyncio.Event()
        # Whoever takes has written everything that was taken, and waits.
        self._is_idle = False

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def takes_events(self) -> bool:
        """Whether an event is more than what the snapshot will say that waits."""
        return not self._needs_snapshot

    def put(self, frame: str) -> bool:
        """Queue an event. False if the queue was full: its events are dropped for a snapshot."""
        # `_written`, without a call: this is all that most deliveries are.
        if (self._is_idle and self._write is not None and self._write(frame)) or self._needs_snapshot:
            return True
        if self._is_full(frame):
            self.put_snapshot()
            return False
        self._append(frame, is_answer=False)
        return True

    def put_answer(self, frame: str) -> bool:
        """Queue an answer. False if even the answers alone are too many: who asks must also read."""
        if self._written(frame):
            return True
        if self._is_full(frame) and not self._needs_snapshot:
            self.put_snapshot()
        if self._is_full(frame):
            return False
        self._append(frame, is_answer=True)
        return True

    def put_heartbeat(self, frame: str) -> None:
        """Queue a heartbeat, replacing one that waits. It is written behind the queued events."""
        if not self._written(frame):
            self._heartbeat = frame
            self._wake()

    def put_snapshot(self) -> None:
        """Drop the events that wait, for a snapshot that will say it all."""
        self._frames = deque(entry for entry in self._frames if entry[1])
        self._bytes = sum(len(frame) for frame, _ in self._frames)
        self._heartbeat = None
        self._needs_snapshot = True
        self._wake()

    def take_answer(self) -> str | None:
        """The answer that waits in front, past a snapshot that can't be made now; None if there is none."""
        if not self._frames or not self._frames[0][1]:
            return None
        return self._next_frame()

    async def take(self) -> str | Mark:
        """The next thing to write; waits for one. After `Mark.SNAPSHOT` events queue again."""
        while True:
            if self._needs_snapshot:
                self._needs_snapshot = False
                return Mark.SNAPSHOT
            if self._frames:
                return self._next_frame()
            if self._heartbeat is not None:
                frame, self._heartbeat = self._heartbeat, None
                return frame
            self._ready.clear()
            self._is_idle = True
            try:
                await self._ready.wait()
            finally:
                self._is_idle = False

    def _next_frame(self) -> str:
        frame, _ = self._frames.popleft()
        self._bytes -= len(frame)
        return frame

    def _is_full(self, frame: str) -> bool:
        return len(self._frames) >= MOST_FRAMES or self._bytes + len(frame) > MOST_BYTES

    def _append(self, frame: str, *, is_answer: bool) -> None:
        self._frames.append((frame, is_answer))
        self._bytes += len(frame)
        self._wake()

    def _written(self, frame: str) -> bool:
        return self._is_idle and self._write is not None and self._write(frame)

    def _wake(self) -> None:
        # From here on order is the queue's, though the taker has yet to run.
        self._is_idle = False
        self._ready.set()
