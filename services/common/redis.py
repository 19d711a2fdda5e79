"""Clients of Redis, made one way everywhere, whatever the topology."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from redis.asyncio import Redis

from services.common.cluster import ClusterRedis
from services.common.pool import Pool, ServerConnection, retrying
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
            return Redis.from_pool(_server_pool(url, topology, max_connections))


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
    if isinstance(client, ClusterRedis) and (holder := client.map.holder(key)) is not None:
        return str(holder)
    return ONLY


def _server_pool(url: str, topology: Topology, max_connections: int) -> Pool:
    options = retrying()
    if not topology.addresses[0].path and not topology.is_tls:
        options["connection_class"] = ServerConnection
    # The URL's own query options (certificates, for one) are redis-py's, and so is their parsing.
    pool: Pool = Pool.from_url(url, max_connections=max_connections, **options)
    return pool
