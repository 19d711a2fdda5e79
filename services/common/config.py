"""Settings: one frozen record per service, read once from `WT_…` variables. Nothing else reads the environment."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from services.common.tls import context_of
from services.common.topology import parse_topology

S = TypeVar("S", bound="CommonSettings")

PREFIX = "WT_"
_REPLICA = re.compile(r"(?=.)(?:https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\]))?(?::(?P<port>[0-9]{1,5}))?")


class SettingsError(ValueError):
    """Some settings don't parse. `problems` names each, with what was expected."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def text(raw: str) -> str:
    """Parse a setting that is plain text."""
    return raw


def integer(low: int, high: int) -> Callable[[str], int]:
    """Parse a whole number from `low` to `high`."""

    def parse(raw: str) -> int:
        value = int(raw)
        if not low <= value <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return value

    return parse


def seconds(raw: str) -> float:
    """Parse a duration in seconds."""
    value = float(raw)
    if not 0 <= value < 10**9:
        raise ValueError("expected seconds, 0 or more")
    return value


def flag(raw: str) -> bool:
    """Parse `1` or `0`."""
    if raw not in ("0", "1"):
        raise ValueError("expected 0 or 1")
    return raw == "1"


def names(raw: str) -> tuple[str, ...]:
    """Parse a comma-separated list; blanks are dropped."""
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def replica_addresses(raw: str) -> tuple[str, ...]:
    """Parse a comma-separated list of origins, or of ports with a colon before them (of whichever host was asked)."""
    return tuple(_replica_address(name) for name in names(raw))


def _replica_address(name: str) -> str:
    address = name.rstrip("/").lower()
    found = _REPLICA.fullmatch(address)
    if found is None or not 0 < int(found["port"] or 443) < 65536:
        raise ValueError(f"{name} is neither an origin such as https://a.example:8001 nor a port such as :8001")
    return address


def redis_address(raw: str) -> str:
    """Parse the address of a Redis, a Sentinel service or a Cluster."""
    topology = parse_topology(raw)
    try:
        if topology.tls is not None:
            context_of(topology.tls)
    except OSError as error:
        raise ValueError(f"its certificates can't be used: {error.strerror or error}") from error
    return raw


def setting(default: Any, parse: Callable[[str], Any] = text, *, secret: bool = False) -> Any:
    """Declare a field: its default, how its variable is parsed, and whether `repr` must hide it."""
    return field(default=default, repr=not secret, metadata={"parse": parse, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class CommonSettings:
    """What every process reads. A field `port` is the variable `WT_PORT`."""

    host: str = setting("127.0.0.1")
    port: int = setting(8000, integer(0, 65535))
    # /metrics, /healthz and /readyz of this process. 0: PORT + 1000.
    admin_port: int = setting(0, integer(0, 65535))
    # Where that port listens. Empty: on `host`.
    admin_host: str = setting("")
    redis_url: str = setting("redis://127.0.0.1:6379/0", redis_address, secret=True)
    # Jobs, format cache, buckets. Empty: the same Redis as the rooms.
    jobs_redis_url: str = setting("", redis_address, secret=True)
    key_prefix: str = setting("wt")
    data_dir: Path = setting(Path("data"), Path)
    # Comma list: the first signs, all verify.
    secret: tuple[str, ...] = setting((), names, secret=True)
    secret_file: str = setting("")
    # Replica id in logs, leases and metrics. Empty: made at start.
    node: str = setting("")
    # Networks whose forwarded headers are believed.
    trusted_proxies: tuple[str, ...] = setting((), names)
    # Allowed `Origin`s beside the page's own.
    origins: tuple[str, ...] = setting((), names)
    # Where the replicas are that people open directly, this one among them: a page of one moves to another when its
    # own dies, so each is an allowed origin. `https://a.example:8001`, or `:8001` for that port of the host that the
    # page was opened at. A page that was opened elsewhere, at an address in front of them, stays there.
    peers: tuple[str, ...] = setting((), replica_addresses)
    access_team: str = setting("")
    access_audience: str = setting("")
    # Empty: on without Access, off with it.
    allow_guests: str = setting("")
    # Whether guests may keep cookies of sites here. Empty: on without Access, off with it.
    guest_cookies: str = setting("")
    # `host` or `host:port` that may be fetched though private.
    allowed_private_hosts: tuple[str, ...] = setting((), names)
    # Links that may be queued or running at a time; whoever comes with another one then is told when to try again.
    resolve_queue_max: int = setting(200, integer(1, 100_000))
    log_level: str = setting("info")
    # An OpenTelemetry collector's address for traces by HTTP, such as http://collector:4318/v1/traces. Empty: none.
    trace_endpoint: str = setting("")
    # How long a stopping process keeps serving while clients move away.
    drain_s: float = setting(5.0, seconds)

    @property
    def guests_allowed(self) -> bool:
        """Whether people without a verified identity may enter."""
        return self.allow_guests == "1" if self.allow_guests else not self.access_team

    @property
    def guest_cookies_allowed(self) -> bool:
        """Whether people without a verified identity may store cookies."""
        return self.guest_cookies == "1" if self.guest_cookies else not self.access_team

    @property
    def jobs_url(self) -> str:
        """The Redis of jobs and caches."""
        return self.jobs_redis_url or self.redis_url


def load(shape: type[S], environ: Mapping[str, str]) -> S:
    """Read `shape`'s fields from `environ`.

    :raises SettingsError: with every problem found, not only the first.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for spec in dataclasses.fields(shape):
        name = PREFIX + spec.name.upper()
        raw = environ.get(name)
        if raw is None or raw == "":
            continue
        try:
            values[spec.name] = spec.metadata["parse"](raw)
        except ValueError as error:
            shown = "(hidden)" if spec.metadata["secret"] else repr(raw)
            problems.append(f"{name}={shown}: {error}")
    settings = None if problems else shape(**values)
    if settings is not None:
        problems = _contradictions(settings)
    if problems or settings is None:
        raise SettingsError(problems)
    return settings


def describe(settings: CommonSettings) -> list[str]:
    """One `WT_NAME=value` line per setting, secrets hidden."""
    lines = []
    for spec in dataclasses.fields(settings):
        value = getattr(settings, spec.name)
        shown = "(set)" if spec.metadata["secret"] and value else value
        if isinstance(shown, tuple):
            shown = ",".join(shown)
        lines.append(f"{PREFIX}{spec.name.upper()}={shown}")
    return lines


def _contradictions(settings: CommonSettings) -> list[str]:
    problems = []
    if settings.access_team and not settings.access_audience:
        problems.append("WT_ACCESS_TEAM needs WT_ACCESS_AUDIENCE: without it any application's assertion would pass")
    if settings.allow_guests not in ("", "0", "1"):
        problems.append(f"WT_ALLOW_GUESTS={settings.allow_guests!r}: expected 0 or 1")
    if settings.guest_cookies not in ("", "0", "1"):
        problems.append(f"WT_GUEST_COOKIES={settings.guest_cookies!r}: expected 0 or 1")
    if parse_topology(settings.jobs_url).kind == "cluster":
        named = "WT_JOBS_REDIS_URL" if settings.jobs_redis_url else "WT_REDIS_URL"
        problems.append(
            f"{named}=(hidden): jobs, caches and buckets can't be kept in a Cluster: "
            "set WT_JOBS_REDIS_URL to a single Redis or a Sentinel service"
        )
    return problems
