"""What tests of rooms do in place of a resolver."""

from __future__ import annotations

from services.common import codec
from services.common.room.store import RoomStore
from services.common.wire.models import VideoState
from tests.support.viewer import Viewer
from tests.support.waiting import until

# An address that needs no look-up and that nothing here connects to.
LINK = "http://93.184.216.34/clip.mp4"


async def resolve(
    store: RoomStore, room: str, item: str, duration: float | None = 600.0, *, is_live: bool = False
) -> None:
    """Enter a video into the room as a resolver does."""
    video = VideoState(url=LINK, title="Clip", stream_type="direct", duration=duration, is_live=is_live)
    await store.resolved(room, item, title="Clip", duration=duration, video_json=codec.encode_text(video))


async def add(viewer: Viewer, url: str = LINK) -> str:
    """Have a viewer paste a link. Answers the item's id."""
    known = {item["id"] for item in viewer.picture.queue}
    command = await viewer.ask("queue_add", url=url)
    assert command.version is not None, command
    version = command.version
    await until(lambda: viewer.is_live and viewer.picture.version >= version)
    return next(str(item["id"]) for item in viewer.picture.queue if item["id"] not in known and item["url"] == url)


async def start(store: RoomStore, viewer: Viewer, duration: float | None = 600.0, *, is_live: bool = False) -> str:
    """Add an item and enter its video. Answers its id."""
    item = await add(viewer)
    await resolve(store, viewer.room, item, duration, is_live=is_live)
    await until(lambda: any(each["id"] == item and each["status"] == "ready" for each in viewer.picture.queue))
    return item
