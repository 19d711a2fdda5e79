"""Sees to it that items which need a video get one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Final

import structlog

from services.common import codec
from services.common.chain import Link, Resolution, audience_of
from services.common.errors import Refused, Unavailable
from services.common.lenders import links_of
from services.common.loans import Loans
from services.common.resolution import Resolutions
from services.common.room.entering import enter
from services.common.room.store import RoomStore
from services.common.tracing import item_span
from services.common.vault import Vault
from services.common.wire.models import QueueItem, VideoState
from services.common.wire.server import Resolving
from services.sync.clock import RoomClock
from services.sync.hosted import HostedRoom

log = structlog.get_logger()

# A worker or a replica may die between a command and its job: what is still missing after so long is asked for again.
ASK_AGAIN_S: Final = 10.0
STAGES_S: Final = 60.0
# A video is resolved again so long before its streams end; the cache has given it up a minute earlier. A site that
# refuses is asked less often than for a new link.
RENEW_S: Final = 240.0
RENEW_AGAIN_S: Final = 30.0
# How long somebody who joins waits for a video that has expired.
JOIN_S: Final = 10.0
_LOOK_S: Final = 0.02


def missing(room: HostedRoom, now: float) -> list[QueueItem]:
    """The items to resolve at `now` (Unix seconds): those that wait, a current one without a video, or with one whose
    streams end soon.
    """
    record = room.record
    is_due = record.video is None or ends_within(record.video, now, RENEW_S)
    return [
        item
        for item in record.queue()
        if item.status == "resolving" or (item.id == record.item_id and item.status == "ready" and is_due)
    ]


def ends_within(video: VideoState, now: float, seconds: float) -> bool:
    """Whether the first of a video's streams ends before `seconds` have passed."""
    return video.expires_at is not None and video.expires_at - now < seconds


def no_longer_lent(room: HostedRoom) -> list[tuple[str, str]]:
    """(member, item) of what cookies served when this was asked last, and may not serve now: the item is gone, or its
    lender has said so.
    """
    before, room.lent = room.lent, {item.id: frozenset(item.lenders) for item in room.record.queue() if item.lenders}
    return [(owner, item) for item, owners in before.items() for owner in owners - room.lent.get(item, frozenset())]


class ResolveDesk:
    """Asks the resolver on behalf of rooms, and puts into them what the cache already knew."""

    def __init__(
        self, resolutions: Resolutions, vault: Vault, loans: Loans, store: RoomStore, clock: RoomClock
    ) -> None:
        self._resolutions = resolutions
        self._vault = vault
        self._loans = loans
        self._store = store
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def see_to(self, room: HostedRoom) -> None:
        """Ask for what is missing in a room, each item at most every ten seconds, and end loans. Never waits."""
        for owner, ended in no_longer_lent(room):
            self._begin(self._end_loan(owner, audience_of(room.id, ended)))
        now = self._clock.monotonic()
        items = missing(room, self._clock.now(room.id))
        if room.wanted:
            room.wanted = {item.id: room.wanted[item.id] for item in items if item.id in room.wanted}
        for item in items:
            again_s = ASK_AGAIN_S if item.status == "resolving" or room.record.video is None else RENEW_AGAIN_S
            if now - room.wanted.get(item.id, -again_s) >= again_s:
                room.wanted[item.id] = now
                self._begin(self._want(room, item))

    async def freshen(self, room: HostedRoom) -> None:
        """Resolve a room's video again if its streams have ended, and return when it is there, or after ten seconds."""
        video, now = room.record.video, self._clock.now(room.id)
        if video is None or not ends_within(video, now, 0):
            return
        self.see_to(room)
        deadline = self._clock.monotonic() + JOIN_S
        while room.record.video is video and self._clock.monotonic() < deadline:  # noqa: ASYNC110 - it comes by an event
            await asyncio.sleep(_LOOK_S)

    async def close(self) -> None:
        """Let what is under way end, for at most two seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)
        for task in self._tasks:
            task.cancel()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _want(self, room: HostedRoom, item: QueueItem) -> None:
        try:
            links = await links_of(self._vault, item.url, item.lenders, audience_of(room.id, item.id))
            with item_span("ask", item.id):
                known = await self._resolutions.want(item.url, room.id, item.id, links)
            if known is not None:
                if not _is_known(room, item, known):
                    await enter(self._store, room.id, item.id, known)
            elif item.status == "resolving":
                await self._tell_stages(room, item, links)
        except Refused as refusal:
            # Whose cookies opened it has just taken them back: the next asking goes without.
            if refusal.code != "not_lent":
                await self._fail(room.id, item.id, refusal.code, refusal.message)
        except Unavailable as error:
            log.info("resolve_not_asked", room=room.id, item=item.id, code=error.code)
            if error.code == "busy":
                self._tell(room, item, "busy", error.retry_after_ms)
                again_s = (error.retry_after_ms or 0) / 1000
                room.wanted[item.id] = self._clock.monotonic() - ASK_AGAIN_S + again_s

    async def _end_loan(self, owner: str, audience: str) -> None:
        try:
            await self._loans.drop(owner, audience=audience)
        except Unavailable:
            # It ends by itself, with the life of its streams.
            log.info("loan_not_ended")

    async def _tell_stages(self, room: HostedRoom, item: QueueItem, links: Sequence[Link]) -> None:
        """Tell the members here how far it is, as long as the item waits. A courtesy: stages may be missed."""
        self._tell(room, item, "queued")
        with contextlib.suppress(TimeoutError, codec.MalformedError):
            async with asyncio.timeout(STAGES_S):
                async with contextlib.aclosing(self._resolutions.stages(item.url, links)) as stages:
                    async for stage in stages:
                        self._tell(room, item, stage)

    def _tell(self, room: HostedRoom, item: QueueItem, stage: str, retry_after_ms: int | None = None) -> None:
        fields = {"type": "resolving", "item_id": item.id, "stage": stage, "retry_after_ms": retry_after_ms}
        frame = codec.convert(Resolving, fields)
        room.broadcast(codec.encode_text(frame))

    async def _fail(self, room: str, item: str, code: str, message: str) -> None:
        try:
            await self._store.resolved(room, item, code=code, message=message)
        except Unavailable:
            log.info("resolve_failure_not_told", room=room, item=item)


def _is_known(room: HostedRoom, item: QueueItem, result: Resolution) -> bool:
    """Whether the room plays just this result: the cache still holds what is about to end."""
    mine, video = room.record.video, result.video
    is_current = room.record.item_id == item.id and item.status == "ready"
    return is_current and mine is not None and video is not None and mine.expires_at == video.expires_at
