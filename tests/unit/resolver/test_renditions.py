"""Formats as people see them: labels, duplicates, and what to begin with."""

from __future__ import annotations

import pytest

from services.resolver.info import Format
from services.resolver.renditions import (
    comfortable,
    distinct,
    distinct_audio,
    family,
    has_audio,
    has_video,
    label,
    partner,
)


def video(format_id: str, height: int | None, codec: str = "avc1.640028", **fields: object) -> Format:
    made: dict[str, object] = {"ext": "mp4", "acodec": "none", **fields}
    return Format(format_id=format_id, url=f"https://v/{format_id}", height=height, vcodec=codec, **made)  # type: ignore[arg-type]


def audio(format_id: str, codec: str = "mp4a.40.2", **fields: object) -> Format:
    made: dict[str, object] = {"ext": "m4a", **fields}
    return Format(format_id=format_id, url=f"https://a/{format_id}", vcodec="none", acodec=codec, **made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("avc1.4d401e", "avc1"),
        ("avc3.640028", "avc1"),
        ("h264", "avc1"),
        ("vp9", "vp9"),
        ("vp09.02.51.10", "vp9"),
        ("vp8.0", "vp8"),
        ("av01.0.13M.10", "av01"),
        ("hev1.1.6.L93", "hevc"),
        ("hvc1", "hevc"),
        ("h265", "hevc"),
        ("dvh1.05", "hevc"),
        ("theora", ""),
        ("none", ""),
        (None, ""),
    ],
)
def test_codec_strings_fall_into_families(codec: str | None, name: str) -> None:
    assert family(codec) == name


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (video("1", 1080), "1080p"),
        (video("1", 1080, fps=60), "1080p60"),
        (video("1", 1080, fps=59.94), "1080p60"),
        (video("1", 720, fps=50), "720p50"),
        (video("1", 720, fps=29.97), "720p"),
        (video("1", 2160, hdr=True), "2160p HDR"),
        (video("1", 2160, fps=60, hdr=True), "2160p60 HDR"),
        (video("1", 1920, width=1080), "1080p"),
        (video("1", 1080, width=1920), "1080p"),
        (video("1", None, note="HD"), "HD"),
        (video("1", None), "Original"),
    ],
)
def test_labels_name_lines_rate_and_range(entry: Format, text: str) -> None:
    assert label(entry) == text


def test_an_unknown_codec_is_not_an_absent_one() -> None:
    unknown = Format(format_id="0", url="https://v/clip.mp4", ext="mp4")
    assert has_video(unknown)
    assert has_audio(unknown)
    assert not has_video(Format(format_id="0", url="https://v/song.mp3", ext="mp3"))


def test_duplicates_go_within_a_family_and_all_families_stay() -> None:
    entries = [
        video("low", 720, tbr=900),
        video("good", 720, tbr=1500),
        video("v", 720, "vp9"),
        video("a", 720, "av01.0"),
    ]
    assert [entry.format_id for entry in distinct(entries)] == ["good", "v", "a"]


def test_rates_and_dynamic_ranges_are_different_qualities() -> None:
    entries = [video("a", 1080), video("b", 1080, fps=60), video("c", 1080, fps=60, hdr=True), video("d", 1080, fps=25)]
    assert [label(entry) for entry in distinct(entries)] == ["1080p60", "1080p60 HDR", "1080p"]


def test_qualities_of_unknown_height_all_stay() -> None:
    entries = [video("a", None, note="SD"), video("b", None, note="HD"), video("c", 480)]
    assert [label(entry) for entry in distinct(entries)] == ["480p", "SD", "HD"]


@pytest.mark.parametrize(
    ("entries", "best"),
    [
        ([video("360", 360), video("720", 720), video("1080", 1080), video("2160", 2160, "vp9")], "1080"),
        ([video("v", 1080, "vp9"), video("a", 1080)], "a"),
        ([video("v", 1080, "vp9"), video("a", 480)], "v"),
        ([video("hdr", 1080, hdr=True), video("sdr", 1080)], "sdr"),
        ([video("2160", 2160), video("1440", 1440)], "1440"),
        ([video("avi", 480, ext="avi"), video("mp4", 480)], "mp4"),
    ],
)
def test_one_begins_with_what_most_devices_play_well(entries: list[Format], best: str) -> None:
    assert comfortable(entries).format_id == best


def test_the_original_language_comes_first_whatever_its_bitrate() -> None:
    entries = [
        audio("dub", language="es", language_preference=-1, tbr=256),
        audio("low", language="en", language_preference=10, tbr=48),
        audio("own", language="en", language_preference=10, tbr=128),
        audio("opus", "opus", language="en", language_preference=10, tbr=160, ext="webm"),
    ]
    assert [entry.format_id for entry in distinct_audio(entries)] == ["opus", "own", "dub"]


def test_picture_and_sound_share_a_container_where_they_can() -> None:
    sounds = distinct_audio([audio("m4a", tbr=100), audio("opus", "opus", ext="webm", tbr=160)])
    assert partner(video("1", 720), sounds).format_id == "m4a"
    assert partner(video("1", 720, "vp9", ext="webm"), sounds).format_id == "opus"
    assert partner(video("1", 720, "vp9", ext="webm"), [audio("m4a")]).format_id == "m4a"


def test_a_dubbed_voice_is_never_taken_for_its_container() -> None:
    sounds = distinct_audio(
        [
            audio("es", language="es", language_preference=-1),
            audio("en", "opus", ext="webm", language="en", language_preference=10),
        ]
    )
    assert partner(video("1", 720), sounds).format_id == "en"
