"""What a party runs on: Redis, replicas, and a network before each and behind each."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from services.common import redis as connections
from services.common.keys import Keys
from services.common.room.store import RoomStore
from tests.chaos import census
from tests.support.network import FINE, Network
from tests.support.node import Node
from tests.support.redis import RedisServer, Sync
from tests.support.rooms import LINK
from tests.support.waiting import until

PREFIX = "party"


class Stage:
    """`replicas` sync services over one Redis (`append`: its fsync policy). Viewers reach them by `addresses`.

    `settings` are WT_… variables for all replicas. With `is_counted` `count` tells what each of them holds.
    Use it as an asynchronous context manager.
    """

    def __init__(
        self,
        replicas: int,
        settings: dict[str, str],
        *,
        seed: int = 0,
        append: Sync = "always",
        is_counted: bool = False,
    ) -> None:
        self._stack = contextlib.ExitStack()
        self._count = replicas
        self._settings = settings
        self._seed = seed
        self._append = append
        self._is_counted = is_counted
        self.link = LINK
        self.struck: list[float] = []
        self.nodes: list[Node] = []
        self.fronts: list[Network] = []
        self.backs: list[Network] = []
        self.folder = Path()
        self._locks: defaultdict[Node, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._start)
        self.client = connections.connect(self.redis.url)
        self.keys = Keys(PREFIX)
        self.store = RoomStore(self.client, self.keys)
        await self.store.masters.refresh()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()
        await asyncio.to_thread(self._stack.close)

    @property
    def addresses(self) -> list[str]:
        """Where viewers connect to."""
        return [front.url for front in self.fronts]

    def complaints(self) -> Counter[str]:
        """What replicas logged as errors of ours, and how often."""
        return complaints_of(self.nodes)

    async def heal(self) -> None:
        """End every fault and wait until all replicas are ready."""
        await asyncio.to_thread(self._heal)

    async def kill(self, node: Node) -> None:
        """kill -9."""
        async with self._locks[node]:
            await asyncio.to_thread(node.kill)

    async def start(self, node: Node) -> None:
        """Start it again, unless another fault's end did."""
        async with self._locks[node]:
            if node.process is None or node.process.poll() is not None:
                await asyncio.to_thread(node.start)

    async def drain(self, node: Node) -> None:
        """SIGTERM, the drain, the end."""
        async with self._locks[node]:
            self.freeze(node, is_frozen=False)
            await asyncio.to_thread(node.stop, timeout_s=30.0)

    async def count(self) -> Counter[str]:
        """What the replicas hold, together.

        :raises TimeoutError: if one does not tell within twenty seconds.
        """
        total: Counter[str] = Counter()
        for number, node in enumerate(self.nodes):
            told = self._census(number)
            told.unlink(missing_ok=True)
            if node.process is not None:
                node.process.send_signal(signal.SIGUSR2)
            await until(told.exists, 20, "a replica does not tell what it holds")
            total.update(orjson.loads(told.read_bytes()))
        return total

    def freeze(self, node: Node, *, is_frozen: bool = True) -> None:
        """SIGSTOP or SIGCONT."""
        if node.process is not None and node.process.poll() is None:
            os.kill(node.process.pid, signal.SIGSTOP if is_frozen else signal.SIGCONT)

    def _start(self) -> None:
        self.redis = self._stack.enter_context(RedisServer(append=self._append))
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="party-")))
        for number in range(self._count):
            back = self._stack.enter_context(Network(self.redis.port, seed=self._seed + number))
            url = f"redis://127.0.0.1:{back.port}/0"
            settings = {"WT_REDIS_URL": url, "WT_KEY_PREFIX": PREFIX, **self._settings}
            node = self._stack.enter_context(self._node(number, settings))
            front = self._stack.enter_context(Network(node.port, seed=100 + self._seed + number))
            self.backs.append(back)
            self.nodes.append(node)
            self.fronts.append(front)

    def _node(self, number: int, settings: dict[str, str]) -> Node:
        log = self.folder / f"replica-{number}.log"
        if not self._is_counted:
            return Node("services.sync", log, settings=settings)
        counted = {**settings, census.FILE: str(self._census(number))}
        return Node("tests.chaos.census", log, settings=counted, arguments=("services.sync",))

    def _census(self, number: int) -> Path:
        return self.folder / f"census-{number}.json"

    def _heal(self) -> None:
        for network in self.networks():
            network.become(FINE)
        self.redis.resume()
        for node in self.nodes:
            self.freeze(node, is_frozen=False)
            if node.process is None or node.process.poll() is not None:
                node.start()

    def networks(self) -> Sequence[Network]:
        return [*self.fronts, *self.backs]


def complaints_of(nodes: Iterable[Node]) -> Counter[str]:
    """What processes logged as errors of ours: event and the exception's last line, and how often."""
    found: Counter[str] = Counter()
    for node in nodes:
        for line in node.log.read_bytes().splitlines():
            try:
                entry = orjson.loads(line)
            except orjson.JSONDecodeError:
                entry = {"level": "error", "event": line.decode(errors="replace")}
            if entry.get("level") in ("error", "critical"):
                last = str(entry.get("exception", "")).rstrip().rpartition("\n")[2]
                found[f"{str(entry['event']).splitlines()[0]}: {last}"] += 1
    return found
