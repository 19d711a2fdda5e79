"""A Redis Cluster: real processes on loopback, that tests freeze, kill and start again."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.support.lock import KEEPER, KEEPER_PASSWORD, Lock
from tests.support.redis import RedisServer, free_port
from tests.support.sentinel import wait_until

SLOTS: Final = 16384
NODE_TIMEOUT_MS: Final = 1500


class Cluster:
    """`masters` masters, each with `replicas` replicas, of Debian's Redis. Use it as a context manager.

    With `partial`, the slots of a dead master do not stop the others. With a `lock`, everybody speaks TLS and has a
    password.

    :raises FileNotFoundError: if redis-server or redis-cli is not installed.
    """

    def __init__(self, *, masters: int = 3, replicas: int = 0, partial: bool = True, lock: Lock | None = None) -> None:
        self._masters = masters
        self._replicas = replicas
        self._lock = lock
        options: tuple[str, ...] = (
            "--cluster-enabled", "yes",
            "--cluster-node-timeout", str(NODE_TIMEOUT_MS),
            "--cluster-require-full-coverage", "no" if partial else "yes",
            "--repl-diskless-sync-delay", "0",
        )  # fmt: skip
        if lock is not None:
            options += ("--tls-cluster", "yes", "--masteruser", KEEPER, "--masterauth", KEEPER_PASSWORD)
        self.servers = [
            RedisServer(
                flavour="redis",
                append="everysec",
                options=(*options, "--cluster-port", str(free_port())),
                lock=lock,
            )
            for _ in range(masters * (1 + replicas))
        ]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(server)
            addresses = [f"127.0.0.1:{server.port}" for server in self.servers]
            command = [
                "redis-cli",
                *(self._lock.tool_arguments() if self._lock else []),
                "--cluster",
                "create",
                *addresses,
            ]
            command += ["--cluster-replicas", str(self._replicas), "--cluster-yes"]
            made = subprocess.run(command, capture_output=True, text=True, timeout=60)
            if made.returncode:
                raise RuntimeError(made.stdout[-2000:] + made.stderr[-2000:])
            wait_until(self._is_complete, "complete Cluster")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.servers[: self._masters])
        if self._lock is None:
            return f"redis+cluster://{hosts}"
        return f"rediss+cluster://{self._lock.credentials}{hosts}?{self._lock.query}"

    def holder(self, key: str) -> RedisServer:
        """The master of a key's slot, as a node that answers sees it."""
        slot = key_slot(key.encode())
        for first, last, master in self._slots():
            if first <= slot <= last:
                return next(server for server in self.servers if server.port == master)
        raise LookupError(f"nobody holds slot {slot}")

    def move_slot(self, key: str, target: RedisServer) -> None:
        """Give a key's slot, with all its keys, to another master, as `redis-cli --cluster reshard` does."""
        source, slot = self.holder(key), key_slot(key.encode())
        with source.client() as old, target.client() as new:
            old_id, new_id = (each.execute_command("CLUSTER", "MYID").decode() for each in (old, new))
            new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", old_id)
            old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", new_id)
            while keys := old.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
                old.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
            for each in (new, old):
                each.execute_command("CLUSTER", "SETSLOT", slot, "NODE", new_id)

    def _slots(self) -> list[tuple[int, int, int]]:
        for server in self.servers:
            try:
                with server.client(timeout_s=0.5, decodes=True) as client:
                    found = client.execute_command("CLUSTER SLOTS")
            except (RedisConnectionError, RedisTimeoutError):
                continue
            return [(first, last, int(master[1])) for first, last, master, *_ in found]
        raise RuntimeError("no node answers")

    def _is_complete(self) -> bool:
        for server in self.servers:
            with server.client(decodes=True) as client:
                info = client.execute_command("CLUSTER INFO")
                if info["cluster_state"] != "ok" or int(info["cluster_known_nodes"]) != len(self.servers):
                    return False
                slots = client.execute_command("CLUSTER SLOTS")
                if any(len(holders) != 1 + self._replicas for _, _, *holders in slots):
                    return False
        return True
