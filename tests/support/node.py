"""One process of ours, started as an operator starts it, for tests that kill it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a secret of the tests and of nobody else"


def free_port() -> int:
    """A TCP port of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Node:
    """`python -m <module>` with `WT_…` variables, in its own process group. Use it as a context manager.

    What it writes goes to `log` (standard output and error together).
    """

    def __init__(
        self, module: str, log: Path, *, settings: dict[str, str] | None = None, arguments: tuple[str, ...] = ()
    ) -> None:
        self.module = module
        self.log = log
        self.port = free_port()
        self.admin_port = free_port()
        self._arguments = arguments
        self._settings = {
            "WT_HOST": "127.0.0.1",
            "WT_PORT": str(self.port),
            "WT_ADMIN_PORT": str(self.admin_port),
            "WT_SECRET": SECRET,
            "WT_DATA_DIR": str(log.parent / "data"),
            **(settings or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves, as `http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        """Where it tells of itself."""
        return f"http://127.0.0.1:{self.admin_port}"

    def start(self, *, timeout_s: float = 30.0) -> Self:
        """Start it and wait until `/readyz` says so.

        :raises RuntimeError: with the end of its log, if it ends or is not ready in time.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WT_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self._arguments],
                cwd=ROOT,
                env={**environment, **self._settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout_s
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-4000:]
                self.kill()
                raise RuntimeError(f"{self.module} did not become ready:\n{tail}")
            time.sleep(0.05)
        return self

    def is_ready(self) -> bool:
        """What `/readyz` answers now."""
        try:
            with urllib.request.urlopen(f"{self.admin_url}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def kill(self) -> None:
        """SIGKILL, to the whole group."""
        self._signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def stop(self, *, timeout_s: float = 20.0) -> int:
        """SIGTERM, and wait for the end. Answers the exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
