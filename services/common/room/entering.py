"""How results enter rooms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.common import codec
from services.common.chain import Resolution
from services.common.wire.models import Attempt


class Rooms(Protocol):
    """Where results enter rooms."""

    async def resolved(
        self,
        room: str,
        item: str,
        *,
        title: str = "",
        thumbnail: str = "",
        duration: float | None = None,
        video_json: str | None = None,
        code: str | None = None,
        message: str | None = None,
        attempts: Sequence[Attempt] = (),
        opened_with: str = "",
    ) -> bool:
        """Put a result into a room; repeating it is safe. False if its item is gone.

        :raises Refused: `not_lent` if who opened it has taken their consent back.
        :raises Unavailable: if the rooms' Redis does not answer.
        """

    async def has_item(self, room: str, item: str) -> bool:
        """Whether an item is still in a room's queue.

        :raises Unavailable: if the rooms' Redis does not answer.
        """


async def enter(rooms: Rooms, room: str, item: str, result: Resolution) -> bool:
    """Put a result into a room. False if its item is gone.

    :raises Refused: `not_lent` if who opened it has taken their consent back.
    :raises Unavailable: if Redis does not answer; repeating it is safe.
    """
    video = result.video
    if video is None:
        return await rooms.resolved(room, item, code=result.code, message=result.message, attempts=result.attempts)
    return await rooms.resolved(
        room,
        item,
        title=video.title,
        thumbnail=video.thumbnail,
        duration=video.duration,
        video_json=codec.encode_text(video),
        opened_with=result.opened_with,
    )
