"""The way out of an installation that has an HTTP proxy for it (`WT_EGRESS_PROXY`): CONNECT, to checked addresses."""

from __future__ import annotations

import asyncio
import base64
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

DEFAULT_PORT: Final = 3128
_MAX_HEAD_BYTES: Final = 16 * 1024
_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class EgressProxy:
    """Where it is, and what it wants to hear (the value of a Proxy-Authorization header, '' for nothing)."""

    host: str
    port: int
    authorization: str = ""

    @classmethod
    def of(cls, url: str) -> EgressProxy | None:
        """The proxy of `http://user:password@host:port`; None for ''.

        :raises ValueError: if it is another kind of address.
        """
        if not url:
            return None
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError("expected http://host:port, with user:password@ before the host if it asks for that")
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
        authorization = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""
        return cls(parts.hostname, parts.port or DEFAULT_PORT, authorization)

    async def connect(self, address: str, port: int) -> socket.socket:
        """A socket that leads through the proxy to an address: not to a name, which it would resolve a second time.

        :raises OSError: if the proxy can't be reached, or refuses.
        """
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        failure: OSError = ConnectionError("the egress proxy has no address")
        for family, kind, protocol, _, place in infos[:3]:
            made = socket.socket(family, kind, protocol)
            try:
                made.setblocking(False)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await loop.sock_connect(made, place)
                await self._ask(made, address, port)
            except OSError as error:
                made.close()
                failure = error
            except BaseException:
                made.close()
                raise
            else:
                return made
        raise failure

    async def _ask(self, made: socket.socket, address: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        await loop.sock_sendall(made, "\r\n".join([*lines, "", ""]).encode())
        head = b""
        # Nobody speaks behind this head before we do: whatever is read belongs to it.
        while _END not in head:
            chunk = await loop.sock_recv(made, 4096)
            head += chunk
            if not chunk or len(head) > _MAX_HEAD_BYTES:
                raise ConnectionError("the egress proxy breaks off")
        if head.split(b" ", 2)[1:2] != [b"200"] or not head.endswith(_END):
            raise ConnectionError("the egress proxy refuses")


def egress_proxy(raw: str) -> str:
    """Parse a setting that is the address of an HTTP proxy, or empty."""
    EgressProxy.of(raw)
    return raw
