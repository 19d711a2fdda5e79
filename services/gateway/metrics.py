"""What the gateway counts beside its requests."""

from __future__ import annotations

from prometheus_client import Counter

LIMITED = Counter("wt_gateway_limited_total", "Requests refused because their address asked too often.", ["what"])
