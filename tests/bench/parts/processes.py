"""What the kernel says that processes have used, from `/proc`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pids: Iterable[int]) -> float:
    """Time on a processor so far, user's and system's, of all threads that still run, in seconds."""
    return sum(_ran_ns(pid) for pid in pids) / 1e9


def resident_bytes(pids: Iterable[int]) -> int:
    """What processes hold in memory, pages that they share among each other counted for each."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * _PAGE_BYTES


def descriptors(pids: Iterable[int]) -> int:
    """How many files, sockets and the like processes have open."""
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


def tree(pid: int) -> list[int]:
    """A process and all that it started, as far as they run."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def machine() -> str:
    """What this runs on, in a line."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory_gib = os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES / 2**30
    system = os.uname()
    return (
        f"{os.cpu_count()} cores ({names[0] if names else 'unknown'}), {memory_gib:.0f} GiB, "
        f"{system.sysname} {system.release.partition('-')[0]}"
    )


def busy() -> str:
    """How many processes wanted a core over the last minute."""
    return f"load {os.getloadavg()[0]:.1f}"


def _ran_ns(pid: int) -> int:
    # Not `stat`, which counts in ticks of 10 ms: a second of a lightly loaded Redis has three of them.
    return sum(int(thread.read_text().split()[0]) for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
