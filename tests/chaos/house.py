"""A whole house: two replicas of every service behind the shipped nginx, over Redis with Sentinel."""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from pathlib import Path
from typing import Final

from redis.exceptions import RedisError

from tests.chaos.ground import Ground, start_if_dead
from tests.drill.stand import Edge
from tests.support.network import FINE, Network
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.sentinel import SentinelSet, wait_until
from tests.support.wallclock import WallClock

SERVICES: Final = ("gateway", "sync", "resolver", "proxy")
REPLICAS: Final = 2
HEAL_S: Final = 60.0


class House(Ground):
    """`settings` are WT_… variables for all processes; `hosts` may be fetched from though they are private.

    The second replica of each service has a wall clock of its own (`clock`). `front` is the network before nginx,
    `hops` those between nginx and the sync replicas. Use it as an asynchronous context manager.
    """

    prefix = "house"
    # A host that is nowhere: added like any link, and given up before yt-dlp sees it.
    link = "http://wish.invalid/clip"

    def __init__(self, settings: dict[str, str], *, hosts: tuple[str, ...] = (), seed: int = 0) -> None:
        super().__init__()
        self._settings = settings
        self._hosts = hosts
        self._seed = seed
        # One thing at a time happens to Redis.
        self.masters = asyncio.Lock()
        self.nodes: dict[str, list[Node]] = {}
        self.hops: list[Network] = []
        self.origin = Origin()
        self.folder = Path()

    @property
    def addresses(self) -> list[str]:
        """Where people connect to."""
        return [self.front.url]

    @property
    def everyone(self) -> list[Node]:
        """Every process of ours."""
        return [node for nodes in self.nodes.values() for node in nodes]

    @property
    def redis_url(self) -> str:
        """By its sentinels."""
        return self.redis.url

    def fill_disk(self, node: Node, *, is_full: bool = True) -> None:
        """Let a process write no file beyond its first mebibyte, or any again. Who is not root can fill no disk."""
        if node.process is not None and node.process.poll() is None:
            _, hard = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (1 << 20 if is_full else hard, hard))

    def take_master(self) -> RedisServer:
        """The master of the rooms, which is about to be taken away without a warning."""
        self.struck.append(time.time())
        return self.redis.master

    def cut_redis(self, kinds: list[str]) -> None:
        """Reset every connection to the master of these kinds: `normal`, `pubsub`."""
        with self.redis.master.client() as master:
            for kind in kinds:
                master.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def wait_in_step(self) -> None:
        """Bring back what is dead of Redis, and wait until there is a master with a replica in step.

        :raises TimeoutError: after a minute.
        """
        for server in (*self.redis.servers, *self.redis.sentinels):
            if server.is_running:
                server.resume()
            else:
                server.start()
        wait_until(self._is_in_step, "master with a replica in step", HEAL_S)

    def _is_in_step(self) -> bool:
        try:
            return self.redis.is_complete()
        except (OSError, RedisError):
            return False

    def _start(self) -> None:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="house-")))
        self.folder.chmod(0o755)
        self.redis = self._stack.enter_context(SentinelSet())
        self._stack.enter_context(self.origin)
        self.clock = WallClock(self.folder)
        for service in SERVICES:
            self.nodes[service] = [self._node(service, number) for number in range(REPLICAS)]
        for number, node in enumerate(self.nodes["sync"]):
            self.hops.append(self._stack.enter_context(Network(node.port, seed=self._seed + number)))
        ports = {
            "gateway": [node.port for node in self.nodes["gateway"]],
            "sync": [hop.port for hop in self.hops],
            "proxy": [node.port for node in self.nodes["proxy"]],
        }
        edge = self.folder / "edge"
        edge.mkdir()
        nginx = self._stack.enter_context(Edge(edge, ports))
        self.front = self._stack.enter_context(Network(nginx.port, seed=100 + self._seed))

    def _node(self, service: str, number: int) -> Node:
        name = f"{service}-{number + 1}"
        settings = {
            "WT_REDIS_URL": self.redis.url,
            "WT_KEY_PREFIX": self.prefix,
            "WT_ALLOWED_PRIVATE_HOSTS": ",".join((self.origin.address, *self._hosts)),
            "WT_TRUSTED_PROXIES": "127.0.0.1/32",
            "WT_NODE": name,
            "WT_DATA_DIR": str(self.folder / name),
            **(self.clock.environment if number else {}),
            **self._settings,
        }
        return self._stack.enter_context(Node(f"services.{service}", self.folder / f"{name}.log", settings=settings))

    def _heal(self) -> None:
        for network in (self.front, *self.hops):
            network.become(FINE)
        self.clock.set(0.0)
        for node in self.everyone:
            self.freeze(node, is_frozen=False)
            self.fill_disk(node, is_full=False)
            start_if_dead(node)
        wait_until(lambda: all(node.is_ready() for node in self.everyone), "house that is ready", HEAL_S)
        self.wait_in_step()
