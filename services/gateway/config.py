"""Settings of the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.common.config import CommonSettings, integer, seconds, setting


@dataclass(frozen=True, kw_only=True)
class GatewaySettings(CommonSettings):
    """One replica of REST and page."""

    # The built page.
    web_dir: Path = setting(Path("web/dist"), Path)
    # How long `POST /api/resolve` waits for the resolver.
    resolve_wait_s: float = setting(60.0, seconds)
    # Per caller's address and replica, with a burst as large; uploads of a paired browser by browser. 0: no limit.
    resolves_per_minute: int = setting(60, integer(0, 100_000))
    cookie_uploads_per_minute: int = setting(30, integer(0, 100_000))
    # Codes asked for, and codes tried: each.
    pairings_per_minute: int = setting(10, integer(0, 100_000))
    library_changes_per_minute: int = setting(240, integer(0, 100_000))
    new_guests_per_minute: int = setting(120, integer(0, 100_000))
