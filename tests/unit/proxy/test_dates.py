"""Where dates go in a playlist that has none."""

from __future__ import annotations

import pytest

from services.proxy.manifest.dates import timeline, written

HEAD = ["#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:7"]


def playlist(*lines: str) -> str:
    return "\n".join([*HEAD, *lines, ""])


def segment(name: str, duration: float = 4.0) -> list[str]:
    return [f"#EXTINF:{duration:.3f},", name]


def test_each_segment_gets_its_date_before_its_own_lines() -> None:
    found = timeline(playlist(*segment("a.ts"), "#EXT-X-DISCONTINUITY", *segment("b.ts", 3.5)))
    assert found is not None
    assert (found.first, found.durations_ms, found.target_ms) == (7, [4000, 3500], 4000)
    dated = found.dated([1_700_000_000_000, 1_700_000_004_000]).splitlines()
    assert dated[3:] == [
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z",
        *segment("a.ts"),
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:24.000Z",
        *segment("b.ts", 3.5),
    ]


def test_parts_of_a_segment_that_is_not_finished_have_its_date() -> None:
    parts = ['#EXT-X-PART:DURATION=0.5,URI="c.0.mp4"', '#EXT-X-PART:DURATION=0.52,URI="c.1.mp4"']
    found = timeline(playlist('#EXT-X-PART:DURATION=2,URI="a.0.mp4"', *segment("a.mp4"), *parts))
    assert found is not None
    assert found.durations_ms == [4000, 1020]
    dated = found.dated([0, 4000]).splitlines()
    assert dated.index("#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z") == 3
    assert dated[dated.index(parts[0]) - 1] == "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:04.000Z"


def test_a_hint_of_what_comes_next_gets_no_date() -> None:
    found = timeline(playlist(*segment("a.mp4"), '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="b.0.mp4"'))
    assert found is not None
    assert len(found.places) == 1


def test_the_numbers_of_a_delta_update_count_what_it_skips() -> None:
    found = timeline(playlist("#EXT-X-SKIP:SKIPPED-SEGMENTS=5", *segment("f.mp4")))
    assert found is not None
    assert found.first == 12


@pytest.mark.parametrize(
    "text",
    [
        playlist("#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z", *segment("a.ts")),
        playlist("#EXT-X-PLAYLIST-TYPE:VOD", *segment("a.ts"), "#EXT-X-ENDLIST"),
        playlist("#EXT-X-STREAM-INF:BANDWIDTH=1", "a.m3u8"),
        playlist("#EXT-X-I-FRAMES-ONLY", *segment("a.ts")),
        playlist(),
    ],
)
def test_what_has_dates_or_is_no_live_playlist_is_left_alone(text: str) -> None:
    assert timeline(text) is None


def test_an_ended_playlist_says_so() -> None:
    found = timeline(playlist(*segment("a.ts"), "#EXT-X-ENDLIST"))
    assert found is not None
    assert found.is_ended


@pytest.mark.parametrize("date_ms", [0, 1_700_000_000_007, 1_700_000_000_999])
def test_dates_are_written_to_the_millisecond(date_ms: int) -> None:
    assert written(date_ms).endswith(f".{date_ms % 1000:03}Z")


@pytest.mark.parametrize("number", ["inf", "nan", "-3", "1e400", "9" * 5000, "٣" * 40])
def test_numbers_that_nobody_means_break_nothing(number: str) -> None:
    text = playlist(f"#EXT-X-MEDIA-SEQUENCE:{number}", f"#EXTINF:{number},", "a.ts", *segment("b.ts"))
    found = timeline(text)
    assert found is not None
    assert 0 <= found.first < 10**16
    assert 0 <= found.durations_ms[0] <= 24 * 3600 * 1000
    assert found.dated([0, found.durations_ms[0]]).count("PROGRAM-DATE-TIME") == 2
