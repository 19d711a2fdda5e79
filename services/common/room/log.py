"""What people did in a room, as lines of its log: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.common.wire.models import LogEntry, LogKind, Member, QueueItem

_KINDS: Final[dict[str, LogKind]] = {
    "play": "play",
    "pause": "pause",
    "seek": "seek",
    "set_rate": "set_rate",
    "settings": "settings",
}
_QUEUE_KINDS: Final[dict[str, LogKind]] = {"add": "queue_add", "remove": "queue_remove"}
_REASONS: Final[dict[str, LogKind]] = {"kicked": "kick", "banned": "ban"}


def entry_of(
    event: Mapping[str, Any], members: Mapping[str, Member], items: Mapping[str, QueueItem]
) -> LogEntry | None:
    """The line of an event that a person caused; None for everything else, and for what doesn't have its shape."""
    by = event.get("by")
    if not by or not isinstance(by, str):
        return None
    what = event.get("type")
    # Most of what people do, and nothing of it is about an item.
    kind, title = _KINDS.get(what) if isinstance(what, str) else None, None
    if kind is None:
        if (kind := _other_kind(event)) is None:
            return None
        title = _title(event, items)
    timestamp = event.get("timestamp")
    return LogEntry(
        version=int(event.get("version", 0)),
        at=float(event.get("server_time", 0)),
        by=by,
        name=members[by].name if by in members else "",
        kind=kind,
        timestamp=float(timestamp) if isinstance(timestamp, int | float) else None,
        title=title,
        is_undoable=kind in ("seek", "queue_remove"),
    )


def _title(event: Mapping[str, Any], items: Mapping[str, QueueItem]) -> str | None:
    item, item_id = event.get("item"), event.get("item_id")
    if isinstance(item, dict):
        title = item.get("title")
    else:
        title = items[item_id].title if isinstance(item_id, str) and item_id in items else None
    if isinstance(title, str):
        return title
    # Who was sent out or let in again is not here: the event brings their name. An older version's does not.
    return event.get("name") or event.get("email")


def _other_kind(event: Mapping[str, Any]) -> LogKind | None:
    match event.get("type"):
        case "queue_update":
            return _QUEUE_KINDS.get(str(event.get("op")))
        case "set_video":
            return "queue_play" if event.get("item_id") and event.get("video") is None else None
        case "member_left":
            return _REASONS.get(str(event.get("reason")))
        case "unbanned":
            return "unban"
        case _:
            return None
