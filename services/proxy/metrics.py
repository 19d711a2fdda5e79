"""What the proxy counts. Labels are closed sets: never a room, a URL or a person."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

REQUESTS = Counter("wt_proxy_requests_total", "Requests answered, by where the body came from", ["cache"])
SENT_BYTES = Counter("wt_proxy_sent_bytes_total", "Body bytes sent to clients, by where they came from", ["cache"])
UPSTREAM_BYTES = Counter("wt_proxy_upstream_bytes_total", "Body bytes read from upstreams")
UPSTREAM_ANSWERS = Counter("wt_proxy_upstream_answers_total", "Answers of upstreams, by class of status", ["status"])
FAILURES = Counter("wt_proxy_failures_total", "Requests refused or failed, by code", ["code"])
LEFT: Final = "left"
ABORTS = Counter(
    "wt_proxy_aborts_total",
    "Answers that were not finished, by reason: left: the client went; else what failed after the head was sent.",
    ["reason"],
)
SHARED_FILLS = Counter("wt_proxy_shared_fills_total", "Requests that read an object while another fetched it")
STREAMS = Gauge("wt_proxy_streams", "Answers being sent")
MEMORY_BYTES = Gauge("wt_proxy_memory_bytes", "Bytes held in memory")
MEMORY_ENTRIES = Gauge("wt_proxy_memory_entries", "Objects held in memory", ["shelf"])
REWRITES = Counter("wt_proxy_rewrites_total", "Manifests rewritten", ["form"])
RELISTINGS = Counter(
    "wt_proxy_relistings_total", "Playlists asked again for the URLs of refused pieces: listed, in_vain.", ["outcome"]
)
RENEWALS = Counter(
    "wt_proxy_renewals_total", "Streams that upstreams refused, by outcome: renewed, in_vain.", ["outcome"]
)
INDEXES = Counter(
    "wt_proxy_indexes_total", "Files whose index was read, by container; none: they have no index", ["form"]
)
PEERS = Gauge("wt_proxy_peers", "Other proxies whose lease holds")
PEER_ANSWERS = Counter("wt_proxy_peer_answers_total", "Answers that another proxy gave in the place of an origin")
LOST_PEERS = Counter("wt_proxy_lost_peers_total", "Times that another proxy did not answer")
FILLS = Counter("wt_proxy_fills_total", "Fetches of consecutive blocks that were begun")
RESUMED = Counter("wt_proxy_resumed_total", "Bodies that broke off and were taken up again")
CHANGED = Counter("wt_proxy_changed_total", "Objects of which the origin had another generation than was kept")
DISK_BYTES = Gauge("wt_proxy_disk_bytes", "Bytes that buckets take on disk, reserved ones included")
DISK_BUCKETS = Gauge("wt_proxy_disk_buckets", "Buckets on disk")
DISK_PAUSES = Counter("wt_proxy_disk_pauses_total", "Times that writing buckets was given up for a while", ["reason"])
EVICTIONS = Counter("wt_proxy_evictions_total", "Buckets pushed out")
UNSOUND_BLOCKS = Counter("wt_proxy_unsound_blocks_total", "Blocks whose bytes were not those that were written")
ORIGIN_WAITS = Counter("wt_proxy_origin_waits_total", "Requests that waited for their turn at an origin")
LIMITED = Counter("wt_proxy_limited_total", "Requests refused because one caller asked for too much", ["what"])
SHED = Counter("wt_proxy_shed_total", "Requests turned away because there was too much to do, by reason", ["reason"])
PREFETCHES = Counter(
    "wt_proxy_prefetches_total",
    "Pieces looked at before players ask: fetched, held, failed, rested, stopped",
    ["outcome"],
)
PREFETCHED_BYTES = Counter("wt_proxy_prefetched_bytes_total", "Bytes fetched before players asked for them")
PREFETCH_OUTCOMES = Counter(
    "wt_proxy_prefetch_outcome_bytes_total", "Of those, what was asked for later (used) or not (wasted)", ["outcome"]
)

# So that their rates are known from the first one on.
for _reason in (LEFT, "upstream_failed", "upstream_late"):
    ABORTS.labels(_reason)
