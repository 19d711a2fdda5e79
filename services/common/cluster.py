"""A Redis Cluster as one client: every command goes to the master of its key.

Not redis-py's RedisCluster: that drops the connections to all masters when one of them fails, waits seconds for a hung
one, raises errors outside of `RedisError`, and is no `Redis`. What rooms need is small: commands on one slot.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import hiredis
import structlog
from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.common.link import ask
from services.common.pool import Pool, node_pool
from services.common.topology import Address, Topology

log = structlog.get_logger()

SLOTS: Final = 16384
LOOK_EVERY_S: Final = 1.0
LOOK_TIMEOUT_S: Final = 0.5
_ATTEMPTS: Final = 6
_PAUSES_S: Final = (0.02, 0.1, 0.25, 0.5, 1.0)

Ranges = tuple[tuple[int, int, Address], ...]


def slot_of(key: str | bytes) -> int:
    """The slot of a key: of its hash tag, if it has one."""
    return int(key_slot(key.encode() if isinstance(key, str) else key))


def parse_slots(answer: list[Any], asked: Address) -> tuple[Ranges, tuple[Address, ...]]:
    """CLUSTER SLOTS as (first slot, last slot, master), and every node. A node without a host is the one asked."""
    ranges = []
    nodes: dict[Address, None] = {}
    for first, last, *holders in answer:
        found = [Address(host.decode() if host else asked.host, int(port)) for host, port, *_ in holders]
        ranges.append((int(first), int(last), found[0]))
        nodes.update(dict.fromkeys(found))
    return tuple(sorted(ranges)), tuple(nodes)


class ClusterMap:
    """Which master holds which slot, looked up each second. `on_change` callbacks are called after a change."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._ranges: Ranges = ()
        self._holders: list[Address | None] = [None] * SLOTS
        self._nodes: tuple[Address, ...] = topology.addresses
        self._callbacks: list[Callable[[], None]] = []
        self._watching: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called after each change of a slot's master."""
        self._callbacks.append(callback)

    @property
    def masters(self) -> list[Address]:
        """The masters that hold slots, in a fixed order."""
        return sorted({master for _, _, master in self._ranges})

    def holder(self, key: str | bytes) -> Address | None:
        """The master of a key's slot, if it is known."""
        return self._holders[slot_of(key)]

    async def look(self) -> None:
        """Read the map anew; callers at one time share one reading.

        :raises ConnectionError: if no node answers.
        """
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)

    async def aclose(self) -> None:
        """Stop looking."""
        tasks = [task for task in (self._watching, self._looking) if task is not None]
        self._watching = self._looking = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def move(self, slot: int, address: Address) -> None:
        """Believe a node that said where a slot is now; the next look tells the rest."""
        if self._holders[slot] != address:
            self._holders[slot] = address

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            with contextlib.suppress(OSError):
                await self.look()

    async def _look(self) -> None:
        asking = [asyncio.create_task(self.ask_slots(node)) for node in {*self._nodes, *self._topology.addresses}]
        views: list[tuple[Ranges, tuple[Address, ...]]] = []
        try:
            for answer in asyncio.as_completed(asking):
                with contextlib.suppress(OSError, TimeoutError, hiredis.HiredisError, ValueError, IndexError):
                    view = await answer
                    if view[0]:
                        views.append(view)
                # Two that agree: one that was cut off from the others believes in the past.
                if len(views) > 1 and views[-1][0] in [ranges for ranges, _ in views[:-1]]:
                    break
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        if not views:
            raise ConnectionError("no node of the Cluster answers")
        self._learn(*views[-1])

    async def ask_slots(self, node: Address) -> tuple[Ranges, tuple[Address, ...]]:
        """What one node knows.

        :raises OSError: if it does not answer in time.
        """
        topology = self._topology
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            answer = await ask(
                node, b"CLUSTER", b"SLOTS",
                tls=topology.tls, username=topology.username, password=topology.password,
            )  # fmt: skip
        return parse_slots(answer, node)

    def _learn(self, ranges: Ranges, nodes: tuple[Address, ...]) -> None:
        if ranges == self._ranges:
            return
        before, self._ranges, self._nodes = self._ranges, ranges, nodes
        self._holders = [None] * SLOTS
        for first, last, master in ranges:
            self._holders[first : last + 1] = [master] * (last + 1 - first)
        if before:
            log.warning("cluster_changed", masters=[str(master) for master in self.masters])
            for callback in self._callbacks:
                callback()


