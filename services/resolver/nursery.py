"""Where children come from: a process that imported yt-dlp once and forks one for each job, from the resolver's side.

Starting Python and importing yt-dlp costs half a second of processor time, a fork some milliseconds; and each job still
has a process, a memory limit and a fence of its own. After `recycle` children a nursery is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

import services
from services.common import codec
from services.resolver import metrics

log = structlog.get_logger(__name__)

# The child removes its folder by this name, should it outlive us.
FOLDER_PREFIX: Final = "wt-extract-"
ANSWER_BYTES: Final = 8 << 20
END_TIMEOUT_S: Final = 5.0
START_TIMEOUT_S: Final = 60.0
BIRTH_TIMEOUT_S: Final = 15.0
_ROOT: Final = str(Path(services.__file__).parent.parent)
# Cookies belong on no disk.
_MEMORY_FOLDER: Final = Path("/dev/shm")


@dataclass(slots=True, eq=False)
class Child:
    """A process with yt-dlp imported that waits for its one job. `folder` is its home, and goes with it."""

    pid: int
    jobs: asyncio.WriteTransport
    answers: asyncio.StreamReader
    incoming: asyncio.ReadTransport
    folder: Path
    nursery: _Nursery

    @property
    def is_alive(self) -> bool:
        """Whether it can still take a job."""
        return not self.answers.at_eof()

    async def run(self, job: dict[str, object]) -> bytes:
        """Give it the job; as `hear`."""
        # The pipe stays open: its end is how the child learns that we have died.
        self.jobs.write(codec.encode(job) + b"\n")
        return await self.hear()

    async def hear(self) -> bytes:
        """The next line of what it says, or b'' if it died or said too much."""
        try:
            return await self.answers.readline()
        except ValueError:
            return b""

    async def end(self) -> None:
        """Kill the process group, have the process collected, remove its folder."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_TIMEOUT_S):
                    await self._silence()
            self.jobs.close()
            self.incoming.close()
            await self.nursery.release(self.pid)
        finally:
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    async def _silence(self) -> None:
        # The pipe ends with the process: then nothing more comes into the folder.
        while not self.answers.at_eof():
            await self.answers.read(1 << 16)


class BrokenNurseryError(OSError):
    """A nursery does not answer."""


class Nurseries:
    """One nursery that works; the former ones until their last child has ended."""

    def __init__(self, memory_bytes: int, plugin_dirs: list[str], recycle: int) -> None:
        """:param recycle: after how many children a nursery is replaced."""
        self._arguments = [str(memory_bytes), *plugin_dirs]
        self._recycle = recycle
        self._current: _Nursery | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Prepare the first nursery.

        :raises OSError: if it does not start.
        """
        await self._working()

    async def bear(self) -> Child:
        """A child that waits for its job.

        :raises OSError: if there is no process or no folder to be had.
        """
        birth = asyncio.ensure_future(self._bear())
        try:
            return await asyncio.shield(birth)
        except asyncio.CancelledError:
            # Half a child has pipes that nobody closes.
            with contextlib.suppress(OSError):
                await (await birth).end()
            raise

    async def _bear(self) -> Child:
        try:
            return await (await self._working()).bear()
        except BrokenNurseryError:
            # It was killed, or memory ran out there: the next one is tried once.
            metrics.NURSERIES_LOST.inc()
            log.warning("nursery_lost")
            return await (await self._working()).bear()

    async def close(self) -> None:
        """End the nursery. Children are their holders' to end, and end without it."""
        if self._current is not None:
            await self._current.close()

    async def _working(self) -> _Nursery:
        async with self._lock:
            current = self._current
            if current is not None and (current.is_broken or current.born >= self._recycle):
                await current.retire()
                current = None
            if current is None:
                current = self._current = await _Nursery.start(self._arguments)
                metrics.NURSERIES.inc()
            return current


