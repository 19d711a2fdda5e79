"""SubRip's captions become the WebVTT that browsers show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.proxy.manifest.captions import webvtt

TWO = "1\n00:00:01,000 --> 00:00:02,500\nOne\nmore\n\n2\n00:00:03,000 --> 00:01:04,000\nTwo\n"
TWO_CUES = "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nOne\nmore\n\n00:00:03.000 --> 00:01:04.000\nTwo\n"


def one(times: str, words: str = "Words") -> str:
    return f"1\n{times}\n{words}\n"


@pytest.mark.parametrize(
    "body",
    [
        TWO.encode(),
        TWO.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + TWO.encode(),
        TWO.encode("utf-16"),
        # No numbers, no blank line at the end, blanks around, places on a screen.
        TWO.replace("1\n00", "00").encode(),
        TWO.rstrip().encode(),
        TWO.replace("02,500", "02,500  X1:10 X2:20 Y1:1 Y2:2").encode(),
    ],
)
def test_every_way_to_write_it_gives_the_same_cues(body: bytes) -> None:
    assert webvtt(body).decode() == TWO_CUES


@pytest.mark.parametrize(
    ("times", "cue"),
    [
        ("0:00:01,5 --> 0:00:02,05", "00:00:01.500 --> 00:00:02.050"),
        ("00:01.000 --> 00:02.000", "00:00:01.000 --> 00:00:02.000"),
        ("00:00:01 --> 00:00:02", "00:00:01.000 --> 00:00:02.000"),
        ("100:59:59,999 --> 101:00:00,000", "100:59:59.999 --> 101:00:00.000"),
    ],
)
def test_times_are_written_as_browsers_read_them(times: str, cue: str) -> None:
    assert webvtt(one(times).encode()).decode() == f"WEBVTT\n\n{cue}\nWords\n"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("{\\an8}At the top", "At the top"),
        ("a --> b", "a → b"),
        ("<i>Slanted</i> & more", "<i>Slanted</i> & more"),
        ("One\n\nafter a gap", "One\nafter a gap"),
        ("Grüße", "Grüße"),
    ],
)
def test_words_stay_as_they_are_but_for_what_would_break_the_file(words: str, shown: str) -> None:
    body = one("00:00:01,000 --> 00:00:02,000", words)
    expected = f"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n{shown}\n"
    assert webvtt(body.encode()).decode() == expected
    if "→" not in shown:
        assert webvtt(body.encode("cp1252")).decode() == expected


@pytest.mark.parametrize("body", [b"", b"no captions", one("00:00:02,000 --> 00:00:01,000").encode(), b"\xff\xfe"])
def test_what_holds_no_cue_is_an_empty_file(body: bytes) -> None:
    assert webvtt(body).startswith(b"WEBVTT\n")
    assert b"-->" not in webvtt(body)


def test_webvtt_stays_as_it_is() -> None:
    assert webvtt(TWO_CUES.encode()).decode() == TWO_CUES


@given(
    some.binary(max_size=300)
    | some.text(some.sampled_from("0123456789:,.-> \n\r\x85abc<>&"), max_size=200).map(str.encode)
)
def test_anything_becomes_a_file_of_cues(body: bytes) -> None:
    found = webvtt(body).decode()
    assert found.startswith("WEBVTT")
    if not body.lstrip(b"\xef\xbb\xbf").startswith(b"WEBVTT"):
        # And is read again as it was written.
        assert webvtt(found.encode()).decode() == found
