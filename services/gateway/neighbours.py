"""Pages of the other replicas (`WT_PEERS`) that come here when their own is dead: pure ASGI, in front of REST."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common.config import CommonSettings
from services.common.net import TrustedProxies, peer_origins
from services.gateway.answers import HeaderList
from services.gateway.door import EXTENSION_PATH

_PREFLIGHT: Final[HeaderList] = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"600"),
)


class Neighbours:
    """Lets them read answers and send their person's cookie (https://fetch.spec.whatwg.org/#http-cors-protocol).

    What a request may do is the door's business, for theirs as for any other.
    """

    def __init__(self, app: ASGIApp, settings: CommonSettings, proxies: TrustedProxies) -> None:
        self._app = app
        self._settings = settings
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = self._neighbour(scope)
        if origin is None:
            await self._app(scope, receive, send)
            return
        shared: HeaderList = (
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", b"retry-after"),
            (b"vary", b"origin"),
        )
        if scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(scope=scope):
            await send({"type": "http.response.start", "status": 204, "headers": [*shared, *_PREFLIGHT]})
            await send({"type": "http.response.body"})
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *shared]
            await send(message)

        await self._app(scope, receive, dressed)

    def _neighbour(self, scope: Scope) -> str | None:
        """The origin of a request that a page of another replica sent; None for every other request."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/") or scope["path"].startswith(EXTENSION_PATH):
            return None
        origin = Headers(scope=scope).get("origin")
        return origin if origin in peer_origins(self._proxies.caller(scope), self._settings) else None
