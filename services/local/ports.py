"""Which ports a local installation takes, and whether they are free."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

SHARED_OFFSET: Final = 100
ADMIN_OFFSET: Final = 1000


@dataclass(frozen=True, slots=True)
class Ports:
    """The public ones are promised, so a taken one is an error; the operator's give way."""

    public: tuple[int, ...]
    # One address in front of the replicas; None with a single one.
    shared: int | None
    # Metrics and health, one for each replica and then the resolver's.
    admin: tuple[int, ...]


def plan(first: int, replicas: int, admin: int = 0) -> Ports:
    """The ports of `replicas` processes from `first` on; the operator's from `admin` on, as far as they are free."""
    public = tuple(range(first, first + replicas))
    shared = first + SHARED_OFFSET if replicas > 1 else None
    admin = admin or first + ADMIN_OFFSET
    wanted = [*range(admin, admin + replicas), admin + SHARED_OFFSET - 1]
    return Ports(public, shared, tuple(port if is_free("127.0.0.1", port) else free_port() for port in wanted))


def taken(host: str, ports: Ports) -> list[int]:
    """The public ports that somebody else listens on."""
    wanted = [*ports.public, *([ports.shared] if ports.shared else [])]
    return [port for port in wanted if not is_free(host, port)]


def is_free(host: str, port: int) -> bool:
    """Whether we could listen on `host`:`port` now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError):
        return False
    return True


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lan_address() -> str | None:
    """This machine's address in its network, by asking the routing table (nothing is sent)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return None
