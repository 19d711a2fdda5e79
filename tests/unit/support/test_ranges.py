from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ranges import Selection, select


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Selection(200, 0, 100)),
        ("bytes=0-0", Selection(206, 0, 1)),
        ("bytes=10-19", Selection(206, 10, 20)),
        ("bytes=90-", Selection(206, 90, 100)),
        ("bytes=90-1000", Selection(206, 90, 100)),
        ("bytes=-5", Selection(206, 95, 100)),
        ("bytes=-500", Selection(206, 0, 100)),
        ("BYTES=1-2", Selection(206, 1, 3)),
    ],
)
def test_a_single_range_selects_its_bytes(header: str | None, expected: Selection) -> None:
    assert select(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_beyond_the_end_is_not_satisfiable(header: str) -> None:
    assert select(header, 100).status == 416


@pytest.mark.parametrize("header", ["bytes=5-4", "bytes=-", "bytes=a-b", "lines=0-4", "bytes=0-1,4-5", ""])
def test_what_is_not_one_range_gets_the_whole(header: str) -> None:
    assert select(header, 100) == Selection(200, 0, 100)


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_selection_lies_within_the_file(size: int, first: int, length: int) -> None:
    selection = select(f"bytes={first}-{first + length}", size)
    if selection.status == 206:
        assert (selection.start, selection.stop) == (first, min(first + length + 1, size))
    else:
        assert selection.status == 416
        assert first >= size
