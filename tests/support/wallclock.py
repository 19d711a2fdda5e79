"""A wall clock that can be stepped under one process: libfaketime (Debian's `faketime`), driven by a file.

Not under Debian's redis-server, whose jemalloc asks for the time before libfaketime is ready.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_LIBRARIES: Final = ("libfaketimeMT.so.1", "libfaketime.so.1")


def library() -> Path | None:
    """libfaketime, None where it is not installed."""
    folders = [*Path("/usr/lib").glob("*/faketime"), Path("/usr/lib/faketime"), Path("/usr/local/lib/faketime")]
    found = (folder / name for folder in folders for name in _LIBRARIES)
    return next((path for path in found if path.exists()), None)


class WallClock:
    """What a process that is started with `environment` takes for the time of day. Its monotonic clock stays true.

    :raises FileNotFoundError: if libfaketime is not installed.
    """

    def __init__(self, folder: Path) -> None:
        preloaded = library()
        if preloaded is None:
            raise FileNotFoundError("libfaketime is not installed: apt-get install faketime")
        self._file = folder / "wall-clock"
        self.environment = {
            "LD_PRELOAD": str(preloaded),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.set(0.0)

    def set(self, offset_s: float) -> None:
        """From now on the clock is so many seconds ahead."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{offset_s:+.3f}\n")
        written.replace(self._file)
