"""Whether a file system takes more: how much it must keep free, and rests after it was full or broken."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from services.proxy import metrics

log = structlog.get_logger(__name__)

# After a full or broken disk nothing is written for so long.
PAUSE_S: Final = 30.0


class Space:
    """The room on the disk that holds `folder`."""

    def __init__(self, folder: Path, free_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        """:param free_bytes: how much must stay free; below it nothing is added."""
        self._folder = folder
        self._free_bytes = free_bytes
        self._clock = clock
        self._paused_until = 0.0

    @property
    def is_paused(self) -> bool:
        """Whether nothing is to be written just now."""
        return self._clock() < self._paused_until

    def has_room(self, need: int) -> bool:
        """Whether `need` bytes more leave enough free, names for files too. Blocks: call it in a thread.

        :raises OSError: if the disk does not say.
        """
        status = os.statvfs(self._folder)
        has_names = status.f_files == 0 or status.f_favail > 0
        return has_names and status.f_bavail * status.f_frsize >= self._free_bytes + need

    def rest(self) -> None:
        """Write nothing for a while: the floor of free space is reached, and there is nothing to push out."""
        self._paused_until = self._clock() + PAUSE_S
        metrics.DISK_PAUSES.labels("floor").inc()

    def failed(self, error: OSError) -> None:
        """Write nothing for a while, after `error`."""
        self._paused_until = self._clock() + PAUSE_S
        metrics.DISK_PAUSES.labels("full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "error").inc()
        log.warning("disk_paused", folder=str(self._folder), seconds=PAUSE_S, error=error.strerror or str(error))
