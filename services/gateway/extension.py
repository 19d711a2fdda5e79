"""`/api/browsers` for the page, `/api/extension/…` for the browser's extension: pair, then bring and delete cookies.

What the extension may do hangs on its token alone. Sessions and cookies of a request count for nothing there, so any
extension's origin may ask: Firefox gives each installation a random one.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Final

import structlog
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from services.common.errors import Refused
from services.common.identity import Identities, Identity
from services.common.net import TrustedProxies
from services.common.wire.rest import BrowserList, CookieList, Paired, PairingCode, PairRequest
from services.gateway import metrics
from services.gateway.answers import answer, read_body, read_bytes
from services.gateway.browsers import Bearer, Browsers
from services.gateway.config import GatewaySettings
from services.gateway.cookies import COOKIE_TEXT, MAX_BYTES, CookieDesk
from services.gateway.door import EXTENSION_ORIGIN, EXTENSION_PATH
from services.gateway.limits import AddressLimit
from services.gateway.operations import Operation
from services.gateway.pairing import Holder, PairingCodes

log = structlog.get_logger()

_CORS: Final = Middleware(
    CORSMiddleware,
    allow_origin_regex=EXTENSION_ORIGIN.pattern,
    allow_methods=["GET", "POST", "DELETE"],
    allow_headers=["Authorization"],
    # An installation in one's own network, asked by a browser that thinks itself outside of it.
    allow_private_network=True,
)


class ExtensionApi:
    """The handlers and what they need."""

    def __init__(
        self,
        settings: GatewaySettings,
        identities: Identities,
        proxies: TrustedProxies,
        codes: PairingCodes,
        browsers: Browsers,
        desk: CookieDesk,
    ) -> None:
        self._identities = identities
        self._proxies = proxies
        self._codes = codes
        self._browsers = browsers
        self._desk = desk
        self._issued = AddressLimit("pairing_code", settings.pairings_per_minute)
        self._pairings = AddressLimit("pairing", settings.pairings_per_minute)
        self._uploads = AddressLimit("extension_cookies", settings.cookie_uploads_per_minute)

    def operations(self) -> list[Operation]:
        """What can be asked for here."""
        pair, cookies = f"{EXTENSION_PATH}pair", f"{EXTENSION_PATH}cookies"
        guarded = partial(Operation, cors=_CORS, needs_token=True)
        return [
            Operation("GET", "/api/browsers", self.browsers, answers=BrowserList),
            Operation("POST", "/api/browsers/code", self.issue_code, answers=PairingCode, status=201),
            Operation("DELETE", "/api/browsers/{browser}", self.revoke, status=204),
            Operation("POST", pair, self.pair, body=PairRequest, answers=Paired, status=201, cors=_CORS),
            guarded("DELETE", pair, self.unpair, status=204),
            guarded("GET", cookies, self.cookies, answers=CookieList),
            guarded("POST", cookies, self.bring_cookies, text=COOKIE_TEXT, answers=CookieList, status=201),
            guarded("DELETE", cookies, self.delete_cookies, status=204, queries={"domain": "The site."}),
        ]

    async def issue_code(self, request: Request) -> Response:
        """A pairing code for the caller's next browser."""
        self._issued.take(self._address(request), time.monotonic())
        caller = await self._person(request)
        code = await self._codes.issue(Holder(owner=caller.id, name=caller.name))
        metrics.PAIRINGS.labels("code").inc()
        return answer(code, status=201)

    async def browsers(self, request: Request) -> Response:
        """The browsers that the caller connected."""
        caller = await self._identities.authenticate(request.headers)
        return answer(BrowserList(browsers=await self._browsers.list(caller.id) if caller else []))

    async def revoke(self, request: Request) -> Response:
        """Disconnect one of the caller's browsers."""
        caller, browser = await self._person(request), str(request.path_params["browser"])
        await self._browsers.revoke(caller.id, browser)
        self._note("revoked", browser)
        return answer(None, status=204)

    async def pair(self, request: Request) -> Response:
        """A token for the browser that brings a code."""
        self._pairings.take(self._address(request), time.monotonic())
        body = await read_body(request, PairRequest)
        try:
            holder = await self._codes.redeem(body.code)
        except Refused:
            metrics.PAIRINGS.labels("refused").inc()
            raise
        token = await self._browsers.admit(holder.owner, body.browser)
        self._note("paired", (await self._browsers.bearer(token)).browser)
        return answer(Paired(token=token, name=holder.name), status=201)

    async def unpair(self, request: Request) -> Response:
        """Disconnect the browser that asks."""
        bearer = await self._bearer(request)
        await self._browsers.revoke(bearer.owner, bearer.browser)
        self._note("revoked", bearer.browser)
        return answer(None, status=204)

    async def cookies(self, request: Request) -> Response:
        """The sites of which the token's person keeps cookies here."""
        return answer(await self._desk.list((await self._bearer(request)).owner))

    async def bring_cookies(self, request: Request) -> Response:
        """Keep cookies for the token's person, as `POST /api/cookies` does for a session's."""
        bearer = await self._bearer(request)
        self._uploads.take(bearer.browser, time.monotonic())
        return answer(await self._desk.bring(bearer.owner, await read_bytes(request, MAX_BYTES)), status=201)

    async def delete_cookies(self, request: Request) -> Response:
        """Forget the cookies of `?domain=`: one site at a time, a lost token must not empty everything."""
        bearer = await self._bearer(request)
        domain = request.query_params.get("domain", "")
        if not domain.strip(" ."):
            raise Refused("malformed", "Say of which site: ?domain=")
        await self._desk.take_back(bearer.owner, domain)
        return answer(None, status=204)

    async def _bearer(self, request: Request) -> Bearer:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused("bad_token", "This needs the token of a connected browser.")
        return await self._browsers.bearer(token.strip())

    async def _person(self, request: Request) -> Identity:
        """:raises Refused: `sign_in_required` for a browser that has not opened the page yet."""
        caller = await self._identities.authenticate(request.headers)
        if caller is None:
            raise Refused("sign_in_required", "Open the page first: it makes you somebody.")
        return caller

    def _note(self, outcome: str, browser: str) -> None:
        metrics.PAIRINGS.labels(outcome).inc()
        log.info("browser", outcome=outcome, browser=browser)

    def _address(self, request: Request) -> str:
        return self._proxies.caller(request.scope).address
