"""Whether this process lives, and whether it should be given work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from services.common.errors import WatchTogetherError

CHECK_TIMEOUT_S: Final = 1.0
DRAINING_CHECK: Final = "draining"

# Returns when all is well, raises when not.
Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of `/readyz`: each check's word (`ok`, `degraded`, `failing`) and the whole."""

    ready: bool
    checks: dict[str, str]


@dataclass(slots=True)
class _Entry:
    check: Check
    keeps_serving: bool
    has_passed: bool = False


@dataclass(slots=True)
class Health:
    """Named checks of one process, and whether it is going away.

    Liveness knows the process alone: a dead Redis must never make an orchestrator kill what would heal by itself.
    """

    is_draining: bool = False
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _parts: list[Health] = field(default_factory=list)

    def add(self, name: str, check: Check, *, keeps_serving: bool = True) -> None:
        """Register `check`. With `keeps_serving` it must pass once; failing later is told, but takes no traffic away.

        (If all replicas left at the moment Redis does, nobody could show a page that says so.)
        """
        self._entries[name] = _Entry(check, keeps_serving)

    def include(self, part: Health) -> None:
        """Count the checks of `part`, another service in this process, as ours."""
        self._parts.append(part)

    async def report(self) -> Report:
        """Run every check, each for at most a second."""
        entries = self._all()
        words = await asyncio.gather(*(_run(entry) for entry in entries.values()))
        checks = dict(zip(entries, words, strict=True))
        if self.is_draining:
            checks[DRAINING_CHECK] = "failing"
        return Report("failing" not in checks.values(), checks)

    def _all(self) -> dict[str, _Entry]:
        merged: dict[str, _Entry] = {}
        for part in self._parts:
            merged |= part._all()
        return merged | self._entries


async def _run(entry: _Entry) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await entry.check()
    except (WatchTogetherError, OSError, TimeoutError):
        return "degraded" if entry.keeps_serving and entry.has_passed else "failing"
    entry.has_passed = True
    return "ok"