class _Nursery:
    """One nursery. Requests are answered one after the other."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self.born = 0
        self.is_broken = False
        self._process = process
        self._control = control
        self._children: set[int] = set()
        self._is_retired = False
        self._lock = asyncio.Lock()

    @classmethod
    async def start(cls, arguments: list[str]) -> _Nursery:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "services.resolver.child", str(theirs.fileno()), *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/",
                env=_environment(),
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        made = cls(process, ours)
        try:
            await made._answer(START_TIMEOUT_S)
        except BaseException:
            await made.close()
            raise
        return made

    async def bear(self) -> Child:
        """:raises OSError: `BrokenNurseryError` if it does not answer."""
        folder = await asyncio.to_thread(_make_folder)
        opened: list[int] = []
        try:
            job_read, job_write = os.pipe()
            opened += [job_read, job_write]
            answer_read, answer_write = os.pipe()
            opened += [answer_read, answer_write]
            # Counted before it is there, so that a nursery that retires meanwhile waits for it.
            self.born += 1
            pid = await self._born(folder, [job_read, answer_write])
            os.close(job_read)
            os.close(answer_write)
            opened = [job_write, answer_read]
            return await self._adopted(pid, job_write, answer_read, folder, opened)
        except BaseException:
            for descriptor in opened:
                os.close(descriptor)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise

    async def release(self, pid: int) -> None:
        """Let the nursery collect a child that was killed."""
        self._children.discard(pid)
        with contextlib.suppress(OSError):
            async with self._lock:
                await self._ask(f"free {pid}", [])
        if self._is_retired and not self._children:
            await self.close()

    async def retire(self) -> None:
        """Bear no more, and end with the last child: in a container nobody collects orphans."""
        self._is_retired = True
        if not self._children or self.is_broken:
            await self.close()

    async def close(self) -> None:
        """End the process."""
        self.is_broken = True
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_S):
                await self._process.wait()

    async def _born(self, folder: Path, descriptors: list[int]) -> int:
        async with self._lock:
            pid = int(await self._ask(f"bear {folder}", descriptors))
            self._children.add(pid)
            return pid

    async def _adopted(self, pid: int, job_write: int, answer_read: int, folder: Path, opened: list[int]) -> Child:
        loop = asyncio.get_running_loop()
        answers = asyncio.StreamReader(limit=ANSWER_BYTES)
        incoming, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(answers), os.fdopen(answer_read, "rb")
        )
        opened.remove(answer_read)
        jobs, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(job_write, "wb"))
        opened.remove(job_write)
        return Child(pid, jobs, answers, incoming, folder, self)

    async def _ask(self, request: str, descriptors: list[int]) -> bytes:
        if self.is_broken:
            raise BrokenNurseryError("the nursery has ended")
        try:
            # A few bytes into an empty buffer, since the former answer was read: it never blocks.
            socket.send_fds(self._control, [request.encode()], descriptors)
        except OSError as error:
            self.is_broken = True
            raise BrokenNurseryError("the nursery has ended") from error
        return await self._answer(BIRTH_TIMEOUT_S)

    async def _answer(self, timeout_s: float) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                answer = await asyncio.get_running_loop().sock_recv(self._control, 64)
        except OSError as error:
            self.is_broken = True
            raise BrokenNurseryError("the nursery does not answer") from error
        except asyncio.CancelledError:
            # The next one who asks would take this answer for theirs.
            self.is_broken = True
            raise
        if not answer:
            self.is_broken = True
            raise BrokenNurseryError("the nursery has ended")
        return answer


def _make_folder() -> Path:
    parent = _MEMORY_FOLDER if os.access(_MEMORY_FOLDER, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=parent))


def _environment() -> dict[str, str]:
    """Nothing of ours: no proxy variables, no secrets, no configuration of the host's yt-dlp."""
    nowhere = "/nonexistent"
    return {
        "PATH": os.defpath,
        "HOME": nowhere,
        "XDG_CONFIG_HOME": nowhere,
        "XDG_CACHE_HOME": nowhere,
        "LANG": "C.UTF-8",
        "PYTHONPATH": _ROOT,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
