"""What a caller may see of a room: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from services.common.identity import Identity
from services.common.room.snapshot import for_strangers
from services.common.wire.models import Banned, QueueItem, Room, VideoState


def room_for(room: Room, caller: Identity | None, alias: Callable[[str], str]) -> Room:
    """`room` as `caller` may see it: stream URLs are for members, e-mails for verified people.

    Of a room with a password others see no more than that there is one.

    :param alias: what stands in place of a member's id for everybody else.
    """
    is_member = caller is not None and caller.id in room.members
    if not is_member and room.settings.has_password:
        return replace(room, members={}, queue=[], current_video=None, current_item_id=None)
    if not is_member:
        room = _from_outside(room)
    if caller is not None and not caller.is_guest:
        return room
    return replace(
        room,
        members={alias(member): details for member, details in room.members.items()},
        queue=[_aliased(item, alias) for item in room.queue],
    )


def bans_for(bans: Iterable[Banned], caller: Identity, alias: Callable[[str], str]) -> list[Banned]:
    """`bans` as `caller` may see them: e-mails are for verified people."""
    if not caller.is_guest:
        return list(bans)
    return [replace(ban, member=alias(ban.member), by=alias(ban.by)) for ban in bans]


def _from_outside(room: Room) -> Room:
    """`room` without its streams; of what somebody's cookies opened, the link alone."""
    queue = [seen for item in room.queue if (seen := for_strangers(item)) is not None]
    video = room.current_video
    opened = {item.id for item in room.queue if item.opened_with}
    if video is not None and room.current_item_id in opened:
        video = None
    return replace(room, queue=queue, current_video=None if video is None else without_streams(video))


def _aliased(item: QueueItem, alias: Callable[[str], str]) -> QueueItem:
    return replace(
        item,
        added_by=alias(item.added_by),
        votes=[alias(member) for member in item.votes],
        lenders=[alias(member) for member in item.lenders],
        opened_with=alias(item.opened_with),
        attempts=[replace(attempt, lender=alias(attempt.lender)) for attempt in item.attempts],
    )


def without_streams(video: VideoState) -> VideoState:
    """`video` with its description only."""
    return replace(
        video,
        stream_url=None,
        video_url=None,
        audio_url=None,
        manifest_url=None,
        qualities=[replace(quality, video_url=None, stream_url=None) for quality in video.qualities],
        audio_tracks=[replace(track, url="") for track in video.audio_tracks],
        subtitles=[],
        storyboard=None,
    )
