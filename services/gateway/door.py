"""Who may come in at all: pure ASGI, in front of page and REST."""

from __future__ import annotations

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common.config import CommonSettings
from services.common.errors import Refused, WatchTogetherError
from services.common.identity import Identities
from services.common.net import TrustedProxies, origin_allowed
from services.gateway.answers import failure

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Here a token is the guard (`extension.py`): an extension has no session of ours, and no origin that we could know.
EXTENSION_PATH: Final = "/api/extension/"
EXTENSION_ORIGIN: Final = re.compile(r"(?:chrome|moz|safari-web)-extension://[A-Za-z0-9._-]{1,255}")


class Door:
    """Refuses strangers where guests are not allowed, and changes that a foreign page asks for."""

    def __init__(self, app: ASGIApp, settings: CommonSettings, identities: Identities, proxies: TrustedProxies) -> None:
        self._app = app
        self._settings = settings
        self._identities = identities
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._check(scope)
        except WatchTogetherError as error:
            await failure(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if scope["path"].startswith(EXTENSION_PATH):
            origin = headers.get("origin")
            if origin is not None and EXTENSION_ORIGIN.fullmatch(origin) is None:
                raise Refused("bad_origin", "This address is for extensions of browsers.")
            return
        if not self._settings.guests_allowed:
            await self._identities.authenticate(headers)
        caller = self._proxies.caller(scope)
        if scope["method"] not in _READING and not origin_allowed(headers.get("origin"), caller, self._settings):
            raise Refused("bad_origin", "This page may not do that here.")
