"""Builds the sync service."""

from __future__ import annotations

import asyncio
import gc
import secrets
from collections.abc import Mapping
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from services.common.config import load
from services.common.errors import Unavailable
from services.common.health import Health
from services.common.history import Histories
from services.common.identity import Identities
from services.common.keyring import load_keyring
from services.common.keys import Keys
from services.common.loans import Loans
from services.common.metrics import redis_round_trip
from services.common.net import TrustedProxies
from services.common.playlists import Playlists
from services.common.redis import Pipes, connect, on_masters_change, whereabouts
from services.common.resolution import Resolutions
from services.common.room.store import RoomStore
from services.common.topology import parse_topology
from services.common.vault import Vault
from services.sync.addresses import Addresses
from services.sync.clock import RoomClock
from services.sync.config import SyncSettings
from services.sync.hub import Hub
from services.sync.keeper import Keeper
from services.sync.playback import Playback
from services.sync.players import Players
from services.sync.resolving import ResolveDesk
from services.sync.socket import SocketEndpoint
from services.sync.subscriber import Subscriber
from services.sync.witness import Witness

log = structlog.get_logger()

# Sockets are objects that stay. By Python's own thresholds a busy replica spent 3 % of its time looking through them
# for garbage that is rarely there, and each full look stops everybody.
_GARBAGE_THRESHOLDS: Final = (20_000, 20, 20)


class SyncApp:
    """One replica of the sync service; any replica takes sockets of any room."""

    def __init__(self, settings: SyncSettings) -> None:
        ring = load_keyring(settings)
        keys = Keys(settings.key_prefix)
        node = settings.node or secrets.token_hex(4)
        self.health = Health()
        self._rooms_redis = connect(settings.redis_url)
        self._jobs_redis = connect(settings.jobs_url)
        self._identities = Identities.of(settings, ring)
        topology = parse_topology(settings.redis_url)
        self._pipes = Pipes(self._rooms_redis, topology)
        self._store = RoomStore(self._rooms_redis, keys, self._pipes)
        # A silence must be noticed before a lease can end in it.
        silence_s = min(4.0, settings.lease_s / 3)
        self._clock = RoomClock(holder=self._store.masters.of, silence_s=silence_s, lease_s=settings.lease_s)
        self._subscriber = Subscriber(
            topology,
            whereabouts(self._rooms_redis, topology),
            keys.probe(f"{node}.{secrets.token_hex(4)}"),
            on_message=lambda channel, data: self._hub.receive(channel, data),
            on_restored=self._on_restored,
            probe=self._store.masters.probe,
            lane=self._pipes.lane,
        )
        self._resolving = ResolveDesk(
            Resolutions(self._jobs_redis, keys, max_depth=settings.resolve_queue_max),
            Vault(self._rooms_redis, keys, ring, guests_allowed=settings.guest_cookies_allowed),
            Loans(self._jobs_redis, keys, ring),
            self._store,
            self._clock,
        )
        self._hub = Hub(
            settings,
            self._store,
            keys,
            self._clock,
            self._subscriber,
            self._identities.user_hash,
            node,
            self._resolving.freshen,
        )
        self._players = Players(self._store, self._clock, node)
        witness = Witness(Histories(self._rooms_redis, keys), self._clock)
        playback = Playback(self._jobs_redis, keys, self._clock)
        self._keeper = Keeper(
            settings,
            self._store,
            self._clock,
            self._hub,
            self._resolving,
            self._players,
            witness,
            playback,
            self._subscriber.reaches,
        )
        on_masters_change(self._rooms_redis, self._keeper.wake)
        self._addresses = Addresses(self._rooms_redis, keys, ring)
        self._endpoint = SocketEndpoint(
            settings,
            self._identities,
            TrustedProxies(settings.trusted_proxies),
            self._hub,
            self._store,
            Playlists(self._rooms_redis, keys),
            self._clock,
            self._players,
            self._addresses,
            self._resolving.see_to,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self.health.add("rooms_redis", self._check_redis)
        self.health.add("subscription", self._check_subscription)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer sockets; there is nothing else here."""
        if scope["type"] == "websocket" and self.health.is_draining:
            # Before accepting, and as a status: an edge then tries another replica, and the page notices nothing.
            await receive()
            await send({"type": "websocket.http.response.start", "status": 503, "headers": [(b"retry-after", b"1")]})
            await send({"type": "websocket.http.response.body", "body": b""})
        elif scope["type"] == "websocket" and scope["path"].startswith("/ws/"):
            await self._endpoint(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})

    async def start(self) -> None:
        """Begin to listen to Redis; it may come up later than we do."""
        gc.freeze()
        gc.set_threshold(*_GARBAGE_THRESHOLDS)
        await self._pipes.connected()
        try:
            await self._keeper.sample_clock()
        except Unavailable:
            log.warning("redis_not_there_yet")
        background = (self._subscriber.run(), self._keeper.run(), self._addresses.prepare())
        self._tasks = [asyncio.create_task(work) for work in background]

    async def drain(self, seconds: float) -> None:
        """Send every socket elsewhere, spread over `seconds`."""
        await self._keeper.drain(seconds)

    async def stop(self) -> None:
        """End background work and close connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._resolving.close()
        await self._players.close()
        await self._hub.close()
        await self._pipes.aclose()
        await self._rooms_redis.aclose()
        await self._jobs_redis.aclose()

    def _on_restored(self) -> None:
        self._hub.reread_all()
        self._keeper.wake()

    async def _check_redis(self) -> None:
        with redis_round_trip("rooms"):
            await self._store.masters.time()

    async def _check_subscription(self) -> None:
        if not self._subscriber.is_hearing:
            raise Unavailable("deaf", "The subscription to room events is not alive.")


def build(environ: Mapping[str, str]) -> SyncApp:
    """The service as `WT_…` variables describe it.

    :raises SettingsError: naming every setting that is wrong.
    """
    return SyncApp(load(SyncSettings, environ))
