"""The resolver's settings."""

from __future__ import annotations

import os
from dataclasses import dataclass

from services.common.config import CommonSettings, integer, names, seconds, setting
from services.common.tunnel import egress_proxy

_GIB = 1 << 30


def _family(raw: str) -> str:
    if raw not in ("ipv4", "ipv6", "any"):
        raise ValueError("expected ipv4, ipv6 or any")
    return raw


@dataclass(frozen=True, kw_only=True)
class ResolverSettings(CommonSettings):
    """What a resolver worker reads beside the common settings."""

    # Links resolved at a time; each takes a process of about 100 MB.
    resolver_concurrency: int = setting(min(4, os.cpu_count() or 1), integer(1, 64))
    # After this a link's extraction is ended, whatever it does.
    resolver_deadline_s: float = setting(45.0, seconds)
    # Memory that one process of an extraction may take. Node does not start with half of it.
    resolver_memory_bytes: int = setting(_GIB, integer(512 << 20, 64 * _GIB))
    # Processes that wait for a link. 0: each is made when its link comes, which takes some milliseconds more.
    resolver_warm: int = setting(2, integer(0, 16))
    # After so many links yt-dlp is imported anew, so that nothing adds up.
    resolver_recycle: int = setting(500, integer(1, 1_000_000))
    # The longest time that a result is kept; a stream that expires earlier shortens it.
    format_ttl_s: int = setting(7200, integer(60, 7200))
    # Folders that hold yt-dlp plugin packages, beside the installed ones.
    ytdlp_plugin_dirs: tuple[str, ...] = setting((), names)
    # Node.js 22 or newer for JavaScript challenges. Empty: found.
    node_path_for_ytdlp: str = setting("")
    # The PO-token provider's address. Empty: none.
    pot_provider_url: str = setting("")
    # Links that are opened at intervals, to learn of a broken site before people do.
    resolver_canaries: tuple[str, ...] = setting((), names)
    resolver_canary_s: float = setting(900.0, seconds)
    # An HTTP proxy for everything that leaves: the same here and in the proxy. Empty: none.
    egress_proxy: str = setting("", egress_proxy, secret=True)
    # YouTube binds its URLs to the family of the address that asked: the same here and in the proxy.
    address_family: str = setting("ipv4", _family)
