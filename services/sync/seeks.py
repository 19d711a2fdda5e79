"""Seeks of one socket, coalesced: a hand on a scrubber is one wish, not fifty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.common.wire.client import Seek

WINDOW_S: Final = 0.15


class SeekBatch(NamedTuple):
    """The seek to apply, and the ids of those that it replaces: they get its answer."""

    seek: Seek
    superseded: tuple[str, ...] = ()


@dataclass(slots=True)
class Seeks:
    """The first seek goes at once; of those within 150 ms after it the last one goes when they are over.

    Pure: `now` is monotonic seconds, and who uses it keeps the time.
    """

    _free_at: float = float("-inf")
    _waiting: Seek | None = None
    _superseded: list[str] = field(default_factory=list)

    @property
    def due_at(self) -> float | None:
        """When `flush` is to be called; None if nothing waits."""
        return self._free_at if self._waiting is not None else None

    def take(self, seek: Seek, now: float) -> SeekBatch | None:
        """A seek has come. Answers what to apply at once, if anything."""
        if self._waiting is None and now >= self._free_at:
            self._free_at = now + WINDOW_S
            return SeekBatch(seek)
        if self._waiting is not None and self._waiting.id is not None:
            self._superseded.append(self._waiting.id)
        self._waiting = seek
        return None

    def flush(self, now: float) -> SeekBatch | None:
        """The window is over, or something else must go behind what waits. Answers what to apply."""
        if self._waiting is None:
            return None
        batch = SeekBatch(self._waiting, tuple(self._superseded))
        self._waiting = None
        self._superseded.clear()
        self._free_at = now + WINDOW_S
        return batch
