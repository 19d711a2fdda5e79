"""The resolver's instruments. Labels are closed sets: never a URL, a site or a room."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram, Info

RESOLVES: Final = Counter("wt_resolver_resolves_total", "Jobs by outcome: cached, ok, or an error code.", ["outcome"])
EXTRACTIONS: Final = Counter(
    "wt_resolver_extractions_total",
    "Links that were opened, by site and outcome: ok, or an error code.",
    ["site", "outcome"],
)
QUEUE_DEPTH: Final = Gauge("wt_resolver_queue_depth", "Jobs that wait or run, of all workers.")
QUEUE_AGE: Final = Gauge("wt_resolver_queue_age_seconds", "How long the oldest of those jobs has been there.")
SECONDS: Final = Histogram(
    "wt_resolver_extraction_seconds",
    "How long one extraction took.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 45, 60),
)
RUNNING: Final = Gauge("wt_resolver_running", "Extractions that run now.")
DELIVERED: Final = Counter("wt_resolver_delivered_total", "Results that entered a room.")
WORKER_RESTARTS: Final = Counter(
    "wt_resolver_worker_restarts_total", "Times the worker lost Redis or broke and was begun again."
)
EGRESS: Final = Counter("wt_resolver_egress_total", "Connections of extractions by outcome.", ["outcome"])
NURSERIES: Final = Counter("wt_resolver_nurseries_total", "Times yt-dlp was imported, to be forked from.")
NURSERIES_LOST: Final = Counter("wt_resolver_nurseries_lost_total", "Nurseries that ended by themselves.")
WATCHED: Final = Counter(
    "wt_resolver_watched_total", "Extractions by outcome: ok, refused (the link's fault), site_failed.", ["outcome"]
)
SITES_LEFT_ALONE: Final = Counter("wt_resolver_left_alone_total", "Links not tried because their site fails.")
SITES_OPEN: Final = Gauge("wt_resolver_sites_open", "Sites that are left alone now.")
PROVIDER_UP: Final = Gauge("wt_resolver_pot_provider_up", "Whether the PO-token provider answers.")
YTDLP: Final = Info("wt_resolver_ytdlp", "Installed versions.")
YTDLP_AGE: Final = Gauge("wt_resolver_ytdlp_age_days", "How old the installed yt-dlp is.")
CANARIES: Final = Counter("wt_resolver_canaries_total", "Tries of canary links: ok, failed.", ["outcome"])

# A closed set: what people paste is not.
_SITES: Final = {
    "youtube.com": "youtube",
    "youtu.be": "youtube",
    "youtube-nocookie.com": "youtube",
    "twitch.tv": "twitch",
    "vimeo.com": "vimeo",
    "dailymotion.com": "dailymotion",
    "dai.ly": "dailymotion",
    "soundcloud.com": "soundcloud",
    "tiktok.com": "tiktok",
    "x.com": "x",
    "twitter.com": "x",
    "facebook.com": "facebook",
    "instagram.com": "instagram",
    "reddit.com": "reddit",
    "bilibili.com": "bilibili",
}


def site_of(host: str) -> str:
    """The site that a host belongs to, as a label: one of a few, or `other`."""
    parts = host.lower().split(".")
    return next((site for n in range(len(parts)) if (site := _SITES.get(".".join(parts[n:])))), "other")


def running() -> int:
    """How many extractions run now."""
    return int(next(iter(RUNNING.collect())).samples[0].value)
