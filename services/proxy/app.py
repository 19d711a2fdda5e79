"""The proxy, put together."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

import structlog
from starlette.types import ASGIApp

from services.common.config import SettingsError, load
from services.common.contexts import ContextStore
from services.common.guard import Guard, Whitelist
from services.common.health import Health
from services.common.identity import Sessions
from services.common.keyring import load_keyring
from services.common.keys import Keys
from services.common.metrics import RequestMetrics, ping
from services.common.net import TrustedProxies
from services.common.redis import connect
from services.common.renewal import Renewals
from services.common.stream import PROXY_PATH, StreamSigner
from services.common.tunnel import EgressProxy
from services.proxy import metrics
from services.proxy.bucket import Bucket
from services.proxy.callers import Callers
from services.proxy.catalogue import Catalogue
from services.proxy.config import FAMILIES, ProxySettings
from services.proxy.dates import Dates
from services.proxy.disk import Disk
from services.proxy.doorkeeper import Doorkeeper
from services.proxy.homes import Homes
from services.proxy.indexes import Indexes
from services.proxy.ledger import Ledger
from services.proxy.limits import Allowance, Limits
from services.proxy.manifests import Manifests
from services.proxy.media import Media
from services.proxy.members import Members, Node
from services.proxy.memory import Memory, Shelf
from services.proxy.objects import Objects
from services.proxy.peers import TIMEOUTS, Peers, Seals
from services.proxy.place import Place, take
from services.proxy.playback import PlaybackListener
from services.proxy.playlists import Playlists
from services.proxy.prefetch import Ahead, Prefetch
from services.proxy.pressure import Pressure
from services.proxy.relisting import Relisting
from services.proxy.renewal import Renewal
from services.proxy.routes import ProxyEndpoint
from services.proxy.sources import Sources
from services.proxy.streams import Streams
from services.proxy.tickets import Tickets
from services.proxy.turns import Turns
from services.proxy.upstream import Timeouts, Upstream

log = structlog.get_logger(__name__)

SWEEP_S: Final = 5.0


class ProxyApp:
    """The proxy as a part of a process: `asgi` answers `/api/proxy` between `start` and `stop`."""

    def __init__(self, settings: ProxySettings) -> None:
        """:raises SettingsError: if a host or a secret is malformed."""
        ring = load_keyring(settings)
        clock = time.monotonic
        try:
            self._guard = Guard(settings.allowed_private_hosts, family=FAMILIES[settings.address_family])
            whitelist = Whitelist(settings.proxy_domains)
            by_parameter = Whitelist(settings.proxy_range_parameter_domains)
        except ValueError as error:
            raise SettingsError([str(error)]) from None
        self._redis = connect(settings.jobs_url)
        self._upstream = Upstream(
            self._guard,
            Timeouts(
                settings.proxy_connect_timeout_s,
                settings.proxy_first_byte_timeout_s,
                settings.proxy_chunk_timeout_s,
            ),
            connections=settings.proxy_connections,
            per_host=settings.proxy_connections_per_host,
            egress=EgressProxy.of(settings.egress_proxy),
        )
        self._memory = Memory(settings.proxy_memory_bytes)
        self._streams = Streams(ContextStore(self._redis, Keys(settings.key_prefix), ring), clock)
        self._renewal = Renewal(self._streams, Renewals(self._redis, Keys(settings.key_prefix)))
        turns = Turns(settings.proxy_connections_per_host, settings.proxy_connect_timeout_s)
        guard = self._guard
        self._relisting = Relisting(self._upstream, lambda target: guard.check_literal(target.host, target.port), clock)
        sources = Sources(
            self._upstream, self._streams, self._renewal, guard, whitelist, by_parameter, turns, self._relisting
        )
        self._place, self._disk = _disk_of(settings)
        keys = Keys(settings.key_prefix)
        node = _node_of(settings, self._place)
        self._members = Members(self._redis, keys, node)
        self._ledger = Ledger(self._redis, keys, node.id)
        seals = Seals(ring)
        self._link = Upstream(
            None, TIMEOUTS, connections=settings.proxy_connections, per_host=settings.proxy_connections
        )
        homes = Homes(sources, self._members, self._ledger, Peers(seals, self._link, time.time))
        self._tasks: set[asyncio.Task[None]] = set()
        if self._disk is not None:
            self._disk.on_complete(self._completed)
        self._objects = Objects(homes, Catalogue(self._memory, self._disk, clock), settings.proxy_memory_bytes // 4)
        self._pressure = Pressure(settings.proxy_streams, settings.proxy_shed_lag_s)
        signer = StreamSigner(ring)
        playlists, tickets = Playlists(), Tickets(signer)
        self._manifests = Manifests(sources, signer, self._memory, Dates(self._redis, keys), playlists, clock)
        self._indexes = Indexes(self._objects, self._memory, clock)
        media = Media(sources, self._memory, self._objects, clock)
        ahead = Ahead(settings.proxy_prefetch_s, settings.proxy_prefetch_bytes)
        self._prefetch = Prefetch(tickets, sources, self._objects, playlists, turns, self._pressure, ahead, clock)
        self._playback = PlaybackListener(self._redis, keys, self._prefetch.room)
        endpoint = ProxyEndpoint(
            tickets,
            seals,
            self._objects,
            sources,
            self._manifests,
            self._indexes,
            media,
            self._memory,
            clock,
            Doorkeeper(
                Callers(TrustedProxies(settings.trusted_proxies), Sessions(ring)), _limits_of(settings), self._pressure
            ),
            self._prefetch,
            closes=settings.proxy_connection_close,
        )
        self.asgi: ASGIApp = RequestMetrics(endpoint, "proxy", PROXY_PATH)
        self.health = Health()
        self.health.add("jobs_redis", partial(ping, self._redis, "jobs"))
        self._clock = clock
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the upstream's pool, in the running loop."""
        await self._upstream.start()
        if self._disk is not None:
            await self._disk.start()
            self._disk.reorder(await self._ledger.order())
        await self._link.start()
        await self._members.start()
        running = (self._sweep(), self._pressure.watch(), self._playback.run())
        self._background = [asyncio.create_task(each) for each in running]

    async def drain(self, seconds: float) -> None:
        """Players reconnect by themselves: nothing to do but to go on answering."""

    async def stop(self) -> None:
        """Give up what is on its way and close every connection."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._prefetch.close()
        await self._members.close()
        await self._objects.close()
        await self._indexes.close()
        await self._manifests.close()
        await self._renewal.close()
        await self._relisting.close()
        await self._streams.close()
        await self._upstream.close()
        await self._link.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._write_order()
        await self._redis.aclose()
        self._guard.close()
        if self._disk is not None:
            await asyncio.to_thread(self._disk.close)
        if self._place is not None:
            self._place.close()

    def _completed(self, bucket: Bucket) -> None:
        task = asyncio.create_task(self._ledger.commit(bucket))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write_order(self) -> None:
        """Tell Redis what was read since the last time, so that the next process knows what to keep."""
        if self._disk is not None:
            read, dropped = self._disk.changes()
            if read or dropped:
                await self._ledger.touch(read, dropped)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._memory.sweep(self._clock())
            self._prefetch.sweep()
            metrics.MEMORY_BYTES.set(self._memory.held_bytes)
            for shelf in Shelf:
                metrics.MEMORY_ENTRIES.labels(shelf).set(self._memory.count(shelf))
            if self._disk is not None:
                await self._write_order()
                metrics.DISK_BYTES.set(self._disk.used_bytes)
                metrics.DISK_BUCKETS.set(len(self._disk.buckets))


def _disk_of(settings: ProxySettings) -> tuple[Place | None, Disk | None]:
    """The folder and the buckets in it; without a folder the proxy does without."""
    if not settings.proxy_disk_bytes:
        return None, None
    try:
        place = take(settings.data_dir, settings.node)
    except OSError as error:
        log.warning("no_buckets", folder=str(settings.data_dir), error=error.strerror or str(error))
        return None, None
    return place, Disk(place.folder, settings.proxy_disk_bytes, free_bytes=settings.proxy_disk_free_bytes)


def _limits_of(settings: ProxySettings) -> Limits:
    return Limits(
        Allowance(settings.proxy_address_requests_per_s, settings.proxy_address_streams),
        Allowance(settings.proxy_person_requests_per_s, settings.proxy_person_streams),
    )


def _node_of(settings: ProxySettings, place: Place | None) -> Node:
    host = settings.host
    if host in ("", "0.0.0.0", "::"):
        host = socket.gethostname()
    address = settings.proxy_address or (f"[{host}]" if ":" in host else host) + f":{settings.port}"
    name = place.node if place else settings.node or f"node-{secrets.token_hex(3)}"
    way = EgressProxy.of(settings.egress_proxy)
    # Origins tell ways out apart, so bytes are asked of nodes with the same one.
    egress = f"{settings.address_family},{way.host}:{way.port}" if way else settings.address_family
    return Node(name.replace(" ", "-"), address, egress)


def build(environ: Mapping[str, str]) -> ProxyApp:
    """The proxy of `WT_…` variables, not started yet.

    :raises SettingsError: if they don't make sense.
    """
    return ProxyApp(load(ProxySettings, environ))
