"""What a Redis URL names: one server, a Sentinel service or a Cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from services.common import tls as security
from services.common.tls import Tls

Kind = Literal["server", "sentinel", "cluster"]

_KINDS: Final[dict[str, Kind]] = {
    "redis": "server",
    "rediss": "server",
    "unix": "server",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
_EXPECTED: Final = "expected redis://, rediss://, unix://, redis+sentinel://host:port[,…]/service or redis+cluster://"
_OPTIONS: Final = frozenset(("db", "username", "password", "sentinel_username", "sentinel_password"))
_DEFAULT_PORTS: Final[dict[Kind, int]] = {"server": 6379, "sentinel": 26379, "cluster": 6379}


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where a server listens: a host and a port, or with `path` a Unix socket."""

    host: str = "localhost"
    port: int = 6379
    path: str = ""

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Topology:
    """A parsed URL.

    `addresses` are the server, the sentinels, or some nodes of the Cluster. User and password are those of the servers
    that hold the data; sentinels are spoken to with `sentinel_username` and `sentinel_password`, if any. `tls` is for
    all of them; None is in clear.
    """

    kind: Kind
    addresses: tuple[Address, ...]
    service: str = ""
    db: int = 0
    tls: Tls | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    sentinel_username: str = ""
    sentinel_password: str = field(default="", repr=False)


def parse_topology(url: str) -> Topology:
    """Parse a Redis URL.

    :raises ValueError: telling what was expected.
    """
    parts = urlsplit(url)
    kind = _KINDS.get(parts.scheme)
    if kind is None:
        raise ValueError(_EXPECTED)
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    is_tls = parts.scheme.startswith("rediss")
    if strange := query.keys() - _OPTIONS - (security.OPTIONS if is_tls else frozenset()):
        raise ValueError(f"unknown options: {', '.join(sorted(strange))}")
    steps = [unquote(step) for step in parts.path.split("/") if step]
    service = ""
    if parts.scheme == "unix":
        addresses: tuple[Address, ...] = (Address("", 0, unquote(parts.path)),)
        steps = []
    else:
        addresses = tuple(_address(host, _DEFAULT_PORTS[kind]) for host in hosts.split(","))
    if kind == "sentinel":
        if not steps:
            raise ValueError("expected redis+sentinel://host:port[,host:port…]/service[/db]")
        service, *steps = steps
    if len(steps) > 1 or (kind == "server" and len(addresses) > 1):
        raise ValueError(_EXPECTED)
    db = int(query.get("db") or (steps[0] if steps else "0"))
    if kind == "cluster" and db:
        raise ValueError("a Cluster has database 0 only")
    return Topology(
        kind,
        addresses,
        service=service,
        db=db,
        tls=security.read_tls(query) if is_tls else None,
        username=unquote(username) or query.get("username", ""),
        password=unquote(password) or query.get("password", ""),
        sentinel_username=query.get("sentinel_username", ""),
        sentinel_password=query.get("sentinel_password", ""),
    )


def _address(text: str, default_port: int) -> Address:
    found = urlsplit(f"//{text}")
    return Address(found.hostname or "localhost", found.port or default_port)
