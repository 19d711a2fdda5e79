"""Names of people."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from services.common.names import MAX_LENGTH, clean_name, friendly_name


def test_a_plain_name_stays_as_it_is() -> None:
    assert clean_name("Ana María 🎬") == "Ana María 🎬"


def test_blanks_around_and_within_are_collapsed() -> None:
    assert clean_name("  Ana \t\n  B  ") == "Ana B"


def test_direction_and_control_characters_are_dropped() -> None:
    assert clean_name("A\u202eevil\u202c\x00\x1b[31m") == "Aevil[31m"


def test_a_name_that_shows_nothing_is_none() -> None:
    assert clean_name("\u200b\u2060 \u200d") == ""
    assert clean_name("") == ""


def test_a_family_emoji_keeps_its_joiners() -> None:
    assert clean_name("👩‍👩‍👧") == "👩‍👩‍👧"


def test_a_long_name_is_cut_to_forty_characters() -> None:
    assert clean_name("x" * 200) == "x" * MAX_LENGTH


@given(st.text(max_size=120))
def test_any_text_becomes_a_short_name_without_control_characters(text: str) -> None:
    name = clean_name(text)
    assert len(name) <= MAX_LENGTH
    assert name == name.strip()
    assert not any(unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in name)
    assert clean_name(name) == name


def test_a_friendly_name_is_a_name() -> None:
    assert clean_name(name := friendly_name()) == name
