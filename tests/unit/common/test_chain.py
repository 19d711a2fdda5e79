"""Which way to open a link is tried, and what its failures tell."""

from __future__ import annotations

import pytest

from services.common.chain import (
    ANONYMOUS,
    Link,
    Resolution,
    audience_of,
    item_of,
    known_answer,
    next_way,
    scope_of,
)
from services.common.wire.models import VideoState

ANA, BEN = Link(scope="a", owner="ana"), Link(scope="b", owner="ben")
WAYS = [ANA, BEN, ANONYMOUS]
VIDEO = VideoState(url="https://a.example/", title="A film", stream_type="direct")


def opened(name: str = "") -> Resolution:
    return Resolution(video=VIDEO, resolved_at=0, expires_at=9, opened_with=name)


def failed(code: str, *, may_mend: bool = True) -> Resolution:
    return Resolution(code=code, message=f"{code}.", resolved_at=0, expires_at=9, may_mend=may_mend)


@pytest.mark.parametrize(
    ("known", "own", "answer"),
    [
        ([None, None, None], False, None),
        ([None, None, opened()], False, opened()),
        ([None, None, opened()], True, None),
        ([None, opened("ben"), opened()], False, opened("ben")),
        ([None, opened("ben"), opened()], True, opened("ben")),
        ([failed("private"), failed("private"), opened()], True, opened()),
        ([failed("private"), None, None], False, None),
        ([failed("drm", may_mend=False), None, None], False, failed("drm", may_mend=False)),
        ([None, failed("drm", may_mend=False), None], False, None),
        ([None, None, failed("private")], False, None),
    ],
)
def test_the_cache_answers_what_running_the_chain_would(
    known: list[Resolution | None], own: bool, answer: Resolution | None
) -> None:
    assert known_answer(WAYS, known, own=own) == answer


def test_a_chain_that_failed_tells_of_each_way() -> None:
    answer = known_answer(WAYS, [failed("private"), failed("sign_in_required"), failed("private")])
    assert answer is not None
    assert [(each.lender, each.code, each.message) for each in answer.attempts] == [
        ("ana", "private", "private."),
        ("ben", "sign_in_required", "sign_in_required."),
        ("", "private", "private."),
    ]


def test_one_way_alone_tells_its_failure_once() -> None:
    assert known_answer([ANONYMOUS], [failed("private")]) == failed("private")


def test_the_first_way_that_is_not_known_runs_next() -> None:
    assert next_way(WAYS, [failed("private"), None, None]) == BEN


def test_a_scope_tells_owner_audience_link_and_generation_apart() -> None:
    base = ("salt", "ana", audience_of("room", "item"), "digest")
    others = [tuple("other" if n == place else part for n, part in enumerate(base)) for place in range(4)]
    scopes = {scope_of(*base), *(scope_of(*other) for other in others)}
    assert len(scopes) == 5
    assert item_of(base[2]) == ("room", "item")
    assert item_of("") == ("", "")
