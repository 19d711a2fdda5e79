"""What code that we do not trust may reach from inside a child: its proxy, and the programs that it is given."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit


class Fence:
    """An audit hook: it can't be taken off again, and sees sockets and programs whoever opens them."""

    def __init__(self) -> None:
        self._addresses: set[tuple[str, int]] = set()
        self._hosts: set[str] = set()
        self._programs: set[str] = set()

    def open(self, urls: Iterable[str], programs: Iterable[str]) -> None:
        """Let servers and programs pass; '' stands for none."""
        for url in filter(None, urls):
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
            self._hosts.add(host)
            # A provider whose name does not resolve costs its tokens, not the job.
            with contextlib.suppress(OSError):
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                self._addresses |= {(str(answer[4][0]), port) for answer in found}
        self._programs |= set(programs) - {""}

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        match event:
            case "socket.connect" | "socket.sendto" | "socket.sendmsg":
                self._check_address(arguments[1])
            case "socket.getaddrinfo" | "socket.gethostbyname":
                if arguments[0] not in self._hosts:
                    raise PermissionError(f"no name is resolved here: {arguments[0]}")
            case "subprocess.Popen":
                if str(arguments[0]) not in self._programs:
                    raise PermissionError(f"no such program is started here: {arguments[0]}")
            case "os.system" | "os.exec" | "os.posix_spawn" | "os.fork" | "os.forkpty":
                raise PermissionError("no program is started here")

    def _check_address(self, address: object) -> None:
        place = address[:2] if isinstance(address, tuple) else None
        if place not in self._addresses:
            raise PermissionError("only the egress proxy is reached from here")
