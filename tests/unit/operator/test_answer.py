"""What people read of an operator's command."""

from __future__ import annotations

import pytest

from services.operator.answer import ago, counted, cut, plain, size, span, table


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    text = table(("ROOM", "PEOPLE"), [("film", 2), ("a-long-name", 10)], "none")
    assert text.splitlines() == ["ROOM         PEOPLE", "film         2", "a-long-name  10"]


def test_without_rows_a_sentence_stands_in_the_tables_place() -> None:
    assert table(("ROOM",), [], "There are no rooms.") == "There are no rooms."


@pytest.mark.parametrize("evil", ["\x1b]0;title\x07", "two\nlines", "\u202eturned", "\x9b31m", "\u2028"])
def test_what_strangers_named_moves_no_cursor_and_makes_no_lines(evil: str) -> None:
    text = table(("TITLE",), [(evil,)], "")
    assert len(text.splitlines()) == 2
    assert plain(text.replace("\n", "")) == text.replace("\n", "")


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (123_456_789, "123 MB"), (5e15, "5000 TB")],
)
def test_sizes_are_said_in_the_unit_that_fits(count: float, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(-3, "0 s"), (59, "59 s"), (60, "1 min"), (7300, "2 h"), (90_000, "1 d")]
)
def test_durations_are_said_in_their_largest_unit(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_what_never_was_is_not_long_ago() -> None:
    assert ago(0, 1e9) == "-"
    assert ago(940, 1000) == "1 min ago"


def test_a_long_text_shows_that_it_was_cut() -> None:
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"


def test_one_of_a_thing_is_not_many() -> None:
    assert [counted(1, "item"), counted(2, "item"), counted(2, "person was", "people were")] == [
        "1 item",
        "2 items",
        "2 people were",
    ]
