"""Clients of Redis, made one way everywhere, whatever the topology."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, TypeGuard

from redis.asyncio import Redis
from redis.asyncio.connection import UnixDomainSocketConnection

from services.common.cluster import ClusterRedis
from services.common.pipe import Lane, Pipe
from services.common.pool import Pool, node_pool, retrying
from services.common.sentinel import SentinelRedis
from services.common.topology import Address, Topology, parse_topology

# The master of a topology that has only one at a time.
ONLY = ""


class Whereabouts(Protocol):
    """Where to connect to now, and word when that changes."""

    async def locate(self) -> Address:
        """The server to connect to.

        :raises OSError: if nobody can tell.
        """
        ...

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called after each change of a master."""
        ...


class Fixed:
    """A server that is always at one address."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def locate(self) -> Address:
        return self._address

    def on_change(self, callback: Callable[[], None]) -> None:
        """It never moves."""


class Pipes:
    """For each master that `client` speaks to, a pipe beside it; `topology` is the client's."""

    def __init__(self, client: Redis, topology: Topology) -> None:
        self._client = client
        self._topology = topology
        self._pipes: dict[Address | None, Pipe] = {}
        # Commands on the connection of whoever subscribes (`Subscriber`): where there is one master it is the same.
        self.lane = None if is_cluster(client) else Lane()
        on_masters_change(client, self._on_change)

    def to(self, key: str) -> Pipe | None:
        """The pipe to the master that holds a key; None while nobody is known to hold it."""
        client = self._client
        if not is_cluster(client):
            return self._pipes.get(None) or self._open(None)
        holder = client.map.holder(key)
        return None if holder is None else self._pipes.get(holder) or self._open(holder)

    async def connected(self) -> None:
        """Wait for an attempt to connect where there is one master only; a Cluster's pipes connect when first used."""
        if not is_cluster(self._client):
            await (self._pipes.get(None) or self._open(None)).connected()

    async def aclose(self) -> None:
        """Cut every connection."""
        await asyncio.gather(*(pipe.aclose() for pipe in self._pipes.values()))

    def _open(self, holder: Address | None) -> Pipe:
        place = Fixed(holder) if holder is not None else whereabouts(self._client, self._topology)
        pipe = Pipe(place.locate, self._topology, proves_master=isinstance(self._client, SentinelRedis))
        return self._pipes.setdefault(holder, pipe)

    def _on_change(self) -> None:
        """Leave what is no master any more: what waits on a hung one goes to its successor."""
        held = set(self._client.map.masters) if isinstance(self._client, ClusterRedis) else set()
        for holder, pipe in self._pipes.items():
            if holder not in held:
                pipe.abort()


def connect(url: str, *, max_connections: int = 64) -> Redis:
    """A client for commands on a server, on a Sentinel service's master or on a Cluster.

    Scripts are safe to repeat (they carry ids), so lost connections are retried for some seconds; then redis-py's own
    errors reach the adapter, which maps them. `max_connections` counts per server.

    :raises ValueError: if the URL is wrong.
    """
    topology = parse_topology(url)
    match topology.kind:
        case "sentinel":
            return SentinelRedis(topology, max_connections=max_connections)
        case "cluster":
            return ClusterRedis(topology, max_connections=max_connections)
        case "server":
            return Redis.from_pool(_server_pool(topology, max_connections))


def whereabouts(client: Redis, topology: Topology) -> Whereabouts:
    """Where a subscriber of what `client` publishes connects to; `topology` is the client's."""
    if isinstance(client, SentinelRedis):
        return client.sentinels
    if isinstance(client, ClusterRedis):
        return client.anywhere
    return Fixed(topology.addresses[0])


def on_masters_change(client: Redis, callback: Callable[[], None]) -> None:
    """Have `callback` called after each change of a master, where the topology tells of it."""
    if isinstance(client, SentinelRedis):
        client.sentinels.on_change(callback)
    elif isinstance(client, ClusterRedis):
        client.map.on_change(callback)


async def masters(client: Redis) -> Mapping[str, Redis]:
    """The masters that hold the data now, by name, each with its client.

    :raises redis.exceptions.ConnectionError: if a Cluster's map is not known, and no node answers.
    """
    if isinstance(client, ClusterRedis):
        await client.known()
        return {str(address): node for address, node in client.masters().items()}
    return {ONLY: client}


def master_of(client: Redis, key: str) -> str:
    """The name of the master that holds a key; `ONLY` where there is one or it is not known."""
    if not is_cluster(client) or (holder := client.map.holder(key)) is None:
        return ONLY
    return str(holder)


def is_cluster(client: Redis) -> TypeGuard[ClusterRedis]:
    """Whether a client speaks to a Cluster. Not `isinstance`: redis-py's clients are typing's protocols, and to look
    for one among those cost a tenth of a command."""
    return type(client) is ClusterRedis


def _server_pool(topology: Topology, max_connections: int) -> Pool:
    address = topology.addresses[0]
    if not address.path:
        return node_pool(address, topology, max_connections=max_connections)
    who = {"username": topology.username or None, "password": topology.password or None, "db": topology.db}
    return Pool(
        max_connections=max_connections,
        connection_class=UnixDomainSocketConnection,
        path=address.path,
        **who,
        **retrying(),
    )
