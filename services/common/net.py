"""Who is calling, from where, and whether their page may: all that depends on trusted edges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from services.common.config import CommonSettings, SettingsError

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Caller:
    """The far end of a request. `scheme` is `http` or `https`; `host` is what the browser's address bar names."""

    address: str
    scheme: str
    host: str

    @property
    def is_secure(self) -> bool:
        """Whether the browser spoke TLS."""
        return self.scheme == "https"


class TrustedProxies:
    """The networks whose forwarded headers are believed (`WT_TRUSTED_PROXIES`)."""

    def __init__(self, networks: tuple[str, ...]) -> None:
        """:raises SettingsError: if one is not a network or an address."""
        self._networks: list[IPv4Network | IPv6Network] = []
        for text in networks:
            try:
                self._networks.append(ip_network(text, strict=False))
            except ValueError as error:
                raise SettingsError([f"WT_TRUSTED_PROXIES={text!r}: {error}"]) from None

    def trusts(self, address: str) -> bool:
        """Whether `address` is one of our edges."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        plain = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped else parsed
        return any(plain in network for network in self._networks)

    def caller(self, scope: Scope) -> Caller:
        """Who called, by an ASGI scope: forwarded headers count only when a trusted edge sent them.

        The address is the right-most hop of `X-Forwarded-For` that is not an edge of ours. `CF-Connecting-IP` counts
        only without that header: an edge that appends to the one may pass the other through as the client wrote it.
        """
        headers = Headers(scope=scope)
        client = scope.get("client")
        address = str(client[0]) if client else ""
        scheme = "https" if scope.get("scheme") in ("https", "wss") else "http"
        host = headers.get("host", "")
        if not self.trusts(address):
            return Caller(address, scheme, host)
        forwarded = _last(headers.get("x-forwarded-proto"))
        return Caller(
            self._nearest_stranger(headers, address),
            forwarded if forwarded in ("http", "https") else scheme,
            _last(headers.get("x-forwarded-host")) or host,
        )

    def _nearest_stranger(self, headers: Headers, edge: str) -> str:
        hops = [hop.strip() for line in headers.getlist("x-forwarded-for") for hop in line.split(",")]
        if not hops:
            hops = [headers.get("cf-connecting-ip", "").strip()]
        for hop in reversed(hops):
            try:
                ip_address(hop)
            except ValueError:
                break
            if not self.trusts(hop):
                return hop
            edge = hop
        return edge


def address_group(address: str) -> str:
    """What limits by address count as one caller: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((int(parsed) >> 64 << 64, 64)))
    return address


def limited_address(address: str) -> str:
    """What a limit by address counts a caller as; '' for this machine itself, which no such limit holds for.

    An edge on this machine that nobody named in WT_TRUSTED_PROXIES would have everybody share one limit.
    """
    try:
        is_here = ip_address(address).is_loopback
    except ValueError:
        is_here = True
    return "" if is_here else address_group(address)


def origin_allowed(origin: str | None, caller: Caller, settings: CommonSettings) -> bool:
    """Whether a request with this `Origin` may change anything here.

    A missing one is (no browser sent it, or a page of ours by GET), the page's own host is, and `WT_ORIGINS` and the
    replicas of `WT_PEERS` are. Any other port of the same host is another origin.
    """
    if origin is None or origin in settings.origins or origin in peer_origins(caller, settings):
        return True
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or not caller.host:
        return False
    try:
        return _host_port(origin) == _host_port(f"{parts.scheme}://{caller.host}")
    except ValueError:
        return False


def peer_origins(caller: Caller, settings: CommonSettings) -> tuple[str, ...]:
    """The origins of `WT_PEERS` as a browser writes them, ports by the host that this caller asked."""
    return _peer_origins(settings.peers, caller.scheme, caller.host) if settings.peers else ()


@lru_cache(maxsize=1024)
def _peer_origins(peers: tuple[str, ...], scheme: str, host: str) -> tuple[str, ...]:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    # It ends up in headers of ours, where an address in brackets has no place either (CSP 3 §2.3.1).
    known = peers if _HOST_NAME.fullmatch(name) else [peer for peer in peers if not peer.startswith(":")]
    whole = [f"{scheme}://{name}{peer}" if peer.startswith(":") else peer for peer in known]
    return tuple(each.removesuffix(":443" if each.startswith("https") else ":80") for each in whole)


def _host_port(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _last(value: str | None) -> str:
    return value.rsplit(",", 1)[-1].strip() if value else ""
