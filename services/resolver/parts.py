"""Pages with several videos: each has a link of its own, which is the page's with a number in its fragment."""

from __future__ import annotations

import re
from typing import Any, Final

from services.resolver.info import is_link

_MARK: Final = re.compile(r"(?:#|&)wt-part=([1-9]\d{0,2})$")


def part_link(page: str, number: int) -> str:
    """The link of a page's video, counted from 1."""
    return f"{page}{'&' if '#' in page else '#'}wt-part={number}"


def read_part(link: str) -> tuple[str, int]:
    """The page that a link names, and which of its videos: the first, if the link does not say."""
    found = _MARK.search(link)
    return (link, 1) if found is None else (link[: found.start()], int(found[1]))


def is_page(raw: dict[str, Any] | None) -> bool:
    """Whether a result is a page that holds its videos itself; a list only names them."""
    return any(map(_is_held, (raw or {}).get("entries") or ()))


def numbered(raw: dict[str, Any], page: str) -> list[dict[str, Any] | None]:
    """What a list or page has, in its order, as links: of what it holds itself those of `part_link`.

    :param page: the list's own link, where it does not say.
    """
    page = str(raw.get("webpage_url") or page)
    entries: list[dict[str, Any] | None] = list(raw.get("entries") or ())
    titles = [str((entry or {}).get("title")) for entry in entries]
    return [
        _linked(entry, page, number, f"{title} ({number})" if titles.count(title) > 1 else title)
        if entry and _is_held(entry)
        else entry
        for number, (entry, title) in enumerate(zip(entries, titles, strict=True), 1)
    ]


def _is_held(entry: dict[str, Any] | None) -> bool:
    return bool(entry) and not is_link(entry or {}) and "entries" not in (entry or {})


def _linked(entry: dict[str, Any], page: str, number: int, title: str) -> dict[str, Any]:
    # yt-dlp gives the page's link to all that have none of their own.
    own = entry.get("webpage_url")
    url = own if own and own != page else part_link(page, number)
    return {**entry, "_type": "url", "url": url, "webpage_url": url, "title": title}
