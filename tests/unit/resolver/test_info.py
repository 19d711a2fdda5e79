"""yt-dlp's info dicts hold anything; what passes to the parent does not."""

from __future__ import annotations

import math

import pytest

from services.common import codec
from services.common.cookies import Cookie
from services.resolver.info import MAX_ALL_DATA_BYTES, MAX_DATA_BYTES, MAX_ENTRIES, Info, read_entries, read_info


def test_a_result_without_a_list_is_its_own_only_format() -> None:
    info = read_info({"id": "a", "title": "T", "url": "https://v/a.mp4", "ext": "mp4", "format_id": "0"})
    assert [entry.url for entry in info.formats] == ["https://v/a.mp4"]
    assert info.chosen == ["0"]


def test_encrypted_formats_and_formats_without_address_are_dropped() -> None:
    formats = [
        {"format_id": "drm", "url": "https://v/1", "has_drm": True},
        {"format_id": "none"},
        {"format_id": "ok", "url": "https://v/2"},
        # yt-dlp could not tell, and would play it.
        {"format_id": "perhaps", "url": "https://v/3", "has_drm": "maybe"},
        "not a format",
    ]
    assert [entry.format_id for entry in read_info({"formats": formats}).formats] == ["ok", "perhaps"]


def test_a_link_tells_where_to_begin_and_a_clip_where_it_ends() -> None:
    at = read_info({"url": "https://v", "duration": 600, "start_time": 90.0})
    assert (at.start, at.duration) == (90, 600)
    # Of a clip yt-dlp tells how long it is, and gives the formats of the whole video.
    clip = read_info({"url": "https://v", "duration": 15.0, "section_start": 100, "section_end": 115})
    assert (clip.start, clip.duration) == (100, 115)
    assert read_info({"url": "https://v", "start_time": -5}).start == 0


def test_values_of_wrong_types_count_as_absent() -> None:
    info = read_info(
        {
            "id": 7,
            "title": None,
            "duration": math.nan,
            "formats": [{"url": "https://v", "height": "720", "fps": -1, "tbr": math.inf, "width": True, "vcodec": 5}],
        }
    )
    entry = info.formats[0]
    assert (info.id, info.title, info.duration) == ("", "", None)
    assert (entry.height, entry.fps, entry.tbr, entry.width, entry.vcodec) == (None, None, None, None, None)


def test_cookies_are_those_that_the_jar_sends_to_any_of_the_streams_each_once() -> None:
    cookies = {name: Cookie(domain="v.example", name=name, value="1") for name in "abc"}
    sent = {"https://v.example/1": "ab", "https://v.example/m": "b", "https://v.example/t.jpg": "c"}
    asked: list[str] = []

    def jar(url: str) -> list[Cookie]:
        asked.append(url)
        return [cookies[name] for name in sent.get(url, "")]

    formats = [
        {"url": "https://v.example/1?x=1", "http_headers": {"Referer": "https://page/"}, "cookies": "a=1; Path=/"},
        {"url": "https://v.example/1?x=2", "manifest_url": "https://v.example/m"},
    ]
    info = read_info({"formats": formats, "thumbnail": "https://v.example/t.jpg"}, jar)
    assert info.cookies == list(cookies.values())
    assert info.formats[0].headers == {"Referer": "https://page/"}
    assert sorted(asked) == sorted(sent)


def test_of_a_languages_files_the_webvtt_is_taken_or_one_that_becomes_it() -> None:
    tracks = {
        "en": [{"ext": "json3", "url": "https://s/1"}, {"ext": "vtt", "url": "https://s/2", "name": "English"}],
        "fr": [{"ext": "ttml", "url": "https://s/3"}],
        # The same words in pieces come before the file; of others there are only pieces.
        "de": [
            {"ext": "vtt", "url": "https://s/4.m3u8", "protocol": "m3u8_native"},
            {"ext": "vtt", "url": "https://s/5"},
        ],
        "pt": [{"ext": "srt", "url": "https://s/7"}, {"ext": "vtt", "url": "https://s/8"}],
        "es": [{"ext": "ttml", "url": "https://s/9"}, {"ext": "srt", "url": "https://s/10"}],
        "nl": [{"ext": "dfxp", "url": "https://s/11"}],
        "it": [{"ext": "vtt", "url": "https://s/6.mpd", "protocol": "http_dash_segments", "fragments": []}],
    }
    found = read_info(
        {"subtitles": tracks, "automatic_captions": {"en-orig": tracks["en"]}, "url": "https://v"}
    ).subtitles
    assert [(text.ext, text.language) for text in found if text.ext != "vtt"] == [("ttml", "fr"), ("srt", "es")]
    assert [(text.language, text.url, text.automatic) for text in found] == [
        ("en", "https://s/2", False),
        ("fr", "https://s/3", False),
        ("de", "https://s/5", False),
        ("pt", "https://s/8", False),
        ("es", "https://s/10", False),
        ("en-orig", "https://s/2", True),
    ]


