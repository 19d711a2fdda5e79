"""How connections to origins are made: to addresses that the guard has checked, directly or through an egress proxy."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from services.common.errors import Refused
from services.common.guard import Guard, is_public
from services.common.tunnel import EgressProxy

DNS_TTL_S: Final = 30
KEEP_ALIVE_S: Final = 30
# Addresses of one name that are tried.
MOST_TRIED: Final = 3


class Gatekeeper:
    """The guard's part in a pool of connections: what a name leads to, and a last look at what is connected to."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        # Private addresses that the guard let through for an allowed host.
        self._approved: set[tuple[str, int]] = set()

    def approve(self, address: str, port: int) -> None:
        """Let connections to an address through, though it may be private: an operator allowed its host."""
        self._approved.add((address, port))

    def check(self, address: str, port: int) -> None:
        """:raises Refused: `private_address`."""
        if not is_public(address) and (address, port) not in self._approved:
            raise Refused("private_address", "This link leads to a private address.")

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for the very address that will be connected to."""
        family, kind, protocol, _, address = info
        self.check(str(address[0]), address[1])
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


def make_connector(
    keeper: Gatekeeper | None, egress: EgressProxy | None, *, connections: int, per_host: int
) -> aiohttp.TCPConnector:
    """A pool of connections, in the running loop; without `keeper` for places that are known."""
    pool: dict[str, Any] = {
        "limit": connections,
        "limit_per_host": per_host,
        "ttl_dns_cache": DNS_TTL_S,
        "keepalive_timeout": KEEP_ALIVE_S,
    }
    if keeper is None:
        return aiohttp.TCPConnector(**pool)
    resolver = _GuardedResolver(keeper)
    if egress is None:
        return aiohttp.TCPConnector(resolver=resolver, socket_factory=keeper.socket, **pool)
    return _TunnelConnector(keeper, egress, resolver=resolver, **pool)


class _GuardedResolver(AbstractResolver):
    def __init__(self, keeper: Gatekeeper) -> None:
        self._keeper = keeper

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        guard = self._keeper.guard
        found = await guard.addresses(host, port)
        if guard.is_allowed(host, port):
            for address in found:
                self._keeper.approve(address, port)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """The guard outlives the pool."""


class _TunnelConnector(aiohttp.TCPConnector):
    """Reaches the addresses through an HTTP proxy.

    aiohttp's own way would name the host to the proxy, which would resolve it a second time, past the guard. So the one
    step between resolving and speaking TLS is ours; it has no public name (aiohttp 3.14).
    """

    def __init__(self, keeper: Gatekeeper, egress: EgressProxy, **pool: Any) -> None:
        super().__init__(**pool)
        self._keeper = keeper
        self._egress = egress

    async def _wrap_create_connection(
        self, *args: Any, addr_infos: list[Any], req: Any, timeout: Any, client_error: Any = None, **kwargs: Any
    ) -> Any:
        error_type = client_error or aiohttp.ClientConnectorError
        try:
            async with asyncio.timeout(timeout.sock_connect):
                made = await self._tunnel(addr_infos)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("the egress proxy does not answer in time") from error
        except OSError as error:
            raise error_type(req.connection_key, error) from error
        return await self._wrap_existing_connection(
            *args, req=req, timeout=timeout, client_error=error_type, sock=made, **kwargs
        )

    async def _tunnel(self, addr_infos: list[Any]) -> socket.socket:
        failure: OSError = ConnectionError("there is no address")
        for *_, place in addr_infos[:MOST_TRIED]:
            self._keeper.check(str(place[0]), place[1])
            try:
                return await self._egress.connect(str(place[0]), place[1])
            except OSError as error:
                failure = error
        raise failure
