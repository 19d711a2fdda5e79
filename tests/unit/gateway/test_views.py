"""Who sees what of a room."""

from __future__ import annotations

from msgspec.structs import replace

from services.common.identity import Identity
from services.common.keys import MemberId
from services.common.wire.models import (
    Attempt,
    AudioTrack,
    Banned,
    Member,
    QualityOption,
    QueueItem,
    Room,
    Subtitle,
    VideoState,
)
from services.gateway.views import bans_for, room_for

ANA = Identity(MemberId("ana@example.com"), "Ana", is_guest=False, email="ana@example.com")
BEN = Identity(MemberId("guest-ben"), "Ben", is_guest=True)
CAT = Identity(MemberId("cat@example.com"), "Cat", is_guest=False, email="cat@example.com")

STREAM = "/api/proxy?url=x&s=y"
VIDEO = VideoState(
    url="https://a.example/v",
    title="A film",
    stream_type="dash",
    thumbnail="/api/proxy?url=thumb",
    stream_url=STREAM,
    video_url=STREAM,
    audio_url=STREAM,
    manifest_url=STREAM,
    qualities=[QualityOption(id="1", label="720p", video_url=STREAM, stream_url=STREAM)],
    audio_tracks=[AudioTrack(id="2", url=STREAM)],
    subtitles=[Subtitle(language="en", label="English", url=STREAM)],
)
ROOM = Room(
    id="r",
    version=1,
    members={
        "ana@example.com": Member(name="Ana", is_guest=False, joined_at=1),
        "guest-ben": Member(name="Ben", is_guest=True, joined_at=2),
    },
    queue=[QueueItem(id="i", url="https://a.example/v", title="A film", added_by="ana@example.com")],
    current_video=VIDEO,
    current_item_id="i",
    is_playing=True,
    timestamp=1,
    rate=1,
    last_active=1,
)


def alias(member: str) -> str:
    return "user-x" if "@" in member else member


def streams(room: Room) -> bool:
    """Whether any stream's address is in it."""
    video = room.current_video
    assert video is not None
    return STREAM in repr(video)


def test_a_verified_member_sees_everything() -> None:
    assert room_for(ROOM, ANA, alias) == ROOM


def test_a_guest_who_is_a_member_sees_streams_and_no_emails() -> None:
    seen = room_for(ROOM, BEN, alias)
    assert streams(seen)
    assert set(seen.members) == {"user-x", "guest-ben"}
    assert seen.queue[0].added_by == "user-x"
    assert "@" not in repr(seen)


def test_a_verified_person_elsewhere_sees_emails_and_no_streams() -> None:
    seen = room_for(ROOM, CAT, alias)
    assert not streams(seen)
    assert "ana@example.com" in seen.members


def test_nobody_sees_neither_streams_nor_emails_but_what_is_on() -> None:
    seen = room_for(ROOM, None, alias)
    assert not streams(seen)
    assert "@" not in repr(seen)
    assert seen.current_video is not None
    assert (seen.current_video.title, seen.current_video.thumbnail) == ("A film", "/api/proxy?url=thumb")
    assert [quality.label for quality in seen.current_video.qualities] == ["720p"]


def test_of_what_somebodys_cookies_opened_others_see_the_link_alone() -> None:
    ana = "ana@example.com"
    attempts = [Attempt(lender=ana, code="private", message="It is private.")]
    lent = replace(ROOM.queue[0], lenders=[ana], opened_with=ana, thumbnail="/t", duration=9, attempts=attempts)
    room = replace(ROOM, queue=[lent])
    for caller in (CAT, None):
        seen = room_for(room, caller, alias)
        assert seen.current_video is None
        assert (seen.queue[0].title, seen.queue[0].thumbnail, seen.queue[0].duration) == (lent.url, "", 0)
        assert "A film" not in repr(seen)
    assert "@" not in repr(room_for(room, None, alias))
    inside = room_for(room, BEN, alias)
    assert streams(inside)
    assert (inside.queue[0].title, inside.queue[0].lenders) == ("A film", ["user-x"])
    assert "@" not in repr(inside)


def test_of_a_ban_a_guest_sees_no_email_and_a_verified_person_does() -> None:
    ban = Banned(
        id="b",
        member="eve@example.com",
        name="Eve",
        at=1,
        by="ana@example.com",
        by_name="Ana",
        has_address=True,
        can_lift=True,
    )
    (seen,) = bans_for([ban], BEN, alias)
    assert (seen.member, seen.by, seen.name) == ("user-x", "user-x", "Eve")
    assert bans_for([ban], CAT, alias) == [ban]
