"""`rooms`: which there are, what is in one, and its end."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from services.common import codec
from services.common.chain import audience_of
from services.common.errors import Refused
from services.common.keys import is_room_id
from services.common.room.snapshot import RoomRecord, for_strangers
from services.common.wire.models import QueueItem
from services.operator.answer import Answer, ago, counted, cut, span, table
from services.operator.stores import Stores, asking, names

# Replicas whose sockets end with a room still note when to look at it again.
SETTLE_S: Final = 1.0
_AT_ONCE: Final = 20


async def list_rooms(stores: Stores, limit: int) -> Answer:
    """All rooms, unlisted ones too, last active first."""
    active = await _active(stores)
    now = await stores.rooms.masters.time()
    newest, shown = sorted(active, key=lambda room: -active[room])[:limit], []
    for begin in range(0, len(newest), _AT_ONCE):
        records = await asyncio.gather(*map(stores.rooms.snapshot, newest[begin : begin + _AT_ONCE]))
        shown += [_line(record) for record in records if record is not None]
    rows = [
        (
            line["id"],
            line["members"],
            line["items"],
            "plays" if line["is_playing"] else "stands",
            ago(line["last_active"], now),
            "unlisted" if line["is_unlisted"] else "",
            cut(line["title"], 60),
        )
        for line in shown
    ]
    text = table(("ROOM", "PEOPLE", "QUEUE", "STATE", "ACTIVE", "", "PLAYS"), rows, "There are no rooms.")
    if len(active) > len(newest):
        text += f"\n{len(active) - len(newest)} more: --limit {len(active)}"
    return Answer({"rooms": shown, "total": len(active)}, text)


async def show(stores: Stores, room: str) -> Answer:
    """What is in a room. Chat is counted, not told."""
    record = await existing(stores, room)
    now = await stores.rooms.masters.time()
    data = {
        **_line(record),
        "version": record.version,
        "owner": record.owner,
        "position_s": round(record.anchor.position_at(now), 3),
        "rate": record.anchor.rate,
        "settings": codec.to_builtins(record.settings),
        "chat_messages": len(record.chat),
        "people": [{"id": who, **codec.to_builtins(member)} for who, member in record.members.items()],
        "queue": [
            {"id": item.id, "status": item.status, "code": item.code, "title": item.title, "url": item.url}
            for item in _queue(record)
        ],
    }
    return Answer(data, _shown(record, now))


async def delete(stores: Stores, room: str) -> Answer:
    """End a room: people in it are sent out, and nothing of it stays, nor of what cookies opened for it.

    :raises Refused: `no_such_room`.
    """
    record = await existing(stores, room)
    lenders = {(who, item.id) for item in record.items.values() for who in (*item.lenders, item.opened_with) if who}
    # Before anything is gone: without the secret what they lent could not be found again.
    loans = stores.loans() if lenders else None
    await stores.rooms.delete(room)
    if loans is not None:
        for who, item in lenders:
            await loans.drop(who, audience=audience_of(room, item))
    await asyncio.sleep(SETTLE_S)
    if await stores.rooms.password_hash(room) is None:
        await stores.rooms.directory.drop(room)
    people = counted(len(record.members), "person was", "people were")
    text = f"Deleted the room {room}: {people} sent out, with {counted(len(record.items), 'item')} in the queue."
    return Answer({"deleted": room, "people": len(record.members), "items": len(record.items)}, text)


async def _active(stores: Stores) -> dict[str, float]:
    """When each room was last active (Unix seconds), by its id."""
    redis, start = stores.rooms_redis, stores.keys.room("").removesuffix("}")
    active: dict[str, float] = {}
    async for page in names(redis, start):
        rooms = [name for name in page if name.endswith("}")]
        with asking():
            times = await asyncio.gather(*(redis.hget(name, "active_at") for name in rooms))  # type: ignore[arg-type]
        for name, at in zip(rooms, times, strict=True):
            active[name.removeprefix(start).removesuffix("}")] = float(at or 0)
    return active


async def existing(stores: Stores, room: str) -> RoomRecord:
    """A room.

    :raises Refused: `bad_room_id`, `no_such_room`.
    """
    if not is_room_id(room):
        raise Refused("bad_room_id", "A room's id has 1 to 64 letters, digits, - or _.")
    record = await stores.rooms.snapshot(room)
    if record is None:
        raise Refused("no_such_room", f"There is no room {room}.")
    return record


def _queue(record: RoomRecord) -> list[QueueItem]:
    """The queue, as far as it concerns who is not in the room."""
    return [item for each in record.queue() if (item := for_strangers(each)) is not None]


def _line(record: RoomRecord) -> dict[str, Any]:
    current = for_strangers(record.items.get(record.item_id))
    return {
        "id": record.id,
        "members": len(record.members),
        "items": len(record.items),
        "is_playing": record.anchor.is_moving,
        "last_active": record.last_active,
        "is_unlisted": record.is_unlisted,
        "title": current.title if current else "",
    }


def _shown(record: RoomRecord, now: float) -> str:
    settings, state = record.settings, "plays" if record.anchor.is_moving else "stands"
    marks = [
        word
        for word, holds in (
            ("locked", settings.is_locked),
            ("unlisted", record.is_unlisted),
            ("with a password", settings.has_password),
        )
        if holds
    ]
    head = [
        f"Room {record.id}: {state} at {span(record.anchor.position_at(now))}, active {ago(record.last_active, now)}",
        f"Owner {record.owner or '-'}; {', '.join(marks) or 'open to all'}",
        counted(len(record.chat), "chat message"),
    ]
    people = [
        (who, cut(member.name, 40), member.role, ago(member.joined_at, now)) for who, member in record.members.items()
    ]
    queue = [
        (
            "*" if item.id == record.item_id else "",
            item.id,
            item.code or item.status,
            cut(item.title, 50),
            cut(item.url, 80),
        )
        for item in _queue(record)
    ]
    return "\n".join(
        [
            *head,
            "",
            table(("PERSON", "NAME", "ROLE", "CAME"), people, "Nobody is there."),
            "",
            table(("", "ITEM", "STATUS", "TITLE", "LINK"), queue, "The queue is empty."),
        ]
    )
