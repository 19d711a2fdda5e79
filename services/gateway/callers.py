"""Who sends a request, and from where."""

from __future__ import annotations

import time

from starlette.requests import Request

from services.common.errors import Refused
from services.common.identity import Identities, Identity
from services.common.net import TrustedProxies
from services.gateway.limits import AddressLimit


class Callers:
    """Tells identities of requests, and makes guests, not too many for one address."""

    def __init__(self, identities: Identities, proxies: TrustedProxies, *, new_guests_per_minute: int) -> None:
        self._identities = identities
        self._proxies = proxies
        self._new_guests = AddressLimit("new_guest", new_guests_per_minute)

    async def known(self, request: Request) -> Identity | None:
        """Who this is; None for somebody who was never here.

        :raises Refused, Unavailable: as `Identities.authenticate`.
        """
        return await self._identities.authenticate(request.headers)

    async def owner(self, request: Request) -> Identity:
        """Who this is, where only somebody known can have what is asked for.

        :raises Refused: `not_found` for somebody who was never here; as `known`.
        """
        caller = await self.known(request)
        if caller is None:
            raise Refused("not_found", "You have nothing here yet.")
        return caller

    async def identify(self, request: Request, name: str | None = None) -> tuple[Identity, str | None]:
        """Who this is, a fresh guest if nobody known, and what cookie to set, if any.

        :raises Refused: `too_many_requests` for too many new guests of an address; as `known`.
        """
        if await self.known(request) is None:
            self._new_guests.take(self.address(request), time.monotonic())
        secure = self._proxies.caller(request.scope).is_secure
        return await self._identities.identify(request.headers, name=name, secure=secure)

    def address(self, request: Request) -> str:
        """Where a request comes from, as far as a trusted edge tells."""
        return self._proxies.caller(request.scope).address
