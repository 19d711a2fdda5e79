"""Members of a playing room, one on each replica."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from services.common import codec
from services.common.room.store import RoomStore
from services.common.wire.models import VideoState
from tests.support.member import Member
from tests.support.node import Node

LINK: Final = "http://93.184.216.34/clip.mp4"


@asynccontextmanager
async def two_watching(
    replicas: tuple[Node, Node], store: RoomStore, room: str
) -> AsyncIterator[tuple[Member, Member]]:
    """Ana, whose room it is, and Ben, who see an hour's video play; `expect` looks at what comes from then on."""
    async with Member(replicas[0].url, room, "Ana") as ana:
        # A room is its first member's, and a socket may be open before its member is in.
        await ana.expect("room_state")
        async with Member(replicas[1].url, room, "Ben") as ben:
            await ben.expect("room_state")
            await _play(store, room, ana, ben)
            yield ana, ben


async def _play(store: RoomStore, room: str, ana: Member, ben: Member) -> None:
    await ana.ask("queue_add", url=LINK)
    item = (await ana.expect("queue_update"))["queue"][-1]["id"]
    video = VideoState(url=LINK, title="Clip", stream_type="direct", duration=3600)
    await store.resolved(room, item, title="Clip", duration=3600, video_json=codec.encode_text(video))
    for member in (ana, ben):
        await member.expect("set_video", is_playing=True)
        member.skip()
