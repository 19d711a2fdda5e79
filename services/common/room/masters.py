"""The Redis masters that hold rooms: their clocks, their histories, their signs of life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from redis.asyncio import Redis

from services.common.keys import Keys
from services.common.redis import ONLY, is_cluster, master_of, masters
from services.common.room.runner import reaching, unavailable


class Masters:
    """Every method raises `Unavailable` when no master answers. Where there is one only its name is ''."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._has_many = is_cluster(redis)
        self._keys = keys
        self._refreshing: dict[str, asyncio.Task[None]] = {}
        # Which Redis history each master keeps, by the master's name.
        self.runs: dict[str, str] = {}

    def of(self, room: str) -> str:
        """The name of the master that holds a room."""
        return master_of(self._redis, self._keys.room(room)) if self._has_many else ONLY

    def run_of(self, room: str) -> str:
        """The Redis history that a room is in: of the master that holds it."""
        return self.runs.get(self.of(room), "")

    async def names(self) -> list[str]:
        """The names of the masters that hold rooms now."""
        return list(await self._clients())

    async def refresh(self) -> None:
        """Read which Redis history every master keeps: `runs` changes with another server, a restart, a fail-over.

        A master that does not answer keeps what it had.
        """
        outcomes = await asyncio.gather(*(self.refresh_at(name) for name in await self.names()), return_exceptions=True)
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if len(failed) == len(outcomes):
            raise failed[0]

    async def refresh_at(self, master: str) -> None:
        """Read which Redis history one master keeps. Those who ask at one time share one reading."""
        task = self._refreshing.get(master)
        if task is None:
            task = self._refreshing[master] = asyncio.create_task(self._read_run(master))
            task.add_done_callback(lambda done: self._forget(master, done))
        await asyncio.shield(task)

    async def time(self, master: str = "") -> float:
        """A master's clock, Unix seconds. '' is any."""
        clients = await self._clients()
        with reaching():
            whole, micros = await clients.get(master, self._redis).time()
        return float(whole) + float(micros) / 1e6

    async def probe(self, channel: str, took: Callable[[str], None]) -> None:
        """Publish a sign of life through every master: its name. `took` is called with each that took it."""

        async def one(name: str, client: Redis) -> None:
            await client.publish(channel, name)
            took(name)

        clients = await self._clients()
        outcomes = await asyncio.gather(*(one(*each) for each in clients.items()), return_exceptions=True)
        if all(isinstance(outcome, BaseException) for outcome in outcomes):
            raise unavailable()

    async def _clients(self) -> Mapping[str, Redis]:
        with reaching():
            return await masters(self._redis)

    async def _read_run(self, master: str) -> None:
        clients = await self._clients()
        with reaching():
            info = await clients.get(master, self._redis).info("replication")
        self.runs[master] = str(info.get("master_replid", ""))[:8]

    def _forget(self, master: str, task: asyncio.Task[None]) -> None:
        self._refreshing.pop(master, None)
        if not task.cancelled():
            # Those who waited may be gone by then.
            task.exception()
