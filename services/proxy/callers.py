"""Who asks for bytes, as far as limits need to know: an address, and a person if a session says so."""

from __future__ import annotations

from typing import Final, NamedTuple

from starlette.types import Scope

from services.common.identity import Sessions
from services.common.net import TrustedProxies, limited_address

_MOST_REMEMBERED: Final = 10_000
_FORWARDED: Final = frozenset({b"x-forwarded-for", b"cf-connecting-ip"})


class CallerId(NamedTuple):
    """`address` is '' for this machine itself, `person` for who shows no session of ours."""

    address: str
    person: str


class Callers:
    """Tells callers apart. What was worked out is remembered: a segment must not cost a signature's check."""

    def __init__(self, proxies: TrustedProxies, sessions: Sessions) -> None:
        self._proxies = proxies
        self._sessions = sessions
        self._addresses: dict[tuple[str, bytes], str] = {}
        self._people: dict[bytes, str] = {}

    def of(self, scope: Scope) -> CallerId:
        """Who sent a request, by its ASGI scope."""
        cookie, forwarded = b"", b""
        for name, value in scope["headers"]:
            if name == b"cookie":
                cookie = value
            elif name in _FORWARDED:
                forwarded += name + value
        client = scope.get("client")
        seen = (str(client[0]) if client else "", forwarded)
        address = self._addresses.get(seen)
        if address is None:
            if len(self._addresses) >= _MOST_REMEMBERED:
                self._addresses.clear()
            address = self._addresses[seen] = self._address(scope)
        return CallerId(address, self._person(cookie) if cookie else "")

    def _address(self, scope: Scope) -> str:
        return limited_address(self._proxies.caller(scope).address)

    def _person(self, cookie: bytes) -> str:
        person = self._people.get(cookie)
        if person is None:
            if len(self._people) >= _MOST_REMEMBERED:
                self._people.clear()
            session = self._sessions.read({"cookie": cookie.decode("latin-1")})
            person = self._people[cookie] = session.id if session else ""
        return person
