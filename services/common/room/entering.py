"""How results enter rooms."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from services.common import codec
from services.common.chain import Entry, Resolution
from services.common.keys import url_digest
from services.common.room.store import RoomStore


async def extend(rooms: RoomStore, room: str, item: str, entries: Sequence[Entry], opened_with: str = "") -> None:
    """Add a playlist's entries before its item is ready: what is interrupted between is repeated.

    They count as ready: each is opened when its turn comes. An item that is opened again adds nothing a second time.

    :raises Refused: `not_lent` if who opened it (`opened_with`) has taken their consent back.
    :raises Unavailable: if Redis does not answer; repeating it is safe.
    """
    named = await rooms.item(room, item)
    if named is None or named.status != "resolving":
        return
    following = [
        replace(
            named,
            id=url_digest(f"{item}|{entry.url}")[:12],
            url=entry.url,
            title=entry.title[:200],
            thumbnail=entry.thumbnail,
            duration=entry.duration,
            status="ready",
            votes=[],
            attempts=[],
            # A list that only its owner can see is for the same people as its videos.
            opened_with=opened_with,
        )
        for entry in entries
    ]
    await rooms.follow(room, item, following)


async def enter(rooms: RoomStore, room: str, item: str, result: Resolution) -> bool:
    """Put a result into a room. False if its item is gone.

    :raises Refused: `not_lent` if who opened it has taken their consent back.
    :raises Unavailable: if Redis does not answer; repeating it is safe.
    """
    video = result.video
    if video is None:
        return await rooms.resolved(room, item, code=result.code, message=result.message, attempts=result.attempts)
    if result.entries:
        await extend(rooms, room, item, result.entries, result.opened_with)
    return await rooms.resolved(
        room,
        item,
        title=video.title,
        thumbnail=video.thumbnail,
        duration=video.duration,
        video_json=codec.encode_text(video),
        opened_with=result.opened_with,
    )
