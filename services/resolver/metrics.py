"""The resolver's instruments. Labels are closed sets: never a URL, a site or a room."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

RESOLVES: Final = Counter("wt_resolver_resolves_total", "Jobs by outcome: cached, ok, or an error code.", ["outcome"])
SECONDS: Final = Histogram(
    "wt_resolver_extraction_seconds",
    "How long one extraction took.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 45, 60),
)
RUNNING: Final = Gauge("wt_resolver_running", "Extractions that run now.")
DELIVERED: Final = Counter("wt_resolver_delivered_total", "Results that entered a room.")
WORKER_RESTARTS: Final = Counter("wt_resolver_worker_restarts_total", "Times the worker lost Redis and began again.")
EGRESS: Final = Counter("wt_resolver_egress_total", "Connections of extractions by outcome.", ["outcome"])
NURSERIES: Final = Counter("wt_resolver_nurseries_total", "Times yt-dlp was imported, to be forked from.")
NURSERIES_LOST: Final = Counter("wt_resolver_nurseries_lost_total", "Nurseries that ended by themselves.")
