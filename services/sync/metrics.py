"""What the sync service counts. Labels are closed sets: never a room, a link or a person."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from services.common.metrics import Tally

SOCKETS = Gauge("wt_sync_sockets", "Open sockets")
ROOMS = Gauge("wt_sync_rooms", "Rooms with a socket on this replica")
ROOMS_AWAY = Gauge("wt_sync_rooms_away", "Of those, the rooms whose Redis can't be reached")
MEMBERS = Gauge("wt_sync_members", "Members of those rooms with a socket on this replica")
DRIFT_SECONDS = Histogram(
    "wt_sync_drift_seconds",
    "How far players are from their rooms, either way, as they report it while they play",
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)
CORRECTIONS = Counter("wt_sync_corrections_total", "Moves by which players came to their rooms", ["kind"])
PLAYERS = Counter("wt_sync_player_reports_total", "Reports of players by what they do", ["state"])
EVENTS = Tally("wt_sync_events_total", "Room events received from Redis", "outcome")
FRAMES = Tally("wt_sync_frames_total", "Frames put to sockets")
COMMANDS = Tally("wt_sync_commands_total", "Commands by type and outcome", "type", "outcome")
COMMAND_SECONDS = Histogram(
    "wt_sync_command_seconds",
    "From reading a command to its answer",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
)
RESYNCS = Counter("wt_sync_resyncs_total", "Rooms read again, by what was read", ["read"])
LIMITED = Counter("wt_sync_limited_total", "Sockets refused because one caller has too many", ["what"])
CLOSES = Counter("wt_sync_closes_total", "Sockets closed by this replica, by code", ["code"])
SLOW = Counter("wt_sync_slow_total", "Sockets that fell behind, by what happened", ["outcome"])
HISTORY = Counter("wt_sync_history_notes_total", "Looks at what somebody watches, by whether they keep it", ["outcome"])
SUBSCRIBER_RECONNECTS = Counter("wt_sync_subscriber_reconnects_total", "Subscriptions made anew", ["reason"])
CLOCK_RTT = Gauge("wt_sync_clock_rtt_seconds", "Smallest recent round trip to Redis' clock")