class Anywhere:
    """Where to subscribe: PUBLISH inside a script reaches the subscribers of every node, 0.1 ms later (measured)."""

    def __init__(self, nodes: ClusterMap) -> None:
        self._map = nodes
        self._last: Address | None = None

    async def locate(self) -> Address:
        """A master, another than last time if there is one, that answers.

        :raises ConnectionError: if none answers.
        """
        await self._map.look()
        masters = self._map.masters
        for node in [*(node for node in masters if node != self._last), *masters]:
            with contextlib.suppress(OSError, TimeoutError, hiredis.HiredisError):
                await self._map.ask_slots(node)
                self._last = node
                return node
        raise ConnectionError("no master of the Cluster answers")

    def on_change(self, callback: Callable[[], None]) -> None:
        """A node that is no master any more still hears everything; the probes tell when one hears nothing."""


class ClusterRedis(Redis):
    """A client of a Cluster. One key or one hash tag per command; no transactions, pipelines or pub/sub."""

    def __init__(self, topology: Topology, *, max_connections: int) -> None:
        super().__init__(connection_pool=node_pool(topology.addresses[0], topology, max_connections=1))
        self.map = ClusterMap(topology)
        self.anywhere = Anywhere(self.map)
        self._topology = topology
        self._max_connections = max_connections
        self._clients: dict[Address, Redis] = {}
        self.map.on_change(self._drop_gone)

    def node(self, master: Address) -> Redis:
        """The client of one master."""
        client = self._clients.get(master)
        if client is None:
            # One retry only: a master that fails may not be the master any more, so the map is looked at between.
            pool = node_pool(master, self._topology, max_connections=self._max_connections, retries=1)
            client = self._clients[master] = Redis.from_pool(pool)
        return client

    def masters(self) -> Mapping[Address, Redis]:
        """The masters known now, each with its client."""
        return {master: self.node(master) for master in self.map.masters}

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command on the master of its key; one without a key on every master, answering one's reply.

        :raises redis.exceptions.RedisError: if no master of that slot answers within some seconds.
        """
        key = _key(args)
        if key is None:
            await self.known()
            replies = await asyncio.gather(
                *(node.execute_command(*args, **options) for node in self.masters().values())  # type: ignore[no-untyped-call]
            )
            return replies[0]
        for attempt in range(_ATTEMPTS):
            try:
                await self.known()
                holder = self.map.holder(key)
                if holder is None:
                    raise RedisConnectionError("nobody holds this slot")
                return await self._follow(holder, key, *args, **options)
            except (RedisConnectionError, RedisTimeoutError, _TransientError) as error:
                if attempt == _ATTEMPTS - 1:
                    raise RedisConnectionError(str(error)) from error
                await asyncio.sleep(_PAUSES_S[attempt])
                with contextlib.suppress(OSError):
                    await self.map.look()
        raise AssertionError

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the connections to every node and stop looking at the map."""
        await self.map.aclose()
        for client in self._clients.values():
            await client.aclose()
        await super().aclose(close_connection_pool)

    async def known(self) -> None:
        """Return when the map is known.

        :raises redis.exceptions.ConnectionError: if no node answers.
        """
        if self.map.masters:
            return
        try:
            await self.map.look()
        except OSError as error:
            raise RedisConnectionError(str(error)) from error

    async def _follow(self, holder: Address, key: str | bytes, *args: Any, **options: Any) -> Any:
        try:
            return await self.node(holder).execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            match str(error).split():
                case ["MOVED", slot, where]:
                    self.map.move(int(slot), _where(where, holder))
                    raise _TransientError("moved") from error
                case ["ASK", _, where]:
                    return await self._ask(self.node(_where(where, holder)), *args, **options)
                case ["TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN", *_]:
                    raise _TransientError(str(error)) from error
            raise

    async def _ask(self, client: Redis, *args: Any, **options: Any) -> Any:
        """A slot on its way: the key asked for is already at its new master."""
        async with client.pipeline(transaction=False) as pipe:
            pipe.execute_command("ASKING")
            pipe.execute_command(*args, **options)
            return (await pipe.execute())[1]

    def _drop_gone(self) -> None:
        """Cut connections to nodes that are masters no more: what waits on a hung one goes to its successor."""
        masters = set(self.map.masters)
        for address in [address for address in self._clients if address not in masters]:
            pool = self._clients[address].connection_pool
            if isinstance(pool, Pool):
                pool.abort()


class _TransientError(RedisError):
    """The Cluster is changing; what was asked was not done."""


def _where(text: str, asked: Address) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host or asked.host, int(port))


def _key(args: tuple[Any, ...]) -> str | bytes | None:
    """The key that says where a command goes; None for the few without."""
    name = str(args[0]).split(" ", 1)[0].upper()
    if name in ("EVAL", "EVALSHA"):
        return args[3] if int(args[2]) else None
    if name in ("PING", "INFO", "TIME", "SCRIPT", "CLIENT", "CONFIG", "ROLE"):
        return None
    return args[1] if len(args) > 1 else None
