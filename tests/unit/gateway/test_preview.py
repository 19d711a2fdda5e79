"""What a room's link tells a messenger."""

from __future__ import annotations

import pytest

from services.common.net import Caller
from services.common.room.snapshot import RoomRecord
from services.common.wire.models import Member, QueueItem, RoomSettings
from services.gateway.preview import of_landing, of_room, who_is_there

CALLER = Caller("203.0.113.9", "https", "watch.example")


def record(title: str, thumbnail: str = "", *names: str) -> RoomRecord:
    """A room where an item of that title is on."""
    item = QueueItem(id="i", url="https://a.example/v", title=title, thumbnail=thumbnail)
    members = {f"guest-{name}": Member(name=name, is_guest=True, joined_at=1) for name in names}
    return RoomRecord("r", item_id="i", items={"i": item}, order=["i"], members=members)


def test_a_room_tells_what_is_on_and_who_is_there() -> None:
    tags = of_room("r", record("A film", "/api/proxy?url=t&s=1", "Ana"), CALLER)
    assert '<meta property="og:title" content="Watch A film together" />' in tags
    assert '<meta property="og:image" content="https://watch.example/api/proxy?url=t&amp;s=1" />' in tags
    assert '<meta property="og:description" content="Ana is there." />' in tags
    assert '<meta property="og:url" content="https://watch.example/room/r" />' in tags
    assert '<meta name="twitter:card" content="summary_large_image" />' in tags


def test_titles_and_names_can_not_leave_their_tag() -> None:
    tags = of_room("r", record('"><script>alert(1)</script>', "", "<b onload='x'>"), CALLER)
    assert "<script" not in tags
    assert "<b" not in tags
    assert "&quot;&gt;&lt;script&gt;" in tags


def test_an_unknown_room_is_an_invitation() -> None:
    tags = of_room("r", None, CALLER)
    assert "Watch together" in tags
    assert '<meta property="og:image" content="https://watch.example/icon-512.png" />' in tags
    assert '<meta name="twitter:card" content="summary" />' in tags


def test_a_room_with_a_password_tells_no_more_than_one_that_is_unknown() -> None:
    private = record("A film", "/api/proxy?url=t", "Ana")
    private.settings = RoomSettings(has_password=True)
    assert of_room("r", private, CALLER) == of_room("r", None, CALLER)


def test_the_first_page_has_a_preview_too() -> None:
    assert '<meta property="og:url" content="https://watch.example/" />' in of_landing(CALLER)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "Come in and bring your friends."),
        (["Ana"], "Ana is there."),
        (["Ana", "Ben"], "Ana and Ben are there."),
        (["Ana", "Ben", "Cat"], "Ana, Ben and Cat are there."),
        (["Ana", "Ben", "Cat", "Dan"], "Ana, Ben, Cat and 1 other are there."),
        (["Ana", "Ben", "Cat", "Dan", "Eve"], "Ana, Ben, Cat and 2 others are there."),
    ],
)
def test_who_is_there_is_a_sentence(names: list[str], sentence: str) -> None:
    assert who_is_there(names) == sentence
