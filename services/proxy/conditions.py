"""Conditional requests (RFC 9110 §13): whether a client has what it asks for, or asks for what is gone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal

# Commas may stand inside of a tag (§8.8.3), and some origins leave out the quotes.
_ENTITY_TAG: Final = re.compile(r'(?:W/)?"[^"]*"|[^",\s]+')


@dataclass(frozen=True, slots=True)
class Conditions:
    """The preconditions of one request, as they were sent; '' where there is none."""

    if_match: str = ""
    if_none_match: str = ""
    if_modified_since: str = ""
    if_unmodified_since: str = ""
    if_range: str = ""

    @classmethod
    def of(cls, headers: Mapping[bytes, str]) -> Conditions | None:
        """Those of a request's headers; None where there are none at all, as in nearly every request."""
        given = [headers.get(name, "") for name in _NAMES]
        return cls(*given) if any(given) else None

    def verdict(self, etag: str, last_modified: str) -> Literal[304, 412] | None:
        """How to answer at once, in the order of §13.2.2; None: as if nothing had been asked."""
        if self.if_match:
            if not _names(self.if_match, etag, is_strong=True):
                return 412
        elif self.if_unmodified_since and _is_later(last_modified, self.if_unmodified_since):
            return 412
        if self.if_none_match:
            return 304 if _names(self.if_none_match, etag, is_strong=False) else None
        has_date = bool(self.if_modified_since and _date(last_modified) and _date(self.if_modified_since))
        return 304 if has_date and not _is_later(last_modified, self.if_modified_since) else None

    def allows_range(self, etag: str, last_modified: str) -> bool:
        """Whether a Range counts: not if If-Range names another generation (strong comparison, §13.1.5)."""
        if not self.if_range:
            return True
        if self.if_range.startswith(('"', "W/")):
            return bool(etag) and self.if_range == etag and not etag.startswith("W/")
        return bool(last_modified) and self.if_range == last_modified


_NAMES = (b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range")


def _names(listed: str, etag: str, *, is_strong: bool) -> bool:
    if listed.strip() == "*":
        return True
    if not etag or (is_strong and etag.startswith("W/")):
        return False
    wanted = etag.removeprefix("W/")
    given = _ENTITY_TAG.findall(listed)
    return any((part if is_strong else part.removeprefix("W/")) == wanted for part in given)


def _is_later(date: str, than: str) -> bool:
    one, other = _date(date), _date(than)
    return one is not None and other is not None and one > other


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
