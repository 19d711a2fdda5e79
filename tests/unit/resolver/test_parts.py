"""Pages with several videos: links to each of them."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.guard import page_url
from services.resolver.info import read_entries
from services.resolver.parts import is_page, numbered, part_link, read_part

PAGE = "https://site.example/post/7"


@pytest.mark.parametrize("page", [PAGE, f"{PAGE}?a=b", f"{PAGE}#/post?id=7", f"{PAGE}#wt-part=2x"])
def test_a_parts_link_is_read_back_also_once_it_is_canonical(page: str) -> None:
    link = part_link(page, 12)
    assert read_part(link) == (page, 12)
    assert read_part(page_url(link)) == (page_url(page), 12)
    assert read_part(page) == (page, 1)


def test_what_a_page_holds_gets_the_pages_link_with_its_number_and_a_title_of_its_own() -> None:
    raw: dict[str, Any] = {
        "webpage_url": PAGE,
        "entries": [
            {"title": "Holiday", "url": "https://cdn.example/1.mp4", "webpage_url": PAGE},
            None,
            {"title": "Holiday", "url": "https://cdn.example/2.mp4", "webpage_url": PAGE, "duration": 9},
            {"_type": "url", "url": "https://elsewhere.example/", "title": "Elsewhere"},
            {"title": "Beach", "webpage_url": "https://site.example/video/8", "formats": []},
            {"_type": "playlist", "entries": [], "title": "A list"},
        ],
    }
    assert is_page(raw)
    assert [
        (entry.url, entry.title, entry.duration) for entry in read_entries(numbered(raw, "https://short.example/"))
    ] == [
        (f"{PAGE}#wt-part=1", "Holiday (1)", None),
        (f"{PAGE}#wt-part=3", "Holiday (3)", 9),
        ("https://elsewhere.example/", "Elsewhere", None),
        ("https://site.example/video/8", "Beach", None),
    ]


def test_a_list_that_only_names_its_videos_is_no_page_of_them() -> None:
    raw: dict[str, Any] = {"entries": [{"_type": "url", "url": "https://a.example/", "title": "A"}, None]}
    assert not is_page(raw)
    assert numbered(raw, PAGE) == raw["entries"]
    assert not is_page(None)
