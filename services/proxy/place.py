"""The folder of one node's buckets: `<data>/proxy/<node>`, held by one process at a time."""

from __future__ import annotations

import fcntl
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that is ours while `lock` is open. `node` is its name, which stays over restarts."""

    folder: Path
    node: str
    lock: IO[str]

    def close(self) -> None:
        """Let another process have it."""
        self.lock.close()


def take(data_dir: Path, node: str) -> Place:
    """The folder of `node`; without a name, the first one that nobody holds.

    If somebody holds it already (two processes that were given one name), a new one is made.

    :raises OSError: if there can be no folder.
    """
    parent = data_dir / "proxy"
    parent.mkdir(parents=True, exist_ok=True)
    if node and _NAME.fullmatch(node):
        names = [node]
    else:
        names = sorted(path.name for path in parent.iterdir() if path.is_dir() and _NAME.fullmatch(path.name))
    for name in (*names, f"{node or 'node'}-{secrets.token_hex(3)}"):
        place = _hold(parent / name)
        if place is not None:
            return place
    raise OSError("no folder for buckets could be locked")


def _hold(folder: Path) -> Place | None:
    folder.mkdir(exist_ok=True)
    lock = (folder / _LOCK).open("a", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return Place(folder, folder.name, lock)
