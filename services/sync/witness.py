"""Notes in people's histories what they watch in the rooms here, and how far they come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from services.common.history import Histories, entry_id
from services.common.wire.models import QueueItem
from services.common.wire.rest import HistoryEntry
from services.sync import metrics
from services.sync.clock import RoomClock
from services.sync.hosted import HostedRoom

# Longer addresses of pictures are left out: a history is small.
MOST_PICTURE_CHARS: Final = 1024
_AT_ONCE: Final = 16


class Witness:
    """Looks at intervals. What somebody saw at one look only was a glance: nothing is noted of it."""

    def __init__(self, histories: Histories, clock: RoomClock) -> None:
        self._histories = histories
        self._clock = clock

    async def look(self, rooms: Iterable[HostedRoom]) -> None:
        """Note what moved on since the look before.

        :raises Unavailable: if Redis does not answer; the next look notes it.
        """
        gate = asyncio.Semaphore(_AT_ONCE)

        async def note(member: str, entry: HistoryEntry) -> None:
            async with gate:
                metrics.HISTORY.labels("noted" if await self._histories.note(member, entry) else "declined").inc()

        notes = [note(member, entry) for room in rooms for member, entry in self._seen(room)]
        outcomes = await asyncio.gather(*notes, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    def _seen(self, room: HostedRoom) -> list[tuple[str, HistoryEntry]]:
        item = room.record.items.get(room.record.item_id)
        if item is None or room.record.video is None or room.pending is not None:
            room.seen = {}
            return []
        now = self._clock.now(room.id)
        position = room.record.anchor.position_at(now)
        watching = {connection.identity.id for connection in room.connections if connection.player.ready_for == item.id}
        before, room.seen = room.seen, dict.fromkeys(watching, (item.id, position))
        return [
            (member, entry_of(room, item, member, position, now))
            for member in sorted(watching)
            if (sight := before.get(member)) is not None and sight[0] == item.id and sight[1] != position
        ]


def entry_of(room: HostedRoom, item: QueueItem, member: str, position: float, now: float) -> HistoryEntry:
    """What a member's history says of an item at `position` (seconds), watched at `now` (Unix seconds).

    Of what somebody else's sign-in opened it keeps the link alone: the rest is for this room, while it plays there.
    """
    video = room.record.video
    is_live = video is not None and video.is_live
    is_lent = item.opened_with not in ("", member)
    return HistoryEntry(
        id=entry_id(room.id, item.id),
        url=item.url,
        title=item.url[:200] if is_lent else item.title,
        thumbnail=item.thumbnail if not is_lent and len(item.thumbnail) <= MOST_PICTURE_CHARS else "",
        duration=0 if is_live or is_lent else item.duration,
        position=0 if is_live else round(position, 1),
        room=room.id,
        watched_at=now,
        is_private=bool(item.opened_with),
    )
