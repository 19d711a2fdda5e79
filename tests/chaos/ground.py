"""Where a party is held: replicas over a Redis, and networks around them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import ClassVar, Self

import orjson
from redis.asyncio import Redis

from services.common import redis as connections
from services.common.keys import Keys
from services.common.room.store import RoomStore
from tests.support.node import Node


class Ground(ABC):
    """`link` is what people paste, with something behind it each time. `struck`: when a master was taken away without
    warning, Unix seconds; a second's commands may be lost there.

    Entering brings everything up; leaving ends it. One thing at a time happens to a process.
    """

    prefix: ClassVar[str]
    link: ClassVar[str]
    client: Redis
    keys: Keys
    store: RoomStore

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._locks: defaultdict[Node, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.struck: list[float] = []

    @property
    @abstractmethod
    def addresses(self) -> Sequence[str]:
        """Where viewers connect to."""

    @property
    @abstractmethod
    def everyone(self) -> Sequence[Node]:
        """Every process of ours."""

    @property
    @abstractmethod
    def redis_url(self) -> str:
        """Where the rooms are."""

    @abstractmethod
    def _start(self) -> None:
        """Bring everything up, on the stack."""

    @abstractmethod
    def _heal(self) -> None:
        """End every fault and wait until everything is ready."""

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._start)
        self.client = connections.connect(self.redis_url)
        self.keys = Keys(self.prefix)
        self.store = RoomStore(self.client, self.keys)
        await self.store.masters.refresh()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()
        await asyncio.to_thread(self._stack.close)

    async def heal(self) -> None:
        """End every fault and wait until everything is ready."""
        await asyncio.to_thread(self._heal)

    def complaints(self) -> Counter[str]:
        """What processes logged as errors of ours, and how often."""
        return complaints_of(self.everyone)

    async def kill(self, node: Node) -> None:
        """kill -9."""
        async with self._locks[node]:
            await asyncio.to_thread(node.kill)

    async def start(self, node: Node) -> None:
        """Start it again, unless another fault's end did."""
        async with self._locks[node]:
            await asyncio.to_thread(start_if_dead, node)

    async def drain(self, node: Node) -> None:
        """SIGTERM, the drain, the end."""
        async with self._locks[node]:
            self.freeze(node, is_frozen=False)
            await asyncio.to_thread(node.stop, timeout_s=30.0)

    def freeze(self, node: Node, *, is_frozen: bool = True) -> None:
        """SIGSTOP or SIGCONT."""
        if node.process is not None and node.process.poll() is None:
            os.kill(node.process.pid, signal.SIGSTOP if is_frozen else signal.SIGCONT)


def start_if_dead(node: Node) -> None:
    if node.process is None or node.process.poll() is not None:
        node.start()


def complaints_of(nodes: Iterable[Node]) -> Counter[str]:
    """What processes logged as errors of ours: event, the exception's last line and where it arose, and how often."""
    found: Counter[str] = Counter()
    for node in nodes:
        for line in node.log.read_bytes().splitlines():
            try:
                entry = orjson.loads(line)
            except orjson.JSONDecodeError:
                entry = {"level": "error", "event": line.decode(errors="replace")}
            if entry.get("level") in ("error", "critical"):
                trace = str(entry.get("exception", "")).rstrip().splitlines() or [""]
                places = [line.strip() for line in trace if line.startswith('  File "/')]
                found[f"{str(entry['event']).splitlines()[0]}: {trace[-1]} {''.join(places[-1:])}".rstrip()] += 1
    return found
