"""What a caller may see of a room: pure."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from services.common.identity import Identity
from services.common.wire.models import Room, VideoState


def room_for(room: Room, caller: Identity | None, alias: Callable[[str], str]) -> Room:
    """`room` as `caller` may see it: stream URLs are for members, e-mails for verified people.

    Of a room with a password others see no more than that there is one.

    :param alias: what stands in place of a member's id for everybody else.
    """
    is_member = caller is not None and caller.id in room.members
    if not is_member and room.settings.has_password:
        return replace(room, members={}, queue=[], current_video=None, current_item_id=None)
    if not is_member and room.current_video is not None:
        room = replace(room, current_video=without_streams(room.current_video))
    if caller is not None and not caller.is_guest:
        return room
    return replace(
        room,
        members={alias(member): details for member, details in room.members.items()},
        queue=[replace(item, added_by=alias(item.added_by)) for item in room.queue],
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
    )
