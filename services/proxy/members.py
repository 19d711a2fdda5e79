"""Which proxies there are: a lease each in Redis. Without Redis the last list holds, less those that don't answer."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common.keys import Keys
from services.proxy import metrics

log = structlog.get_logger(__name__)

LEASE_MS: Final = 5000
BEAT_S: Final = 1.0
REDIS_TIMEOUT_S: Final = 0.5
# A node that did not answer is not asked for so long.
DOWN_S: Final = 3.0
_SCRIPT: Final = (Path(__file__).parent / "scripts" / "members.lua").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Node:
    """One proxy: `address` is `host:port` as others reach it; `egress` tells ways out that upstreams tell apart."""

    id: str
    address: str
    egress: str


def ranked(digest: str, number: int, nodes: Iterable[Node]) -> list[Node]:
    """Nodes by their claim to a bucket, its home first: when one comes or goes, only its own buckets move."""

    def weight(node: Node) -> bytes:
        return hashlib.blake2b(f"{digest}\n{number}\n{node.id}".encode(), digest_size=8).digest()

    return sorted(nodes, key=weight, reverse=True)


class Members:
    """The list of nodes, kept fresh in the background."""

    def __init__(self, redis: Redis, keys: Keys, own: Node) -> None:
        self.own = own
        self._key = keys.proxy_nodes()
        self._script = redis.register_script(_SCRIPT)
        self._nodes: dict[str, Node] = {own.id: own}
        self._down: dict[str, float] = {}
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Enter the list, and learn it."""
        await self._beat()
        self._beating = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Leave the list."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        await self._beat(0)

    def live(self) -> list[Node]:
        """The nodes that share our way out, ourselves among them, without those that did not answer just now."""
        now = time.monotonic()
        return [
            node
            for node in self._nodes.values()
            if node.egress == self.own.egress and self._down.get(node.id, 0.0) <= now
        ]

    def named(self, node_id: str) -> Node | None:
        """A live node by its id."""
        return next((node for node in self.live() if node.id == node_id), None)

    def lost(self, node: Node) -> None:
        """Note that a node does not answer."""
        metrics.LOST_PEERS.inc()
        self._down[node.id] = time.monotonic() + DOWN_S

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self._beat()

    async def _beat(self, lease_ms: int = LEASE_MS) -> None:
        own = f"{self.own.id} {self.own.address} {self.own.egress}"
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                told = await self._script(keys=[self._key], args=[own, lease_ms])
            nodes = [Node(*part) for each in told if len(part := _text(each).split(" ")) == 3]
            self._nodes = {self.own.id: self.own} | {node.id: node for node in nodes}
            metrics.PEERS.set(len(self._nodes) - 1)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