def test_subtitles_that_the_page_holds_itself_are_taken_within_bounds() -> None:
    page = {
        "en": [{"ext": "srt", "data": "1"}, {"ext": "json3", "data": "{}"}],
        "de": [{"ext": "vtt", "data": "WEBVTT", "url": "https://s/de"}],
        "fr": [{"ext": "vtt", "data": "x" * (MAX_DATA_BYTES + 1)}],
        "it": [{"ext": "vtt", "data": ""}],
        **{str(number): [{"ext": "vtt", "data": "x" * MAX_DATA_BYTES}] for number in range(9)},
    }
    found = read_info({"subtitles": page, "url": "https://v"}).subtitles
    assert [(text.language, text.ext, text.url, text.data) for text in found[:2]] == [
        ("en", "srt", "", "1"),
        ("de", "vtt", "https://s/de", ""),
    ]
    assert [text.language for text in found[2:]] == [str(n) for n in range(MAX_ALL_DATA_BYTES // MAX_DATA_BYTES - 1)]


def test_a_running_broadcasts_title_comes_without_todays_date() -> None:
    info = read_info({"title": "News 2026-11-22 15:00", "fulltitle": "News", "is_live": True, "url": "https://v"})
    assert (info.title, info.is_live) == ("News", True)


def test_the_number_of_formats_is_bounded_and_the_best_stay() -> None:
    formats = [{"format_id": str(number), "url": f"https://v/{number}"} for number in range(1000)]
    kept = read_info({"formats": formats}).formats
    assert (len(kept), kept[-1].format_id) == (400, "999")


def test_what_the_child_writes_the_parent_reads_back() -> None:
    info = read_info({"id": "a", "formats": [{"url": "https://v", "fps": 60, "available_at": 1700000000}]})
    assert codec.decode_as(Info, codec.encode(info)) == info


def test_a_playlists_links_are_taken_once_each_and_what_is_no_link_is_left_out() -> None:
    entries = read_entries(
        [
            {
                "_type": "url",
                "url": "https://a.example/1",
                "title": "One",
                "duration": 60,
                "thumbnails": [{"url": "t"}],
            },
            {"_type": "url_transparent", "url": "https://a.example/2"},
            {"_type": "url", "url": "https://a.example/1", "title": "Again"},
            {"_type": "url", "url": "https://a.example/3", "title": "[Private video]"},
            {"_type": "url", "url": "https://a.example/4", "title": "[Deleted video]"},
            {"_type": "url", "url": "dQw4w9WgXcQ", "ie_key": "Youtube"},
            {"_type": "url", "url": "ytsearch:x"},
            {"id": "a video that the page holds itself", "url": "https://cdn.example/1.mp4"},
            None,
        ]
    )
    assert [(entry.url, entry.title, entry.thumbnail, entry.duration) for entry in entries] == [
        ("https://a.example/1", "One", "t", 60),
        ("https://a.example/2", "https://a.example/2", "", None),
    ]
    many = [{"_type": "url", "url": f"https://a.example/{number}"} for number in range(300)]
    assert len(read_entries(many)) == MAX_ENTRIES
    assert read_entries([]) == []


def board(**fields: object) -> dict[str, object]:
    page = {"url": "https://img.example/sb.jpg", "duration": 100.0}
    shape = {"width": 160, "height": 90, "columns": 5, "rows": 5, "fps": 0.5}
    return {"format_id": "sb0", "ext": "mhtml", "url": page["url"], "fragments": [page, page], **shape, **fields}


def test_the_largest_storyboard_that_loads_while_scrubbing_is_kept() -> None:
    found = read_info({"formats": [board(width=48), board(), board(width=1280)]}).board
    assert found is not None
    assert (found.width, found.columns, found.rows, found.interval, len(found.pages)) == (160, 5, 5, 2.0, 2)


@pytest.mark.parametrize("fields", [{"columns": None}, {"fragments": []}, {"fragments": [{"url": 1}]}, {"height": "x"}])
def test_a_storyboard_that_lacks_something_counts_as_absent(fields: dict[str, object]) -> None:
    assert read_info({"formats": [board(**fields)]}).board is None


def test_chapters_are_in_order_and_one_alone_is_none() -> None:
    chapters = [{"start_time": 60, "title": "Two"}, {"start_time": 0, "title": "One"}, {"start_time": 9}, "odd"]
    assert [(each.start, each.title) for each in read_info({"chapters": chapters}).chapters] == [
        (0, "One"),
        (60, "Two"),
    ]
    assert read_info({"chapters": chapters[:1]}).chapters == []
