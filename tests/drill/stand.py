"""What a roll-out happens to: two replicas of every service behind Debian's nginx with the shipped configuration."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support.lock import Lock
from tests.support.node import ROOT, Node, free_port
from tests.support.origin import Origin
from tests.support.redis import RedisServer

SERVICES: Final = ("gateway", "sync", "resolver", "proxy")
REPLICAS: Final = 2
DRAIN_S: Final = 5
START_TIMEOUT_S: Final = 20.0


class Edge:
    """`edge/run` with `edge/*.conf`; only addresses and ports are of this machine."""

    def __init__(
        self,
        folder: Path,
        upstreams: Mapping[str, Sequence[int]],
        *,
        listen: str = "listen.conf",
        lock: Lock | None = None,
    ) -> None:
        """:param listen: the file that stands in the place of `listen.conf`, with the certificate of `lock`."""
        self._folder = folder
        self.port, self.tunnel_port = free_port(), free_port()
        self._lock = lock
        # Its workers are another user than root.
        folder.chmod(0o777)
        for file in (ROOT / "edge").glob("*.conf"):
            shutil.copy(file, folder)
        for name, source, port in (("listen", listen, self.port), ("tunnel", "tunnel.conf", self.tunnel_port)):
            text = (ROOT / "edge" / source).read_text(encoding="utf-8")
            if lock is not None:
                text = text.replace("/tls/tls.crt", lock.files["ssl_certfile"])
                text = text.replace("/tls/tls.key", lock.files["ssl_keyfile"])
            (folder / f"{name}.conf").write_text(re.sub(r"(?m)^listen \d+", f"listen 127.0.0.1:{port}", text))
        (folder / "upstreams.conf").write_text(_upstreams(upstreams))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where people connect."""
        return f"{'http' if self._lock is None else 'https'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        with (self._folder / "nginx.log").open("wb") as log:
            command = ["sh", str(ROOT / "edge" / "run"), str(self._folder / "nginx.conf"), str(self._folder), "3", "2"]
            environ = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
            self._process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        context = None if self._lock is None else ssl.create_default_context(cafile=self._lock.ca_file)
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=1, context=context) as answer:
                if answer.status == 200:
                    return self
            time.sleep(0.1)
        self.stop()
        raise TimeoutError(f"nginx did not start:\n{(self._folder / 'nginx.log').read_text()[-2000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)


def _upstreams(ports: Mapping[str, Sequence[int]]) -> str:
    """The shipped upstreams with other servers."""
    lines: list[str] = []
    block, has_servers = "", False
    for line in (ROOT / "edge" / "upstreams.conf").read_text(encoding="utf-8").splitlines():
        if line.startswith("upstream "):
            block = line.split()[1]
            lines.append(line)
            has_servers = False
        elif not line.strip().startswith("server "):
            lines.append(line)
        elif not has_servers:
            has_servers = True
            rest = line.split(maxsplit=2)[2]
            lines += [f"    server 127.0.0.1:{port} {rest}" for port in ports[block]]
    return "\n".join(lines) + "\n"


class Stand:
    """Redis, an origin, the services and the edge. Use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._resources = ExitStack()
        self.nodes: dict[str, list[Node]] = {}
        self.url = ""
        self.origin = Origin()

    def __enter__(self) -> Self:
        redis = self._resources.enter_context(RedisServer(append="always"))
        self._resources.enter_context(self.origin)
        settings = {
            "WT_REDIS_URL": redis.url,
            "WT_ALLOWED_PRIVATE_HOSTS": self.origin.address,
            "WT_TRUSTED_PROXIES": "127.0.0.1/32",
            "WT_DRAIN_S": str(DRAIN_S),
            "WT_LOG_LEVEL": "warning",
        }
        for service in SERVICES:
            self.nodes[service] = [self._node(service, number, settings) for number in range(REPLICAS)]
        upstreams = {name: [node.port for node in self.nodes[name]] for name in ("gateway", "sync", "proxy")}
        edge = self._folder / "edge"
        edge.mkdir()
        self._folder.chmod(0o755)
        self.url = self._resources.enter_context(Edge(edge, upstreams)).url
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def _node(self, service: str, number: int, settings: dict[str, str]) -> Node:
        name = f"{service}-{number + 1}"
        own = {**settings, "WT_NODE": name, "WT_DATA_DIR": str(self._folder / name)}
        return self._resources.enter_context(Node(f"services.{service}", self._folder / f"{name}.log", settings=own))
