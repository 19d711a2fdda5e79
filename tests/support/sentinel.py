"""A master, its replicas and their sentinels: real processes on loopback, that tests freeze, kill and fail over."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from redis import Redis

from tests.support.redis import RedisServer

SERVICE: Final = "rooms"
START_TIMEOUT_S: Final = 20.0


class SentinelSet:
    """One master, `replicas` replicas and `sentinels` sentinels of Debian's Redis. Use it as a context manager.

    `down_after_ms`: how long a silent master is waited for.

    :raises FileNotFoundError: if redis-server is not installed.
    """

    def __init__(self, *, replicas: int = 1, sentinels: int = 3, down_after_ms: int = 1000) -> None:
        self._down_after_ms = down_after_ms
        self._quorum = sentinels // 2 + 1
        first = _server()
        self.servers = [first, *(_server("--replicaof", "127.0.0.1", str(first.port)) for _ in range(replicas))]
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
        return f"redis+sentinel://{hosts}/{SERVICE}/0"

    @property
    def master(self) -> RedisServer:
        """Whom the first sentinel that answers names as the master."""
        with Redis(port=self.sentinels[0].port, socket_timeout=2) as sentinel:
            _, port = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(server for server in self.servers if server.port == int(port))

    def fail_over(self, *, paused_ms: int = 12_000) -> None:
        """A planned fail-over, as docs/redis.md says: no writes first, then the switch. Returns when asked for."""
        with Redis(port=self.master.port, socket_timeout=2) as master:
            master.execute_command("CLIENT", "PAUSE", paused_ms, "WRITE")
        with Redis(port=self.sentinels[0].port, socket_timeout=2) as sentinel:
            sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE)

    def _sentinel(self, port: int) -> RedisServer:
        lines = [
            f"sentinel monitor {SERVICE} 127.0.0.1 {port} {self._quorum}",
            f"sentinel down-after-milliseconds {SERVICE} {self._down_after_ms}",
            f"sentinel failover-timeout {SERVICE} 6000",
            "",
        ]
        return RedisServer(flavour="redis", config="\n".join(lines), options=("--sentinel",))

    def is_complete(self) -> bool:
        """Whether all sentinels know each other, and every replica follows the master and is in step."""
        for sentinel in self.sentinels:
            with Redis(port=sentinel.port, socket_timeout=2, decode_responses=True) as client:
                flat = client.execute_command("SENTINEL", "MASTER", SERVICE)
                found = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
                known = (int(found["num-other-sentinels"]), int(found["num-slaves"]))
                if known != (len(self.sentinels) - 1, len(self.servers) - 1):
                    return False
        with Redis(port=self.master.port, socket_timeout=2) as master:
            states = [master.info("replication").get(f"slave{n}", {}) for n in range(len(self.servers) - 1)]
        return all(state.get("state") == "online" for state in states)


def wait_until(is_so: Callable[[], bool], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
    """:raises TimeoutError: naming what did not become so."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {timeout_s:g} s")
        time.sleep(0.05)


def _server(*options: str) -> RedisServer:
    return RedisServer(flavour="redis", append="everysec", options=("--repl-diskless-sync-delay", "0", *options))
