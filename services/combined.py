"""Proxy, sync and gateway in one process, for machines that need no more: `python -m services.combined`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from services.common.config import CommonSettings
from services.common.health import Health
from services.common.serving import ServiceApp, main
from services.gateway.app import build as build_gateway
from services.proxy.app import build as build_proxy
from services.sync.app import build as build_sync


class CombinedApp:
    """Dispatches by path, as an edge would."""

    def __init__(self, *, proxy: ServiceApp, sync: ServiceApp, gateway: ServiceApp) -> None:
        self._proxy = proxy.asgi
        self._sync = sync.asgi
        self._gateway = gateway.asgi
        # Started in this order, ended in the other: who needs others comes later.
        self._services = (proxy, sync, gateway)
        self.health = Health()
        for service in self._services:
            self.health.include(service.health)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the service that its path belongs to."""
        path = scope.get("path", "")
        if path == "/api/proxy" or path.startswith(("/api/proxy/", "/internal/proxy")):
            await self._proxy(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._sync(scope, receive, send)
        else:
            await self._gateway(scope, receive, send)

    async def start(self) -> None:
        """Start every service; if one can't, those before it are stopped."""
        started: list[ServiceApp] = []
        try:
            for service in self._services:
                await service.start()
                started.append(service)
        except BaseException:
            for service in reversed(started):
                await service.stop()
            raise

    async def drain(self, seconds: float) -> None:
        """Drain all at once."""
        async with asyncio.TaskGroup() as tasks:
            for service in self._services:
                service.health.is_draining = True
                tasks.create_task(service.drain(seconds))

    async def stop(self) -> None:
        """Stop every service, whatever becomes of the others."""
        outcomes = [
            await asyncio.gather(service.stop(), return_exceptions=True) for service in reversed(self._services)
        ]
        failures = [error for outcome in outcomes for error in outcome if isinstance(error, Exception)]
        if failures:
            raise ExceptionGroup("services that did not stop well", failures)


def build(environ: Mapping[str, str]) -> CombinedApp:
    """All three from the same `WT_…` variables.

    :raises SettingsError: naming every setting of the first service that refuses them.
    """
    return CombinedApp(proxy=build_proxy(environ), sync=build_sync(environ), gateway=build_gateway(environ))


if __name__ == "__main__":
    sys.exit(main("combined", CommonSettings, build, sys.argv[1:]))
