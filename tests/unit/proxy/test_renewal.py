"""Where a manifest's child is after the manifest has moved."""

from __future__ import annotations

import pytest

from services.proxy.renewal import rebased

OLD = "https://a.example/tokenA/film/master.m3u8?sig=A"
NEW = "https://b.example/tokenB/film/master.m3u8?sig=B"


@pytest.mark.parametrize(
    ("child", "there"),
    [
        ("https://a.example/tokenA/film/720/1.ts", "https://b.example/tokenB/film/720/1.ts"),
        ("https://a.example/tokenA/film/1.ts?sig=A", "https://b.example/tokenB/film/1.ts?sig=B"),
        ("https://a.example/tokenA/film/1.ts?n=3", "https://b.example/tokenB/film/1.ts?n=3"),
        ("https://a.example/elsewhere/1.ts?sig=A", "https://b.example/elsewhere/1.ts?sig=B"),
        ("https://a.example/elsewhere/1.ts", "https://a.example/elsewhere/1.ts"),
        ("https://c.example/tokenA/film/1.ts", "https://c.example/tokenA/film/1.ts"),
    ],
)
def test_a_child_moves_with_its_manifest_as_far_as_they_have_something_in_common(child: str, there: str) -> None:
    assert rebased(child, [OLD], NEW).url == there


def test_a_child_of_an_earlier_page_finds_the_last_address() -> None:
    between = "https://a.example/tokenX/film/master.m3u8?sig=X"
    child = "https://a.example/tokenA/film/1.ts"
    assert rebased(child, [OLD, between], NEW).url == "https://b.example/tokenB/film/1.ts"


def test_without_a_move_every_child_stays() -> None:
    child = "https://a.example/tokenA/film/1.ts"
    assert rebased(child, [], OLD).url == child
    assert rebased(child, [OLD], OLD).url == child
