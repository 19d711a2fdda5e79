"""Builds the resolver."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Mapping
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from services.common.config import load
from services.common.contexts import ContextStore
from services.common.errors import Unavailable
from services.common.guard import Guard
from services.common.health import Health
from services.common.jobs import Jobs
from services.common.keyring import load_keyring
from services.common.keys import Keys
from services.common.loans import Loans
from services.common.metrics import ping
from services.common.redis import connect
from services.common.resolution import Resolutions
from services.common.room.store import RoomStore
from services.common.stream import StreamSigner
from services.common.vault import Vault
from services.common.vitals import VitalsStore
from services.resolver import metrics
from services.resolver.breakers import SharedBreakers
from services.resolver.config import ResolverSettings
from services.resolver.egress import Egress
from services.resolver.extract import Extractor
from services.resolver.flight import Flights
from services.resolver.javascript import find_node, found_versions, node_version
from services.resolver.provider import Provider
from services.resolver.report import Reporter
from services.resolver.versions import installed
from services.resolver.watch import WatchedExtractor
from services.resolver.worker import ResolveWorker

log = structlog.get_logger(__name__)

# A result goes into the room's history of now: how soon another server, or a fail-over, is noticed.
RUN_PERIOD_S: Final = 5.0
QUEUE_PERIOD_S: Final = 2.0
_FAMILIES: Final = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6, "any": socket.AF_UNSPEC}


class ResolverApp:
    """One resolver worker. It answers no requests; what it does comes from the queue and goes into Redis."""

    def __init__(self, settings: ResolverSettings) -> None:
        ring = load_keyring(settings)
        keys = self._keys = Keys(settings.key_prefix)
        self.health = Health()
        self._rooms_redis = connect(settings.redis_url)
        self._jobs_redis = connect(settings.jobs_url)
        self._guard = Guard(settings.allowed_private_hosts, family=_FAMILIES[settings.address_family])
        self._egress = Egress(self._guard, settings.egress_proxy)
        node = find_node(settings.node_path_for_ytdlp)
        if not node:
            log.warning(
                "no_node",
                effect="sites with JavaScript challenges will not resolve",
                needs="Node.js 22",
                found=found_versions(settings.node_path_for_ytdlp),
            )
        provider = Provider(settings.pot_provider_url)
        self._extractor = Extractor(settings, self._egress, node, provider)
        watched = WatchedExtractor(self._extractor, SharedBreakers(self._jobs_redis, keys))
        name = settings.node or secrets.token_hex(4)
        self._reporter = Reporter(
            VitalsStore(self._jobs_redis, keys),
            watched,
            provider,
            installed(),
            worker=name,
            node=node_version(node),
            canaries=settings.resolver_canaries,
            canary_s=settings.resolver_canary_s,
        )
        self._store = RoomStore(self._rooms_redis, keys)
        flights = Flights(
            Resolutions(self._jobs_redis, keys),
            ContextStore(self._jobs_redis, keys, ring),
            Vault(self._rooms_redis, keys, ring, guests_allowed=settings.guest_cookies_allowed),
            Loans(self._jobs_redis, keys, ring),
            self._store,
            watched,
            self._guard,
            StreamSigner(ring),
            ttl_s=settings.format_ttl_s,
        )
        self._worker = ResolveWorker(
            self._jobs_redis,
            keys,
            flights.run,
            node=name,
            concurrency=settings.resolver_concurrency,
            deadline_s=settings.resolver_deadline_s,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self.health.add("rooms_redis", lambda: ping(self._rooms_redis, "rooms"))
        self.health.add("jobs_redis", lambda: ping(self._jobs_redis, "jobs"))
        self.health.add("worker", self._check_worker)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer nothing: the operator's paths stand in front of it."""
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})

    async def start(self) -> None:
        """Begin to take jobs; Redis may come up later than we do."""
        await self._egress.start()
        await self._extractor.start()
        await self._refresh_run()
        background = (self._worker.run(), self._watch_run(), self._watch_queue(), self._reporter.run())
        self._tasks = [asyncio.create_task(each) for each in background]

    async def drain(self, seconds: float) -> None:
        """Let running jobs end within `seconds`; the others go back to the queue."""
        await self._worker.drain(seconds)

    async def stop(self) -> None:
        """End background work, every extraction and connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._extractor.close()
        await self._egress.close()
        self._guard.close()
        await self._rooms_redis.aclose()
        await self._jobs_redis.aclose()

    async def _watch_run(self) -> None:
        while True:
            await asyncio.sleep(RUN_PERIOD_S)
            await self._refresh_run()

    async def _watch_queue(self) -> None:
        jobs = Jobs(self._jobs_redis, self._keys)
        while True:
            with contextlib.suppress(Unavailable):
                metrics.QUEUE_DEPTH.set(await jobs.depth())
                metrics.QUEUE_AGE.set(await jobs.oldest_age_s(time.time()))
            await asyncio.sleep(QUEUE_PERIOD_S)

    async def _refresh_run(self) -> None:
        try:
            await self._store.masters.refresh()
        except Unavailable:
            log.warning("redis_not_there")

    async def _check_worker(self) -> None:
        if not self._worker.is_working:
            raise Unavailable("unavailable", "The worker does not take jobs.")


def build(environ: Mapping[str, str]) -> ResolverApp:
    """The service as `WT_…` variables describe it.

    :raises SettingsError: naming every setting that is wrong.
    """
    return ResolverApp(load(ResolverSettings, environ))
