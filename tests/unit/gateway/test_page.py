"""How the page is made out for a browser."""

from __future__ import annotations

import pytest

from services.gateway.page import accepts, spoken


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,en;q=0.5,de;q=0.9", "de"),
        ("fr-FR, *;q=0.1", "en"),
        ("de;q=0, en", "en"),
        ("de;q=much", "en"),
        ("", "en"),
    ],
)
def test_the_language_is_the_first_of_the_browsers_that_there_is(accept: str, language: str) -> None:
    assert spoken(accept, ["en", "de"]) == language


@pytest.mark.parametrize(
    ("header", "does"),
    [("gzip, deflate, br", True), ("br;q=1.0", True), ("BR", True), ("br;q=0", False), ("brotli", False), ("", False)],
)
def test_a_coding_is_used_where_it_is_accepted(header: str, does: bool) -> None:
    assert accepts(header, "br") is does
