"""A replica's copy of a room, moved on by events: pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.common import codec
from services.common.room.snapshot import Anchor, RoomRecord, note
from services.common.wire.models import ChatMessage, Member, QueueItem, RoomSettings, VideoState
from services.common.wire.server import QueueUpdate, Waiting


def follows(record: RoomRecord, event: dict[str, Any]) -> bool:
    """Whether `event` is the very next after the record's version, in the same Redis history."""
    return bool(event["prev"] == record.version and event["run"] == record.run)


def apply(record: RoomRecord, event: dict[str, Any]) -> None:
    """Move `record` on by one event.

    :raises MalformedError: if the event does not fit its type; the record is then half moved and must be read again.
    """
    match event.get("type"):
        case "play" | "pause" | "seek" as kind:
            playing = kind == "play" or (kind == "seek" and record.anchor.is_playing)
            _move(record, event["timestamp"], event["starts_at"], playing)
        case "set_rate":
            record.anchor = replace(
                record.anchor, position=event["timestamp"], at=event["server_time"], rate=event["rate"]
            )
        case "waiting":
            record.waiting = codec.convert(Waiting, event)
            record.anchor = replace(record.anchor, position=event["timestamp"], at=event["server_time"], is_held=True)
        case "resumed":
            _move(record, event["timestamp"], event["starts_at"], playing=True)
        case "settings":
            record.settings = codec.convert(RoomSettings, event["settings"])
            record.is_unlisted = record.settings.is_unlisted
        case "chat":
            record.chat.append(codec.convert(ChatMessage, event["message"]))
        case "set_video":
            _set_video(record, event)
        case "video_renewed":
            record.video = codec.convert(VideoState, event["video"])
            record.anchor = replace(record.anchor, duration=_duration(record))
        case "queue_update":
            _update_queue(record, event)
        case "member_joined" | "member_updated":
            record.members[event["email"]] = codec.convert(Member, event["member"])
        case "member_left":
            record.members.pop(event["email"], None)
        case _:
            pass
    note(record, event)
    record.version = event["version"]
    record.last_active = event["server_time"]


def frame_of(record: RoomRecord, event: dict[str, Any], raw: bytes) -> str:
    """What clients get of an event that has just moved `record`.

    Queue events travel between replicas as one operation; clients get the whole queue. Everything else is passed on
    as the script encoded it, types that this version does not know included.
    """
    if event["type"] != "queue_update":
        return raw.decode()
    update = QueueUpdate(
        version=event["version"],
        prev=event["prev"],
        run=event["run"],
        server_time=event["server_time"],
        queue=record.queue(),
        by=event.get("by", ""),
    )
    return codec.encode_text(update)


def _move(record: RoomRecord, position: float, at: float, playing: bool) -> None:
    record.waiting = None
    record.anchor = Anchor(position, at, record.anchor.rate, playing, record.anchor.duration)


def _set_video(record: RoomRecord, event: dict[str, Any]) -> None:
    video = event["video"]
    record.waiting = None
    record.item_id = event["item_id"] or ""
    record.video = codec.convert(VideoState, video) if video is not None else None
    record.anchor = Anchor(
        position=event["timestamp"],
        at=event["server_time"],
        rate=record.anchor.rate,
        is_playing=event["is_playing"],
        duration=_duration(record),
    )


def _duration(record: RoomRecord) -> float | None:
    """How long the current video is, seconds; None if nobody knows, or it is live."""
    if record.video is None or record.video.is_live:
        return None
    current = record.items.get(record.item_id)
    return record.video.duration or (current.duration if current else None) or None


def _update_queue(record: RoomRecord, event: dict[str, Any]) -> None:
    match event["op"]:
        case "add":
            item = codec.convert(QueueItem, event["item"])
            record.items[item.id] = item
            record.order.insert(_place(record.order, event["after"]), item.id)
        case "extend":
            for item in codec.convert(list[QueueItem], event["items"]):
                record.items[item.id] = item
                record.order.append(item.id)
        case "remove":
            record.items.pop(event["item_id"], None)
            record.order = [item for item in record.order if item != event["item_id"]]
        case "order":
            record.order = list(event["order"])
        case "item":
            item = codec.convert(QueueItem, event["item"])
            record.items[item.id] = item
        case op:
            raise codec.MalformedError(f"unknown queue operation {op!r}")


def _place(order: list[str], after: str) -> int:
    if after == "start":
        return 0
    return order.index(after) + 1 if after in order else len(order)
