"""The proxy's settings."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

from services.common.config import CommonSettings, flag, integer, names, seconds, setting
from services.common.tunnel import egress_proxy

_TWITCH_DISTRIBUTIONS: Final = (
    "d1m7jfoe9zdc1j", "d1mhjrowxxagfy", "d1oca24q5dwo6d", "d1w2poirtb3as9", "d1xhnb4ptk05mw", "d1ymi26ma8va5x",
    "d2aba1wr3818hz", "d2e2de1etea730", "d2nvs31859zcd8", "d2um2qdswy1tb0", "d2vjef5jvl6bfs", "d2xmjdvx03ij56",
    "d3aqoihi2n8ty8", "d3c27h4odz752x", "d3fi1amfgojobc", "d3vd9lfkzbru3h", "d6d4ismr40iw", "d6tizftlrpuof",
    "ddacn6pr5v0tl", "dgeft87wbj63p", "dqrpb9wgowsf5", "ds0h3roq6wcgc", "dykkng5hnh52u",
)  # fmt: skip

YOUTUBE: Final = ("googlevideo.com", "youtube.com", "ytimg.com", "ggpht.com")
# Twitch serves recordings from distributions of its own; the rest of cloudfront.net belongs to others.
TWITCH: Final = (
    "ttvnw.net",
    "jtvnw.net",
    "twitch.tv",
    *(f"{distribution}.cloudfront.net" for distribution in _TWITCH_DISTRIBUTIONS),
)

FAMILIES: Final = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6, "any": socket.AF_UNSPEC}


def _family(raw: str) -> str:
    if raw not in FAMILIES:
        raise ValueError("expected ipv4, ipv6 or any")
    return raw


@dataclass(frozen=True, kw_only=True)
class ProxySettings(CommonSettings):
    """What the proxy reads beside the common settings."""

    # Domains, subdomains included, that may be asked for without a signature.
    proxy_domains: tuple[str, ...] = setting(YOUTUBE + TWITCH, names)
    # What memory may hold of small objects and rewritten manifests. 0: nothing is kept.
    proxy_memory_bytes: int = setting(1 << 30, integer(0, 1 << 40))
    # What buckets may take on disk, below WT_DATA_DIR. 0: there are none.
    proxy_disk_bytes: int = setting(50 * 1000**3, integer(0, 1 << 50))
    # What the disk must keep free beside that. 0: nothing.
    proxy_disk_free_bytes: int = setting(1 << 30, integer(0, 1 << 50))
    # `host:port` under which the other proxies reach this one. Empty: made of WT_HOST, or the host's name, and WT_PORT.
    proxy_address: str = setting("")
    # Connections to upstreams, and to one host: beyond that streams wait for each other in turn.
    proxy_connections: int = setting(1024, integer(1, 65535))
    proxy_connections_per_host: int = setting(256, integer(1, 65535))
    # What one address may ask for a second, and have answered at a time. 0: as much as it likes. A household of twenty
    # who all seek at once stays below.
    proxy_address_requests_per_s: int = setting(500, integer(0, 1_000_000))
    proxy_address_streams: int = setting(500, integer(0, 1_000_000))
    # The same of one person, known by a session of this installation. 0: as much as they like.
    proxy_person_requests_per_s: int = setting(100, integer(0, 1_000_000))
    proxy_person_streams: int = setting(64, integer(0, 1_000_000))
    # Answers at a time, of all callers; above four fifths of it only what is here already is sent. 0: any number.
    proxy_streams: int = setting(5000, integer(0, 1_000_000))
    # While the event loop is as late as this for a second, nothing new is fetched. 0: whatever happens.
    proxy_shed_lag_s: float = setting(0.5, seconds)
    # How far to fetch before a player: seconds of segments, bytes of a file that is read in ranges. 0: nothing.
    proxy_prefetch_s: float = setting(12.0, seconds)
    proxy_prefetch_bytes: int = setting(2 << 20, integer(0, 20_000_000))
    proxy_connect_timeout_s: float = setting(5.0, seconds)
    # From sending a request to the first byte of its answer.
    proxy_first_byte_timeout_s: float = setting(10.0, seconds)
    # Between two pieces of a body.
    proxy_chunk_timeout_s: float = setting(15.0, seconds)
    # Answer with `Connection: close`: for edges that can't keep connections apart.
    proxy_connection_close: bool = setting(False, flag)
    # Domains that throttle a Range header and are asked by a `range` parameter instead.
    proxy_range_parameter_domains: tuple[str, ...] = setting(("googlevideo.com",), names)
    # YouTube binds its URLs to the family of the address that asked: the same here and in the resolver.
    address_family: str = setting("ipv4", _family)
    # An HTTP proxy for everything that leaves: the same here and in the resolver. Empty: none.
    egress_proxy: str = setting("", egress_proxy, secret=True)
