"""Starts children in order, keeps them running, and ends them in the other order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from services.local.child import Child, HopelessError, Spec

log = structlog.get_logger(__name__)

# Said after this time, and again after each such time, of what is not ready.
PATIENCE_S: Final = 20.0
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Stage:
    """Children that start together, when those of the stages before are ready, and get `end_s` to end."""

    specs: tuple[Spec, ...]
    end_s: float


class Supervisor:
    """A dead child is started again; it never takes the others with it."""

    def __init__(self, stages: Sequence[Stage], on_ready: Callable[[], None]) -> None:
        """:param on_ready: called once, when everything is ready."""
        self._stages = [([Child(spec) for spec in stage.specs], stage.end_s) for stage in stages]
        self._on_ready = on_ready
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Run until a signal. A second one ends everything at once. Gives the exit status."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        running: list[asyncio.Task[None]] = []
        starting = asyncio.create_task(self._start(running))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            return await self._attend(running, starting, stopping)
        finally:
            starting.cancel()
            stopping.cancel()
            for children, end_s in reversed(self._stages):
                await asyncio.gather(*(child.end(end_s) for child in children))
            for task in running:
                task.cancel()
            await asyncio.gather(starting, stopping, *running, return_exceptions=True)

    async def _attend(
        self, running: list[asyncio.Task[None]], starting: asyncio.Task[None], stopping: asyncio.Task[bool]
    ) -> int:
        while True:
            hopes = {task for task in running if not task.done()}
            watched = {stopping, *hopes} | (set() if starting.done() else {starting})
            await asyncio.wait(watched, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                return 0
            for task in running:
                if task.done() and isinstance(task.exception(), HopelessError):
                    return 1
            if starting.done():
                starting.result()

    async def _start(self, running: list[asyncio.Task[None]]) -> None:
        for children, _ in self._stages:
            running += [asyncio.create_task(child.run()) for child in children]
            await self._ready(children)
        self._on_ready()

    async def _ready(self, children: list[Child]) -> None:
        waits = {asyncio.create_task(child.ready()): child.spec.name for child in children}
        try:
            while waits:
                done, _ = await asyncio.wait(waits, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del waits[task]
                if not done:
                    log.warning("not_ready_yet", children=sorted(waits.values()))
        finally:
            for task in waits:
                task.cancel()

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            for children, _ in self._stages:
                for child in children:
                    child.kill()
        self._stopping.set()
