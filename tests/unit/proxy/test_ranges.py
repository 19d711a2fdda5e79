from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.proxy.ranges import (
    ByteRange,
    ContentRange,
    parse_content_range,
    parse_ranges,
    parse_unsatisfied,
    spans_of,
)


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-", 0, None),
        ("bytes=0-0", 0, 0),
        ("bytes=5-9", 5, 9),
        ("bytes=-5", None, 5),
        ("Bytes = 5-9 ", 5, 9),
        (" bytes=007-9", 7, 9),
    ],
)
def test_a_single_range_is_read(header: str, first: int | None, last: int | None) -> None:
    assert parse_ranges(header) == (ByteRange(first, last),)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "bytes", "bytes=", "bytes=-", "bytes=9-5", "bytes=1-2,9-5", "items=1-2", "bytes=a-b", "bytes=1-2x"),
        *("bytes=٣-", "bytes=1--2", "bytes=+1-2", "bytes=1.0-2"),
    ],
)
def test_any_other_range_means_the_whole(header: str | None) -> None:
    assert parse_ranges(header) == ()


@pytest.mark.parametrize(
    ("header", "total", "span"),
    [
        ("bytes=0-", 10, (0, 10)),
        ("bytes=3-5", 10, (3, 6)),
        ("bytes=3-50", 10, (3, 10)),
        ("bytes=9-", 10, (9, 10)),
        ("bytes=10-", 10, None),
        ("bytes=-3", 10, (7, 10)),
        ("bytes=-30", 10, (0, 10)),
        ("bytes=-0", 10, None),
        ("bytes=-1", 0, None),
        ("bytes=0-", 0, None),
        # What stands for the end in some players, and what no object reaches.
        (f"bytes=3-{2**64 - 1}", 10, (3, 10)),
        ("bytes=-" + "9" * 30, 10, (0, 10)),
        ("bytes=" + "9" * 30 + "-", 10, None),
    ],
)
def test_a_range_is_clamped_to_what_there_is(header: str, total: int, span: tuple[int, int] | None) -> None:
    [asked] = parse_ranges(header)
    assert asked.within(total) == span


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=3-5", "bytes=-7"])
def test_a_range_is_passed_on_as_it_was_asked(header: str) -> None:
    [asked] = parse_ranges(header)
    assert asked.header == header


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("bytes 0-9/10", ContentRange(0, 10, 10)),
        ("bytes 5-5/*", ContentRange(5, 6, None)),
        ("BYTES  3-4/5", ContentRange(3, 5, 5)),
    ],
)
def test_a_content_range_is_read(header: str, told: ContentRange) -> None:
    assert parse_content_range(header) == told


@pytest.mark.parametrize(
    "header", [None, "", "bytes", "bytes 5-3/10", "bytes 0-10/10", "bytes */10", "0-9/10", "bytes 0-9", "items 0-9/10"]
)
def test_a_content_range_that_contradicts_itself_is_none(header: str | None) -> None:
    assert parse_content_range(header) is None


def test_a_content_range_is_written() -> None:
    assert ContentRange(0, 10, 20).header == "bytes 0-9/20"
    assert ContentRange(0, 10, None).header == "bytes 0-9/*"


def test_the_length_of_a_refused_range_is_read() -> None:
    assert parse_unsatisfied("bytes */10") == 10
    assert parse_unsatisfied("bytes 0-9/10") is None
    assert parse_unsatisfied(None) is None


def test_several_ranges_are_read_in_their_order() -> None:
    assert parse_ranges("bytes=4-5, ,-3,0-") == (ByteRange(4, 5), ByteRange(None, 3), ByteRange(0, None))


def test_more_than_eight_ranges_mean_the_whole() -> None:
    assert len(parse_ranges("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 16, 2)))) == 8
    assert parse_ranges("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 18, 2))) == ()
    assert parse_ranges("bytes=0-" + " " * 1100 + "5") == ()


def test_ranges_that_come_to_more_than_the_whole_mean_the_whole() -> None:
    assert spans_of((ByteRange(0, 4), ByteRange(5, None)), 10) == ((0, 5), (5, 10))
    assert spans_of((ByteRange(0, 5), ByteRange(5, None)), 10) is None
    assert spans_of((ByteRange(0, None),), 10) == ((0, 10),)


def test_of_several_ranges_those_beyond_the_end_are_left_out() -> None:
    assert spans_of((ByteRange(20, 30), ByteRange(2, 3)), 10) == ((2, 4),)
    assert spans_of((ByteRange(20, 30), ByteRange(40, None)), 10) == ()


# What finds the seams, and what an object is asked for by people who mean it.
_PIECES = some.sampled_from(
    ["bytes", "=", "-", ",", " ", "\t", "0", "9", "007", "18446744073709551616", "\u0663", "+", "*", "/", "x", "\x00"]
)
_HEADERS = some.lists(_PIECES, max_size=30).map("".join)
_ASKED = _HEADERS | _HEADERS.map("bytes={}".format) | some.text(max_size=40)


@given(_ASKED, some.integers(0, 2**62))
def test_whatever_is_asked_lies_within_the_object_and_comes_to_no_more_than_it(header: str, total: int) -> None:
    ranges = parse_ranges(header)
    assert all(parse_ranges(each.header) == (each,) for each in ranges)
    spans = spans_of(ranges, total) or ()
    assert all(0 <= start < stop <= total for start, stop in spans)
    assert sum(stop - start for start, stop in spans) <= total


@given(_HEADERS.map("bytes {}".format) | some.text(max_size=40))
def test_a_content_range_that_is_believed_is_one(header: str) -> None:
    told = parse_content_range(header)
    if told is not None:
        assert 0 <= told.start < told.stop
        assert told.total is None or told.stop <= told.total
        assert parse_content_range(told.header) == told
