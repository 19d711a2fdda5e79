"""What the gateway counts beside its requests."""

from __future__ import annotations

from prometheus_client import Counter

COOKIES = Counter("wt_gateway_cookies_total", "Times people stored or deleted cookies of sites.", ["change"])
LIMITED = Counter("wt_gateway_limited_total", "Requests refused because their address asked too often.", ["what"])
PAIRINGS = Counter(
    "wt_gateway_pairings_total",
    "Pairing codes given out, browsers paired or revoked, and codes that were refused.",
    ["outcome"],
)
LIBRARY = Counter("wt_gateway_library_total", "Changes of people's playlists and watch histories.", ["change"])
