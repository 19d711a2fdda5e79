"""mpv without a screen, operated by its socket (`--input-ipc-server`)."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

PATIENCE_S: Final = 20.0
LOOK_S: Final = 0.05


class Mpv:
    """Plays one address, muted and unseen, in real time. Use it as a context manager."""

    def __init__(self, url: str, folder: Path) -> None:
        self._socket_path = folder / "mpv.sock"
        self.log = folder / "mpv.log"
        quiet = ["--no-config", "--no-ytdl", "--vo=null", "--ao=null", "--no-terminal", f"--log-file={self.log}"]
        self._command = ["mpv", *quiet, f"--input-ipc-server={self._socket_path}", url]
        self._process: subprocess.Popen[bytes] | None = None
        self._line = socket.socket(socket.AF_UNIX)
        self._heard = b""
        self._asked = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._line.connect(str(self._socket_path))
                break
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"mpv is not there:\n{self._ending()}") from None
                time.sleep(LOOK_S)
        self._line.settimeout(PATIENCE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    def command(self, *words: object) -> Any:
        """Have a command carried out. Answers its data, None if it failed.

        :raises RuntimeError: with the end of its log, if mpv has ended.
        """
        self._asked += 1
        try:
            self._line.sendall(json.dumps({"command": words, "request_id": self._asked}).encode() + b"\n")
            while True:
                answer = json.loads(self._next())
                if answer.get("request_id") == self._asked:
                    return answer.get("data") if answer["error"] == "success" else None
        except OSError as error:
            raise RuntimeError(f"mpv has ended ({error}):\n{self._ending()}") from None

    def position(self) -> float | None:
        """Where it is, seconds; None while nothing is open."""
        found = self.command("get_property", "time-pos")
        return None if found is None else float(found)

    def played(self, *, beyond: float, timeout_s: float = PATIENCE_S) -> float:
        """Wait until the position is past `beyond` and moving. Answers it.

        :raises TimeoutError: with the end of its log.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            position = self.position()
            if position is not None and position > beyond:
                return position
            time.sleep(LOOK_S)
        raise TimeoutError(f"mpv stands at {self.position()}:\n{self._ending()}")

    def _next(self) -> bytes:
        while b"\n" not in self._heard:
            chunk = self._line.recv(65536)
            if not chunk:
                raise ConnectionError("its socket is closed")
            self._heard += chunk
        line, _, self._heard = self._heard.partition(b"\n")
        return line

    def _ending(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""
