from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import playlist
from services.common.errors import Refused
from services.common.playlist import Adding, created, described, extended, queued, renamed, reordered, summary, without
from services.common.wire.rest import NewPlaylistItem, Playlist

LINK = "https://video.example/watch"
PICTURE = "/api/proxy?url=a&s=b"


def item(number: int = 0, **more: object) -> NewPlaylistItem:
    return NewPlaylistItem(url=f"{LINK}/{number}", **more)  # type: ignore[arg-type]


def of(count: int) -> Playlist:
    return created("Films", [item(number) for number in range(count)], 100.0)


def urls(found: Playlist) -> list[str]:
    return [each.url for each in found.items]


def test_what_is_not_known_of_a_link_is_the_link() -> None:
    (made,) = created("Films", [item()], 1.0).items
    assert (made.title, made.thumbnail, made.duration, made.added_at) == (f"{LINK}/0", "", 0, 1.0)


def test_pictures_of_other_servers_are_left_out() -> None:
    made = created("Films", [item(thumbnail="https://spy.example/a.png"), item(1, thumbnail=PICTURE)], 1.0)
    assert [each.thumbnail for each in made.items] == ["", PICTURE]


def test_names_and_titles_are_one_line_of_text() -> None:
    made = created("  A\tlist\x00 of\nfilms ", [item(title=" a\n b ")], 1.0)
    assert (made.name, made.items[0].title) == ("A list of films", "a b")


@pytest.mark.parametrize("name", [" ", "\x00", "\u200b\n"])
def test_a_name_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="needs a name"):
        created(name, [], 1.0)
    with pytest.raises(Refused, match="needs a name"):
        renamed(of(1), name, 2.0)


@pytest.mark.parametrize("url", ["ftp://a.example/", "javascript:alert(1)", "https://a\x00.example/", "no link"])
def test_what_is_no_link_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        extended(of(1), [NewPlaylistItem(url=url)], 2.0)


def test_a_playlist_is_full_at_five_hundred() -> None:
    full = of(500)
    with pytest.raises(Refused) as refusal:
        extended(full, [item()], 2.0)
    assert refusal.value.code == "playlist_full"


def test_the_same_link_may_be_in_it_twice_and_is_removed_once() -> None:
    twice = created("Films", [item(), item()], 1.0)
    assert len({each.id for each in twice.items}) == 2
    assert urls(without(twice, twice.items[0].id, 2.0)) == [f"{LINK}/0"]
    assert without(twice, "gone", 2.0).items == twice.items


@given(st.data())
def test_a_new_order_loses_and_doubles_nothing(data: st.DataObject) -> None:
    before = of(data.draw(st.integers(0, 8)))
    ids = [each.id for each in before.items]
    order = data.draw(st.lists(st.sampled_from([*ids, "gone"]), max_size=12))
    after = [each.id for each in reordered(before, order, 2.0).items]
    assert sorted(after) == sorted(ids)
    named = [each for each in dict.fromkeys(order) if each in ids]
    assert after[: len(named)] == named
    assert after[len(named) :] == [each for each in ids if each not in named]


def test_what_is_learnt_of_a_link_keeps_its_place_and_id() -> None:
    before = of(3)
    middle = before.items[1]
    after = described(before, middle.id, item(1, title="A film", duration=60), 2.0)
    assert [each.id for each in after.items] == [each.id for each in before.items]
    assert (after.items[1].title, after.items[1].duration, after.items[1].added_at) == ("A film", 60, 100.0)
    with pytest.raises(Refused, match="another link"):
        described(before, middle.id, item(2), 2.0)
    with pytest.raises(Refused, match="not in the playlist"):
        described(before, "gone", item(1), 2.0)


def test_the_list_tells_how_many_and_how_long() -> None:
    told = summary(created("Films", [item(duration=60), item(1, duration=30.5, thumbnail=PICTURE), item(2)], 1.0))
    assert (told.count, told.duration, told.thumbnail) == (3, 90.5, PICTURE)


def test_in_a_queue_the_first_is_opened_and_the_others_wait_for_their_turn() -> None:
    items = queued(of(3), "first", Adding("ana", 5.0, lend=True))
    assert [each.status for each in items] == ["resolving", "ready", "ready"]
    assert [each.url for each in items] == urls(of(3))
    assert all(each.lenders == ["ana"] and each.added_by == "ana" for each in items)
    assert [each.id for each in items] == [each.id for each in queued(of(3), "first", Adding("ana", 6.0))]
    assert len({each.id for each in items}) == 3
    assert queued(of(1), "first", Adding("ana", 5.0))[0].lenders == []


def test_an_empty_one_plays_nothing() -> None:
    with pytest.raises(Refused) as refusal:
        queued(of(0), "first", Adding("ana", 5.0))
    assert refusal.value.code == "playlist_empty"


def test_a_queue_has_room_for_a_whole_playlist() -> None:
    assert len(queued(of(playlist.MOST_ITEMS), "first", Adding("ana", 1.0))) == playlist.MOST_ITEMS
