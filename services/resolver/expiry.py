"""When a stream URL stops to work, as far as the URL itself says."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterable
from time import strptime
from typing import Final
from urllib.parse import unquote

# A result is given up this long before its streams end, or at three quarters of their life, whichever is later.
MARGIN_S: Final = 300.0
MINIMUM_S: Final = 30.0
_FARTHEST_S: Final = 400 * 86400

# `expire=…`, `Expires=…`, `/expire/…/` (googlevideo), `exp=…~acl=…` (Akamai), `"expires":…` (Twitch), in s or ms.
_STAMP: Final = re.compile(
    r"(?:^|[/?&~;,\"{])(?:expires?|exp|expiry|expiration|x-expires|e)\"?[=/:](\d{10}|\d{13})(?!\d)", re.IGNORECASE
)
# Presigned URLs of S3 and its likes: a date and a duration.
_AMZ_DATE: Final = re.compile(r"[?&]x-(?:amz|goog)-date=(\d{8}T\d{6})Z", re.IGNORECASE)
_AMZ_LIFE: Final = re.compile(r"[?&]x-(?:amz|goog)-expires=(\d{1,7})(?!\d)", re.IGNORECASE)


def url_expiry(url: str, now: float) -> float | None:
    """The earliest moment (Unix seconds) after `now` at which `url` says that it expires; None if it says nothing."""
    text = unquote(url)
    stamps = [float(digits) / (1000 if len(digits) == 13 else 1) for digits in _STAMP.findall(text)]
    made, life = _AMZ_DATE.search(text), _AMZ_LIFE.search(text)
    if made and life:
        stamps.append(timegm(strptime(made[1], "%Y%m%dT%H%M%S")) + float(life[1]))
    return min((stamp for stamp in stamps if now < stamp < now + _FARTHEST_S), default=None)


def earliest_expiry(urls: Iterable[str], now: float) -> float | None:
    """The earliest `url_expiry` of several URLs."""
    return min((stamp for url in urls if (stamp := url_expiry(url, now)) is not None), default=None)


def cache_until(streams_expire: float | None, now: float, ttl_s: float) -> float:
    """Until when (Unix seconds) a result may be given out whose first stream ends at `streams_expire`."""
    if streams_expire is None:
        return now + ttl_s
    left = streams_expire - now
    return now + max(MINIMUM_S, min(ttl_s, left - min(MARGIN_S, left / 4)))
