"""Links of the sample site that are opened all the time, by a resolver of their own over somebody else's Redis."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

import orjson
from redis.asyncio import Redis

from services.common import redis as connections
from services.common.errors import WatchTogetherError
from services.common.keys import Keys
from services.common.resolution import Resolutions
from tests.chaos import census
from tests.support.node import ROOT, Node
from tests.support.origin import Origin
from tests.support.waiting import until

PREFIX: Final = "opening"
# What the site offers, and what it refuses.
KINDS: Final = ("pair", "hls", "dash", "progressive", "pair", "hls", "dash", "private")
AT_ONCE: Final = 2
PAUSE_S: Final = 0.2
WAIT_S: Final = 20.0


class Opening:
    """A resolver, and people who ask for links that nobody asked for before: how that went by `done` and `failures`."""

    def __init__(self, node: Node, told: Path, redis: Redis, origin: Origin, seed: int) -> None:
        self.node = node
        self.done: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._told = told
        self._redis = redis
        self._resolutions = Resolutions(redis, Keys(PREFIX))
        self._origin = origin
        self._seed = seed

    async def run(self) -> None:
        """Go on until cancelled."""
        async with asyncio.TaskGroup() as people:
            for number in range(AT_ONCE):
                people.create_task(self._ask(number))

    def pids(self) -> list[int]:
        """The worker, and the nurseries that it keeps; not what those fork for one link."""
        if self.node.process is None:
            return []
        worker = self.node.process.pid
        children = Path(f"/proc/{worker}/task/{worker}/children").read_text(encoding="ascii")
        return [worker, *map(int, children.split())]

    async def count(self) -> Counter[str]:
        """What the worker holds, and its keys in Redis that have no end: what it finds out is kept for hours.

        :raises TimeoutError: if it does not tell within twenty seconds.
        """
        self._told.unlink(missing_ok=True)
        if self.node.process is not None:
            os.kill(self.node.process.pid, signal.SIGUSR2)
        await until(self._told.exists, 20, "the resolver does not tell what it holds")
        held = Counter(orjson.loads(self._told.read_bytes()))
        async for key in self._redis.scan_iter(match=f"{PREFIX}:*", count=1000):
            held["keys without an end"] += await self._redis.ttl(key) == -1
        return held

    async def _ask(self, number: int) -> None:
        dice = random.Random(f"{self._seed}-link-{number}")
        asked = 0
        while True:
            asked += 1
            kind = dice.choice(KINDS)
            link = self._origin.url(f"/watch/{kind}.soak-{self._seed}-{number}-{asked}")
            try:
                found = await self._resolutions.resolve(link, WAIT_S)
            except WatchTogetherError as error:
                self.failures[f"a link: {error.code}"] += 1
            else:
                is_right = (found.video is None) == (kind == "private")
                (self.done if is_right else self.failures)["a link"] += 1
            await asyncio.sleep(dice.uniform(0, 2 * PAUSE_S))


@contextlib.asynccontextmanager
async def opening(
    redis_url: str, folder: Path, origin: Origin, seed: int, settings: Mapping[str, str]
) -> AsyncIterator[Opening]:
    """Have one over this Redis; `settings` are WT_… variables."""
    told = folder / "census-resolver.json"
    common = {
        "WT_REDIS_URL": redis_url,
        "WT_KEY_PREFIX": PREFIX,
        "WT_YTDLP_PLUGIN_DIRS": str(ROOT / "tests" / "support" / "plugins"),
        "WT_NODE": "resolver",
        census.FILE: str(told),
    }
    node = Node(
        "tests.chaos.census", folder / "resolver.log", settings={**settings, **common}, arguments=("services.resolver",)
    )
    async with contextlib.AsyncExitStack() as stack:
        await asyncio.to_thread(node.start)
        stack.push_async_callback(asyncio.to_thread, node.stop)
        redis = connections.connect(redis_url)
        stack.push_async_callback(redis.aclose)
        yield Opening(node, told, redis, origin, seed)
