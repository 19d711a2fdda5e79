"""A whole local installation, started as a person starts it: `python -m services`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.node import ROOT


def free_ports(replicas: int) -> int:
    """A first port from which an installation of `replicas` finds all of its public ports free."""
    for _ in range(200):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        if first < 60_000 and all(_is_free(port) for port in (*range(first, first + replicas), first + 100)):
            return first
    raise RuntimeError("no free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Installation:
    """`python -m services --replicas N` over the data in `folder`. Ports stay the same over restarts.

    Use it as a context manager; what it writes goes to `log`.
    """

    def __init__(self, folder: Path, *, replicas: int = 1, settings: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.replicas = replicas
        self.first_port = free_ports(replicas)
        self.log = folder.parent / f"{folder.name}.log"
        self._settings = settings or {}
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, replica: int = 0) -> str:
        """Where one replica serves."""
        return f"http://127.0.0.1:{self.first_port + replica}"

    @property
    def shared_url(self) -> str:
        """The address in front of the replicas, where there are several."""
        return f"http://127.0.0.1:{self.first_port + 100}"

    @property
    def urls(self) -> list[str]:
        """Where each replica serves."""
        return [self.url(number) for number in range(self.replicas)]

    def start(self, *, timeout_s: float = 45.0) -> Self:
        """Start it and wait until it says that it is ready.

        :raises RuntimeError: with the end of its log, if it ends or is not ready in time.
        """
        self.spawn()
        deadline = time.monotonic() + timeout_s
        while "Watch Together is ready" not in self.written():
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = self.written()[-4000:]
                self.kill()
                raise RuntimeError(f"the installation did not become ready:\n{text}")
            time.sleep(0.05)
        return self

    def spawn(self) -> None:
        """Start it without waiting."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WT_")}
        settings = {"WT_PORT": str(self.first_port), "WT_DATA_DIR": str(self.folder), **self._settings}
        self.log.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services", "--replicas", str(self.replicas)],
                cwd=ROOT,
                env={**kept, **settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def written(self) -> str:
        """What it has written since its start."""
        return self.log.read_text(errors="replace")

    def children(self) -> dict[str, int]:
        """Process ids by name: `valkey`, `resolver-1`, `replica-1`…, `spreader`."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                environ = dict(
                    line.split("=", 1) for line in (entry / "environ").read_text().split("\0") if "=" in line
                )
            except (OSError, UnicodeDecodeError):
                continue
            if parent == self._process.pid:
                found[_name(command, environ)] = int(entry.name)
        return found

    def wait_for_child(self, name: str, *, other_than: int = 0, timeout_s: float = 20.0) -> int:
        """The process id of a child, as soon as it is not `other_than`.

        :raises TimeoutError: if it does not come.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            pid = self.children().get(name, 0)
            if pid not in (0, other_than):
                return pid
            time.sleep(0.05)
        raise TimeoutError(f"{name} did not come (back)")

    def stop(self, number: signal.Signals = signal.SIGINT, *, timeout_s: float = 20.0) -> int:
        """Ctrl-C, and wait for the end. Answers the exit status."""
        self._process.send_signal(number)
        return self._process.wait(timeout_s)

    def kill_replica(self, number: int) -> int:
        """SIGKILL for one replica, counted from 0; its supervisor starts another. Answers the dead one's id."""
        pid = self.wait_for_child(f"replica-{number + 1}")
        os.kill(pid, signal.SIGKILL)
        return pid

    def lose_replica(self, number: int) -> None:
        """SIGKILL for one replica, as if its machine were gone: nobody starts another before `relieve`."""
        self._process.send_signal(signal.SIGSTOP)
        os.kill(self.wait_for_child(f"replica-{number + 1}"), signal.SIGKILL)

    def relieve(self) -> None:
        """Start what was lost again."""
        self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def hung(self, number: int) -> Iterator[None]:
        """SIGSTOP for one replica: the kernel takes what is sent to it, and nobody answers."""
        child = self.wait_for_child(f"replica-{number + 1}")
        os.kill(child, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(child, signal.SIGCONT)

    def wait_ready(self, number: int, *, timeout_s: float = 30.0) -> None:
        """Wait until a replica answers `/readyz` with 200.

        :raises TimeoutError: if it does not.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"{self.url(number)}/readyz", timeout=1) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"replica {number} is not ready")

    def kill_everything(self) -> None:
        """SIGKILL for the supervisor and every child at once, as a power cut."""
        pids = [self._process.pid, *self.children().values()]
        os.kill(pids[0], signal.SIGSTOP)  # or it would start again what dies first
        for pid in [*pids[1:], pids[0]]:
            os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def kill(self) -> None:
        """End whatever is left of it."""
        if self.process is not None and self.process.poll() is None:
            self.kill_everything()

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise RuntimeError("the installation was not started")
        return self.process

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def _name(command: str, environ: dict[str, str]) -> str:
    if "valkey" in command:
        return "valkey"
    return "spreader" if "services.local.spreader" in command else environ.get("WT_NODE", command)


def lives(pid: int) -> bool:
    """Whether a process runs (one that ended and was not waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
