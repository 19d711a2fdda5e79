from __future__ import annotations

import pytest

from services.proxy.conditions import Conditions

DAY = "Thu, 01 Jan 2026 00:00:00 GMT"
BEFORE = "Wed, 31 Dec 2025 00:00:00 GMT"
AFTER = "Fri, 02 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("conditions", "verdict"),
    [
        (Conditions(if_none_match='"a"'), 304),
        (Conditions(if_none_match='W/"a"'), 304),
        (Conditions(if_none_match='"b", "a"'), 304),
        (Conditions(if_none_match="*"), 304),
        (Conditions(if_none_match='"b"'), None),
        (Conditions(if_match='"a"'), None),
        (Conditions(if_match="*"), None),
        (Conditions(if_match='W/"a"'), 412),
        (Conditions(if_match='"b"'), 412),
        (Conditions(if_modified_since=DAY), 304),
        (Conditions(if_modified_since=BEFORE), None),
        (Conditions(if_modified_since="yesterday"), None),
        (Conditions(if_unmodified_since=BEFORE), 412),
        (Conditions(if_unmodified_since=AFTER), None),
        # A year, a day and a zone that no date can hold.
        (Conditions(if_modified_since="Mon, 01 Jan 99999999999999 00:00:00 GMT"), None),
        (Conditions(if_modified_since="Mon, 99999999999999999999 Jan 2026 00:00:00 GMT"), None),
        (Conditions(if_unmodified_since="Thu, 01 Jan 2026 00:00:00 +99999999999999"), None),
        # A tag outweighs a date (§13.2.2).
        (Conditions(if_none_match='"b"', if_modified_since=DAY), None),
        (Conditions(if_match='"a"', if_unmodified_since=BEFORE), None),
    ],
)
def test_preconditions_are_judged_in_order(conditions: Conditions, verdict: int | None) -> None:
    assert conditions.verdict('"a"', DAY) == verdict


@pytest.mark.parametrize("tag", ['"a,b"', "a", '"a b"'])
def test_a_tag_is_found_in_a_list_whatever_it_is_made_of(tag: str) -> None:
    listed = f'"x", {tag} ,W/"y"'
    assert Conditions(if_none_match=listed).verdict(tag, "") == 304
    assert Conditions(if_match=listed).verdict(tag, "") is None
    assert Conditions(if_match=listed).verdict('"b"', "") == 412


@pytest.mark.parametrize(
    ("if_range", "etag", "allowed"),
    [
        ('"a"', '"a"', True),
        ('"b"', '"a"', False),
        ('W/"a"', 'W/"a"', False),
        (DAY, "", True),
        (AFTER, "", False),
        ("", "", True),
        ('"a"', "", False),
    ],
)
def test_a_range_counts_for_the_very_generation_alone(if_range: str, etag: str, allowed: bool) -> None:
    assert Conditions(if_range=if_range).allows_range(etag, DAY) is allowed


def test_most_requests_have_no_conditions() -> None:
    assert Conditions.of({b"range": "bytes=0-"}) is None
    assert Conditions.of({b"if-range": '"a"'}) == Conditions(if_range='"a"')
