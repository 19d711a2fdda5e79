"""How results enter rooms."""

from __future__ import annotations

from msgspec.structs import replace

from services.common import codec
from services.common.chain import Resolution
from services.common.keys import url_digest
from services.common.room.store import RoomStore


async def _extend(rooms: RoomStore, room: str, item: str, result: Resolution) -> None:
    """Add a playlist's entries before its item is ready: what is interrupted between is repeated.

    They count as ready: each is opened when its turn comes. An item that is opened again adds nothing a second time.
    """
    named = await rooms.item(room, item)
    if named is None or named.status != "resolving":
        return
    entries = [
        replace(
            named,
            id=url_digest(f"{item}|{number}")[:12],
            url=entry.url,
            title=entry.title[:200],
            thumbnail=entry.thumbnail,
            duration=entry.duration,
            status="ready",
            votes=[],
            attempts=[],
            # A list that only its owner can see is for the same people as its videos.
            opened_with=result.opened_with,
        )
        for number, entry in enumerate(result.entries)
    ]
    await rooms.follow(room, item, entries)


async def enter(rooms: RoomStore, room: str, item: str, result: Resolution) -> bool:
    """Put a result into a room. False if its item is gone.

    :raises Refused: `not_lent` if who opened it has taken their consent back.
    :raises Unavailable: if Redis does not answer; repeating it is safe.
    """
    video = result.video
    if video is None:
        return await rooms.resolved(room, item, code=result.code, message=result.message, attempts=result.attempts)
    if result.entries:
        await _extend(rooms, room, item, result)
    return await rooms.resolved(
        room,
        item,
        title=video.title,
        thumbnail=video.thumbnail,
        duration=video.duration,
        video_json=codec.encode_text(video),
        opened_with=result.opened_with,
    )
