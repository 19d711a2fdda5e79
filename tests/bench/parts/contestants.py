"""Whoever is measured: two server processes over one Redis each."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from services.common import codec
from services.common.keys import Keys
from services.common.redis import connect
from services.common.room.sender import SYSTEM
from services.common.room.store import RoomStore
from services.common.wire.models import QueueItem, VideoState
from tests.bench.parts.client import Dialect, SocketIO, WatchTogether
from tests.support.node import ROOT, Node, free_port
from tests.support.redis import RedisServer

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "watch-together" / "bench"
PACKAGES: Final = ("socket.io@4.8", "@socket.io/redis-adapter@8.3", "redis@5")
LINK: Final = "http://93.184.216.34/clip.mp4"
NODES: Final = 2
DRAIN_S: Final = 5.0
_START_TIMEOUT_S: Final = 20.0


class MissingError(RuntimeError):
    """It can't be measured here; the text says what is not there."""


class Contestant(Protocol):
    """A context manager that runs two nodes."""

    name: str
    dialect: Dialect
    redis: RedisServer

    @property
    def urls(self) -> list[str]: ...

    @property
    def pids(self) -> list[int]: ...

    async def prepare(self, rooms: Sequence[str]) -> None:
        """Make rooms, where somebody is already, ready for commands."""

    def terminate(self, node: int) -> None:
        """SIGTERM for one node."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Ours:
    """Replicas of the sync service, with its default settings."""

    def __init__(self, redis: RedisServer, folder: Path, replicas: int = NODES) -> None:
        self.name = "watch-together"
        self.dialect: Dialect = WatchTogether()
        self.redis = redis
        settings = {"WT_REDIS_URL": redis.url, "WT_DRAIN_S": str(DRAIN_S)}
        self._nodes = [Node("services.sync", folder / f"sync-{n}.log", settings=settings) for n in range(replicas)]

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self._nodes]

    @property
    def pids(self) -> list[int]:
        return [node.process.pid for node in self._nodes if node.process is not None]

    async def prepare(self, rooms: Sequence[str]) -> None:
        """Stand for the resolver: every room gets a video without a known end."""
        redis = connect(self.redis.url)
        store = RoomStore(redis, Keys("wt"))
        await store.masters.refresh()
        video = codec.encode_text(VideoState(url=LINK, title="Clip", stream_type="direct"))
        for room in rooms:
            item = QueueItem(id=f"item-{room}"[:32], url=LINK, title="Clip", added_by="bench", added_at=time.time())
            await store.add_item(room, SYSTEM, item, next=False)
            await store.resolved(room, item.id, title="Clip", duration=None, video_json=video)
        await redis.aclose()

    def terminate(self, node: int) -> None:
        process = self._nodes[node].process
        assert process is not None
        process.terminate()

    def __enter__(self) -> Self:
        for node in self._nodes:
            node.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self._nodes:
            node.kill()


class _Processes:
    """Two processes that take a port and a Redis URL."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, redis: RedisServer, log: Path) -> None:
        self.name = name
        self.dialect: Dialect = SocketIO()
        self._command = command
        self._folder = folder
        self.redis = redis
        self._log = log
        self._ports = [free_port() for _ in range(NODES)]
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._running]

    async def prepare(self, rooms: Sequence[str]) -> None:
        """It takes any event from anybody."""
        await asyncio.sleep(0)

    def terminate(self, node: int) -> None:
        self._running[node].send_signal(signal.SIGTERM)

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            for port in self._ports:
                command = [*self._command, str(port), self.redis.url]
                self._running.append(subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log))
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not all(_answers(port) for port in self._ports):
            if time.monotonic() > deadline or any(process.poll() is not None for process in self._running):
                self.__exit__(None, None, None)
                raise MissingError(f"{self.name} did not start: {self._log.read_text()[-1000:]}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.kill()
            process.wait()


def python_socketio(redis: RedisServer, folder: Path) -> Contestant:
    """python-socketio with AsyncRedisManager, on uvicorn and uvloop as we are.

    :raises MissingError: if it is not installed.
    """
    if find_spec("socketio") is None:
        raise MissingError("python-socketio is not installed: pip install -e '.[bench]'")
    command = [sys.executable, "-m", "tests.bench.parts.socketio_app"]
    return _Processes("python-socketio", command, ROOT, redis, folder / "python-socketio.log")


def node_socketio(redis: RedisServer, folder: Path) -> Contestant:
    """socket.io for Node with its Redis adapter. Its packages are installed once, into a cache folder.

    :raises MissingError: if there is no Node or npm, or its registry does not answer.
    """
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise MissingError(f"{tool} is not installed")
    packages = CACHE / hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    if not (packages / ".installed").exists():
        _install(packages)
    source = Path(__file__).with_name("socketio_app.mjs")
    shutil.copy(source, packages / source.name)
    return _Processes("socket.io", ["node", source.name], packages, redis, folder / "socket.io.log")


def node_packages() -> dict[str, str]:
    """The versions of what Node's contestant is made of, as far as it is there."""
    tool = shutil.which("node")
    said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout if tool else ""
    return {"Node": said.strip().removeprefix("v"), **dict(package.rsplit("@", 1) for package in PACKAGES)}


def _install(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", *PACKAGES]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=180)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or b"").decode(errors="replace")[-300:]
        raise MissingError(f"npm could not install socket.io: {said}") from None
    (folder / ".installed").touch()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False
