"""What comes after what."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlencode

import pytest

from services.proxy.playlists import MAX_PLAYLISTS, MediaPlaylist, Playlists, next_of_template, place_of, read_playlist
from services.proxy.ranges import ByteRange

END = "#EXT-X-ENDLIST\n"


def text(first: int, count: int, *, end: str = END) -> str:
    lines = "".join(f"#EXTINF:2.0,\n/api/proxy?n={n}\n" for n in range(first, first + count))
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{lines}{end}"


def read(first: int, count: int, *, name: str = "p", end: str = END) -> MediaPlaylist:
    found = read_playlist(text(first, count, end=end), ("public", name), "ctx")
    assert found is not None
    return found


def test_what_follows_a_segment_is_as_much_as_was_asked_for() -> None:
    playlist = read(0, 10)
    assert [each.query for each in playlist.after(("n=3", 0), 5)] == ["n=4", "n=5", "n=6"]
    assert [each.query for each in playlist.after(("n=8", 0), 60)] == ["n=9"]
    assert playlist.after(("n=3", 0), 0) == []


def test_a_time_is_found_in_what_has_ended_and_not_in_what_is_live() -> None:
    assert [each.query for each in read(0, 10).at(7.9, 4)] == ["n=3", "n=4"]
    assert [each.query for each in read(0, 10).at(0, 1)] == ["n=0"]
    assert read(0, 10).at(-1, 4) == []
    assert read(0, 10, end="").at(7.9, 4) == []


def test_parts_of_one_file_are_told_apart() -> None:
    body = "#EXTM3U\n#EXTINF:2,\n#EXT-X-BYTERANGE:100@50\n/a?f\n#EXTINF:2,\n#EXT-X-BYTERANGE:30\n/a?f\n"
    playlist = read_playlist(body, ("public", "p"), "")
    assert playlist is not None
    assert [each.wanted for each in playlist.segments] == [ByteRange(50, 149), ByteRange(150, 179)]
    assert playlist.after(("f", 50), 1) == [playlist.segments[1]]
    assert place_of(playlist.segments[1]) == ("f", 150)


@pytest.mark.parametrize("body", ["#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/api/proxy?v\n", "#EXTM3U\n", "<MPD/>"])
def test_what_lists_no_segments_has_no_order(body: str) -> None:
    assert read_playlist(body, ("public", "p"), "") is None


def test_a_playlist_that_slides_is_known_by_what_it_holds_now() -> None:
    playlists = Playlists()
    playlists.learn(read(0, 5, end=""))
    first = playlists.of(("n=4", 0))
    assert first is not None
    first.used_at = 7
    playlists.learn(read(3, 5, end=""))
    assert playlists.of(("n=0", 0)) is None
    later = playlists.of(("n=4", 0))
    assert later is not None
    assert (later.used_at, [each.query for each in later.after(("n=4", 0), 60)]) == (7, ["n=5", "n=6", "n=7"])
    assert playlists.in_use("ctx", 7) == [later]
    assert playlists.in_use("ctx", 8) == playlists.in_use("other", 0) == []


def test_no_more_than_so_many_are_remembered() -> None:
    playlists = Playlists()
    for number in range(MAX_PLAYLISTS + 5):
        playlists.learn(read(number, 1, name=str(number)))
    assert playlists.of(("n=0", 0)) is None
    assert playlists.of((f"n={MAX_PLAYLISTS + 4}", 0)) is not None


@pytest.mark.parametrize(
    ("template", "url", "following"),
    [
        ("http://o/$Number$.m4s", "http://o/9.m4s", "http://o/10.m4s"),
        ("http://o/c-$Number%05d$.m4s", "http://o/c-00099.m4s", "http://o/c-00100.m4s"),
        ("http://o/$Time$.m4s", "http://o/9.m4s", None),
        ("http://o/$Number$/$Bandwidth$.m4s", "http://o/9/1.m4s", None),
        ("http://o/$Number$.m4s", "http://other/9.m4s", None),
        ("http://o/$Number$.m4s", "http://o/x.m4s", None),
    ],
)
def test_the_next_of_a_template_is_one_further(template: str, url: str, following: str | None) -> None:
    packed = base64.urlsafe_b64encode(template.encode()).decode().rstrip("=")
    found = next_of_template(urlencode({"url": url, "o": "x", "t": packed}), packed)
    assert (None if found is None else parse_qs(found)["url"][0]) == following
    assert found is None or parse_qs(found)["t"] == [packed]


def test_a_template_that_is_no_text_has_no_next() -> None:
    assert next_of_template("url=x", "_w") is None
    assert next_of_template("url=x", "a") is None
