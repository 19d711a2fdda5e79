"""What a party runs on: Redis, replicas, and a network before each and behind each."""

from __future__ import annotations

import signal
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import orjson

from tests.chaos import census
from tests.chaos.ground import Ground, start_if_dead
from tests.support.network import FINE, Network
from tests.support.node import Node
from tests.support.redis import RedisServer, Sync
from tests.support.rooms import LINK
from tests.support.waiting import until


class Stage(Ground):
    """`replicas` of a service that hosts sockets over one Redis (`append`: its fsync policy). Viewers reach them by
    `addresses`.

    `settings` are WT_… variables for all replicas. With `is_counted` `count` tells what each of them holds.
    Use it as an asynchronous context manager.
    """

    prefix = "party"
    link = LINK

    def __init__(
        self,
        replicas: int,
        settings: dict[str, str],
        *,
        seed: int = 0,
        append: Sync = "always",
        is_counted: bool = False,
        module: str = "services.sync",
    ) -> None:
        super().__init__()
        self._count = replicas
        self._settings = settings
        self._seed = seed
        self._append = append
        self._is_counted = is_counted
        self._module = module
        self.nodes: list[Node] = []
        self.fronts: list[Network] = []
        self.backs: list[Network] = []
        self.folder = Path()

    @property
    def addresses(self) -> list[str]:
        """Where viewers connect to."""
        return [front.url for front in self.fronts]

    @property
    def everyone(self) -> list[Node]:
        """The replicas."""
        return self.nodes

    @property
    def redis_url(self) -> str:
        """Past the replicas' networks."""
        return self.redis.url

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

    def _start(self) -> None:
        self.redis = self._stack.enter_context(RedisServer(append=self._append))
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="party-")))
        for number in range(self._count):
            back = self._stack.enter_context(Network(self.redis.port, seed=self._seed + number))
            url = f"redis://127.0.0.1:{back.port}/0"
            settings = {
                "WT_REDIS_URL": url,
                "WT_KEY_PREFIX": self.prefix,
                "WT_NODE": f"replica-{number}",
                **self._settings,
            }
            node = self._stack.enter_context(self._node(number, settings))
            front = self._stack.enter_context(Network(node.port, seed=100 + self._seed + number))
            self.backs.append(back)
            self.nodes.append(node)
            self.fronts.append(front)

    def _node(self, number: int, settings: dict[str, str]) -> Node:
        log = self.folder / f"replica-{number}.log"
        if not self._is_counted:
            return Node(self._module, log, settings=settings)
        counted = {**settings, census.FILE: str(self._census(number))}
        return Node("tests.chaos.census", log, settings=counted, arguments=(self._module,))

    def _census(self, number: int) -> Path:
        return self.folder / f"census-{number}.json"

    def _heal(self) -> None:
        for network in self.networks():
            network.become(FINE)
        self.redis.resume()
        for node in self.nodes:
            self.freeze(node, is_frozen=False)
            start_if_dead(node)

    def networks(self) -> Sequence[Network]:
        return [*self.fronts, *self.backs]
