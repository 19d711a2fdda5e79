"""Builds the gateway."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services import __version__
from services.common.config import load
from services.common.errors import Refused, Unavailable, WatchTogetherError
from services.common.health import Health
from services.common.history import Histories
from services.common.identity import Identities
from services.common.keyring import load_keyring
from services.common.keys import Keys
from services.common.loans import Loans
from services.common.metrics import RequestMetrics, ping
from services.common.net import TrustedProxies, peer_origins
from services.common.playlists import Playlists
from services.common.redis import connect
from services.common.resolution import Resolutions
from services.common.room.store import RoomStore
from services.common.vault import Vault
from services.common.vitals import VitalsStore
from services.gateway.answers import Headers, on_error, safety_headers
from services.gateway.browsers import Browsers
from services.gateway.callers import Callers
from services.gateway.config import GatewaySettings
from services.gateway.cookies import CookieDesk
from services.gateway.door import Door
from services.gateway.extension import ExtensionApi
from services.gateway.library import Library
from services.gateway.neighbours import Neighbours
from services.gateway.operations import Description, Operation
from services.gateway.page import Page
from services.gateway.pairing import PairingCodes
from services.gateway.routes import Api

# A link that many paste at once is read from Redis once in so long.
REMEMBER_S: Final = 1.0
# A change goes into the history it was asked in: how soon another server, or a fail-over, is noticed.
RUN_PERIOD_S: Final = 5.0


class GatewayApp:
    """One replica of REST and page."""

    def __init__(self, settings: GatewaySettings) -> None:
        ring = load_keyring(settings)
        keys = Keys(settings.key_prefix)
        proxies = TrustedProxies(settings.trusted_proxies)
        self.health = Health()
        self._identities = Identities.of(settings, ring)
        self._rooms_redis = connect(settings.redis_url)
        self._jobs_redis = connect(settings.jobs_url)
        self._store = RoomStore(self._rooms_redis, keys)
        self._watching: asyncio.Task[None] | None = None
        vault = Vault(self._rooms_redis, keys, ring, guests_allowed=settings.guest_cookies_allowed)
        loans = Loans(self._jobs_redis, keys, ring)
        callers = Callers(self._identities, proxies, new_guests_per_minute=settings.new_guests_per_minute)
        playlists = Playlists(self._rooms_redis, keys)
        api = Api(
            settings,
            self._identities,
            proxies,
            callers,
            self._store,
            Resolutions(self._jobs_redis, keys, max_depth=settings.resolve_queue_max, remember_s=REMEMBER_S),
            vault,
            loans,
            VitalsStore(self._jobs_redis, keys),
            playlists,
        )
        histories = Histories(self._rooms_redis, keys)
        library = Library(callers, playlists, histories, per_minute=settings.library_changes_per_minute)
        extension = ExtensionApi(
            settings,
            self._identities,
            proxies,
            PairingCodes(self._rooms_redis, keys, ring),
            Browsers(self._rooms_redis, keys, ring),
            CookieDesk(vault, loans, self._store),
        )
        offered = [*api.operations(), *library.operations(), *extension.operations()]
        self.operations = Description(offered, __version__).operations
        page = Page(settings, self._store, proxies)
        self.asgi = _dressed(settings, self._identities, proxies, self.operations, page)
        self.health.add("rooms_redis", lambda: ping(self._rooms_redis, "rooms"))
        self.health.add("jobs_redis", lambda: ping(self._jobs_redis, "jobs"))

    async def start(self) -> None:
        """Begin to watch Redis; it may come up later than we do."""
        await self._refresh_run()
        self._watching = asyncio.create_task(self._watch_run())

    async def drain(self, seconds: float) -> None:
        """Nobody stays here longer than a request."""

    async def stop(self) -> None:
        """Close connections."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._identities.close()
        await self._rooms_redis.aclose()
        await self._jobs_redis.aclose()

    async def _watch_run(self) -> None:
        while True:
            await asyncio.sleep(RUN_PERIOD_S)
            await self._refresh_run()

    async def _refresh_run(self) -> None:
        with contextlib.suppress(Unavailable):
            await self._store.masters.refresh()


def build(environ: Mapping[str, str]) -> GatewayApp:
    """The service as `WT_…` variables describe it.

    :raises SettingsError: naming every setting that is wrong.
    """
    return GatewayApp(load(GatewaySettings, environ))


async def _nothing(_request: Request) -> Response:
    raise Refused("not_found", "There is nothing at this address.")


def _dressed(
    settings: GatewaySettings,
    identities: Identities,
    proxies: TrustedProxies,
    operations: Sequence[Operation],
    page: Page,
) -> ASGIApp:
    routes = [
        *(operation.route() for operation in operations),
        # What is none of them is no page either.
        Route("/api/{path:path}", _nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        Route("/room/{room}", page.room),
        Route("/doctor", page.doctor),
        Route("/{path:path}", page.file),
    ]
    handlers = {WatchTogetherError: on_error, HTTPException: on_error, Exception: on_error}
    app: ASGIApp = Starlette(routes=routes, exception_handlers=handlers)
    app = Door(app, settings, identities, proxies)
    # Around the door: that nobody can be let in is what an operator must hear of first.
    app = RequestMetrics(app, "gateway")
    # Around the door as well: a browser that asks whether it may ask shows nobody's session.
    app = Neighbours(app, settings, proxies)
    return Headers(app, lambda scope: safety_headers(peer_origins(proxies.caller(scope), settings)))
