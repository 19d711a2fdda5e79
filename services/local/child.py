"""One process that the supervisor keeps running."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

log = structlog.get_logger(__name__)

BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
# Who ran so long starts with the first pause again.
STEADY_S: Final = 30.0
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Spec:
    """How to start a child, and how to know that it is ready (`check` answers, never raises)."""

    name: str
    command: tuple[str, ...]
    environ: dict[str, str]
    check: Callable[[], Awaitable[bool]]
    # Given this status at its first start, it would end the same way for ever: settings, or a taken port.
    hopeless: frozenset[int] = frozenset()


class HopelessError(RuntimeError):
    """A child ended in a way that starting it again can't mend; it has said why."""


class Child:
    """Runs a spec for ever: an end that we did not ask for is followed by a start, after a pause that grows."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.process: asyncio.subprocess.Process | None = None
        self._ending = asyncio.Event()
        self._was_ready = False

    async def run(self) -> None:
        """Keep it running until `end`.

        :raises HopelessError: if it ends with a hopeless status before it ever was ready.
        """
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._ending.is_set():
            begun = loop.time()
            self.process = await self._spawn()
            status = await self._end_of(self.process)
            if self._ending.is_set():
                return
            if status in self.spec.hopeless and not self._was_ready:
                raise HopelessError(self.spec.name)
            failures = 0 if loop.time() - begun > STEADY_S else failures + 1
            pause = BACKOFF_S[min(max(failures, 1), len(BACKOFF_S)) - 1]
            log.warning("child_ended", child=self.spec.name, status=status, again_in_s=pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._ending.wait()

    async def ready(self) -> None:
        """Wait until it answers that it is ready."""
        while True:
            if await self.spec.check():
                self._was_ready = True
                return
            await asyncio.sleep(0.1)

    async def end(self, timeout_s: float) -> None:
        """Ask it to end; after `timeout_s`, make it."""
        self._ending.set()
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(timeout_s):
                await process.wait()
        except TimeoutError:
            log.warning("child_killed", child=self.spec.name, after_s=timeout_s)
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End it at once, with whatever it started in its process group."""
        self._ending.set()
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def _end_of(self, process: asyncio.subprocess.Process) -> int:
        if self._ending.is_set():  # asked while it was being started
            process.terminate()
        return await process.wait()

    async def _spawn(self) -> asyncio.subprocess.Process:
        parent = os.getpid()

        def die_with_parent() -> None:
            # Between fork and exec: nothing but the system call.
            if _LIBC is not None:
                _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
                if os.getppid() != parent:
                    os._exit(1)

        # A group of its own: a terminal's Ctrl-C goes to the supervisor, which ends everything in order.
        return await asyncio.create_subprocess_exec(
            *self.spec.command,
            env=self.spec.environ,
            stdin=asyncio.subprocess.DEVNULL,
            process_group=0,
            preexec_fn=die_with_parent,
        )
