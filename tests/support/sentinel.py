"""A master, its replicas and their sentinels: real processes on loopback, that tests freeze, kill and fail over."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode

from tests.support.lock import KEEPER, KEEPER_PASSWORD, WATCHER, WATCHER_PASSWORD, Lock
from tests.support.redis import RedisServer

SERVICE: Final = "rooms"
START_TIMEOUT_S: Final = 20.0


class SentinelSet:
    """One master, `replicas` replicas and `sentinels` sentinels of Debian's Redis. Use it as a context manager.

    `down_after_ms`: how long a silent master is waited for. With a `lock`, everybody speaks TLS and has a password.

    :raises FileNotFoundError: if redis-server is not installed.
    """

    def __init__(
        self, *, replicas: int = 1, sentinels: int = 3, down_after_ms: int = 1000, lock: Lock | None = None
    ) -> None:
        self._down_after_ms = down_after_ms
        self._quorum = sentinels // 2 + 1
        self._lock = lock
        first = self._server()
        self.servers = [first, *(self._server("--replicaof", "127.0.0.1", str(first.port)) for _ in range(replicas))]
        self.sentinels = [self._sentinel(first.port) for _ in range(sentinels)]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in (*self.servers, *self.sentinels):
                stack.enter_context(server)
            self._stack = stack.pop_all()
        wait_until(self.is_complete, "sentinels that know each other and a replica in step")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        if self._lock is None:
            return f"redis+sentinel://{hosts}/{SERVICE}/0"
        sentinel = urlencode({"sentinel_username": WATCHER, "sentinel_password": WATCHER_PASSWORD})
        return f"rediss+sentinel://{self._lock.credentials}{hosts}/{SERVICE}/0?{self._lock.query}&{sentinel}"

    @property
    def master(self) -> RedisServer:
        """Whom the first sentinel that runs names as the master."""
        with next(each for each in self.sentinels if each.is_running).client() as sentinel:
            _, port = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(server for server in self.servers if server.port == int(port))

    def fail_over(self, *, paused_ms: int = 12_000) -> None:
        """A planned fail-over, as docs/redis.md says: no writes first, then the switch. Returns when asked for."""
        with self.master.client() as master:
            master.execute_command("CLIENT", "PAUSE", paused_ms, "WRITE")
        with next(each for each in self.sentinels if each.is_running).client() as sentinel:
            sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE)

    def _sentinel(self, port: int) -> RedisServer:
        lines = [
            f"sentinel monitor {SERVICE} 127.0.0.1 {port} {self._quorum}",
            f"sentinel down-after-milliseconds {SERVICE} {self._down_after_ms}",
            f"sentinel failover-timeout {SERVICE} 6000",
            "",
        ]
        if self._lock is not None:
            lines[1:1] = [
                f"sentinel auth-user {SERVICE} {KEEPER}",
                f"sentinel auth-pass {SERVICE} {KEEPER_PASSWORD}",
                f"sentinel sentinel-user {KEEPER}",
                f"sentinel sentinel-pass {KEEPER_PASSWORD}",
            ]
        return RedisServer(flavour="redis", config="\n".join(lines), options=("--sentinel",), lock=self._lock)

    def _server(self, *options: str) -> RedisServer:
        if self._lock is not None:
            options = ("--masteruser", KEEPER, "--masterauth", KEEPER_PASSWORD, *options)
        options = ("--repl-diskless-sync-delay", "0", *options)
        return RedisServer(flavour="redis", append="everysec", options=options, lock=self._lock)

    def is_complete(self) -> bool:
        """Whether all sentinels know each other, and every replica follows the master and is in step."""
        for sentinel in self.sentinels:
            with sentinel.client(decodes=True) as client:
                flat = client.execute_command("SENTINEL", "MASTER", SERVICE)
                found = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
                known = (int(found["num-other-sentinels"]), int(found["num-slaves"]))
                if known != (len(self.sentinels) - 1, len(self.servers) - 1):
                    return False
        with self.master.client() as master:
            states = [master.info("replication").get(f"slave{n}", {}) for n in range(len(self.servers) - 1)]
        return all(state.get("state") == "online" for state in states)


def wait_until(is_so: Callable[[], bool], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
    """:raises TimeoutError: naming what did not become so."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {timeout_s:g} s")
        time.sleep(0.05)
