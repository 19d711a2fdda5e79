"""Extractions from the parent's side: a process each, ended with its whole group whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

import services
from services.common import codec
from services.common.errors import WatchTogetherError
from services.resolver import metrics
from services.resolver.config import ResolverSettings
from services.resolver.egress import Egress, Pass
from services.resolver.errors import Failure, classify, deadline_exceeded, refused_on_the_way
from services.resolver.info import Info

log = structlog.get_logger(__name__)

# The child removes its folder by this name, should it outlive us.
FOLDER_PREFIX: Final = "wt-extract-"
ANSWER_BYTES: Final = 8 << 20
END_TIMEOUT_S: Final = 5.0
_ROOT: Final = str(Path(services.__file__).parent.parent)
# Cookies belong on no disk.
_MEMORY_FOLDER: Final = Path("/dev/shm")


@dataclass(slots=True)
class Child:
    """A process with yt-dlp imported that waits for its one job. `folder` is its home, and goes with it."""

    process: asyncio.subprocess.Process
    answers: asyncio.StreamReader
    transport: asyncio.ReadTransport
    folder: Path

    @property
    def is_alive(self) -> bool:
        """Whether it can still take a job."""
        return self.process.returncode is None

    async def run(self, job: dict[str, object]) -> bytes:
        """Give it the job; its answer, or b'' if it died or said too much."""
        assert self.process.stdin is not None
        with contextlib.suppress(ConnectionError):
            # stdin stays open: its end is how the child learns that we have died.
            self.process.stdin.write(codec.encode(job) + b"\n")
            await self.process.stdin.drain()
        try:
            return await self.answers.readline()
        except ValueError:
            return b""

    async def end(self) -> None:
        """Kill the process group, collect the process, remove its folder."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        try:
            if self.process.stdin is not None:
                self.process.stdin.close()
            self.transport.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), END_TIMEOUT_S)
        finally:
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


class Extractor:
    """Runs yt-dlp on links, each in a fresh child; a few children wait ready, because the import takes a second."""

    def __init__(self, settings: ResolverSettings, egress: Egress, node: str) -> None:
        """:param node: the path of Node.js, '' for none."""
        self._settings = settings
        self._egress = egress
        self._node = node
        self._plugin_dirs = [str(Path(folder).absolute()) for folder in settings.ytdlp_plugin_dirs]
        self._spares: list[Child] = []
        self._refill: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Prepare the waiting children."""
        await self._fill()

    async def close(self) -> None:
        """End the waiting children; extractions that run are their callers' to cancel."""
        if self._refill is not None:
            self._refill.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refill
        while self._spares:
            await self._spares.pop().end()

    async def extract(self, url: str, cookies: str = "") -> Info:
        """Extract a canonical URL, with a Netscape cookie file's text if there is one.

        :raises WatchTogetherError: with a code of `errors.Code`; always within the deadline and a few seconds.
        """
        child = await self._take()
        held = self._egress.admit()
        try:
            with metrics.RUNNING.track_inprogress(), metrics.SECONDS.time():
                async with asyncio.timeout(self._settings.resolver_deadline_s):
                    answer = await child.run(await self._job(child, held, url, cookies))
        except TimeoutError:
            raise deadline_exceeded() from None
        finally:
            self._egress.withdraw(held)
            await child.end()
        return _read(answer, held)

    async def _job(self, child: Child, held: Pass, url: str, cookies: str) -> dict[str, object]:
        file = child.folder / "cookies.txt"
        if cookies:
            await asyncio.to_thread(_write_private, file, cookies)
        return {
            "url": url,
            "proxy": held.proxy_url,
            "node": self._node,
            "pot_url": self._settings.pot_provider_url,
            "cookies": str(file) if cookies else "",
        }

    async def _take(self) -> Child:
        child = self._spares.pop() if self._spares else None
        if self._settings.resolver_warm and (self._refill is None or self._refill.done()):
            self._refill = asyncio.create_task(self._fill())
        if child is not None and child.is_alive:
            return child
        if child is not None:
            await child.end()
        return await self._spawn()

    async def _fill(self) -> None:
        while len(self._spares) < self._settings.resolver_warm:
            try:
                self._spares.append(await self._spawn())
            except OSError:
                # The next job tries for itself, and says so if it can't.
                log.warning("no_spare_child", exc_info=True)
                return

    async def _spawn(self) -> Child:
        folder = await asyncio.to_thread(_make_folder)
        read_end, write_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "services.resolver.child", str(write_end), str(self._settings.resolver_memory_bytes)),
                *self._plugin_dirs,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(write_end,),
                start_new_session=True,
                cwd=folder,
                env=_environment(folder),
            )
        except BaseException:
            os.close(read_end)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
        finally:
            os.close(write_end)
        answers = asyncio.StreamReader(limit=ANSWER_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(answers), os.fdopen(read_end, "rb")
        )
        return Child(process, answers, transport, folder)


def _read(answer: bytes, held: Pass) -> Info:
    try:
        content = codec.decode_as(dict[str, object], answer)
        if content.get("info") is not None:
            return codec.convert(Info, content["info"])
        failure = codec.convert(Failure, content.get("failure"))
    except codec.MalformedError:
        failure = Failure(["Crashed"], "")
    raise _error(failure, held)


def _error(failure: Failure, held: Pass) -> WatchTogetherError:
    if held.refused is not None:
        return refused_on_the_way(held.refused.code)
    return classify(failure)


def _make_folder() -> Path:
    parent = _MEMORY_FOLDER if os.access(_MEMORY_FOLDER, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=parent))


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of ours: no proxy variables, no secrets, no configuration of the host's yt-dlp."""
    home = str(folder)
    return {
        "PATH": os.defpath,
        "HOME": home,
        "XDG_CONFIG_HOME": home,
        "XDG_CACHE_HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "PYTHONPATH": _ROOT,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
