"""Dates for playlists that have none (EXT-X-PROGRAM-DATE-TIME, RFC 8216 §4.3.2.6): where they go and what they say."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.proxy.manifest.hls import attributes, lines_of

_DATE: Final = "#EXT-X-PROGRAM-DATE-TIME"
# No number of a segment is longer, and no segment; what says so is not believed.
_MAX_DIGITS: Final = 15
_MAX_DURATION_MS: Final = 24 * 3600 * 1000
# Playlists whose segments are not one after the other in time, or not live.
_OTHERS: Final = ("#EXT-X-STREAM-INF", "#EXT-X-I-FRAMES-ONLY", "#EXT-X-PLAYLIST-TYPE:VOD", _DATE)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The segments of a live playlist without dates.

    `first` is the number of the first one that is listed; `durations_ms` are theirs, and that of the parts that begin
    one more; `places` are the lines before which their dates go. `is_ended`: no more will come.
    """

    lines: list[str]
    first: int
    durations_ms: list[int]
    places: list[int]
    target_ms: int
    is_ended: bool

    def dated(self, dates_ms: Sequence[int]) -> str:
        """The playlist with a date (Unix ms) for each segment, so that players keep none across a discontinuity."""
        dates = dict(zip(self.places, dates_ms, strict=True))
        made: list[str] = []
        for number, line in enumerate(self.lines):
            if number in dates:
                made.append(f"{_DATE}:{written(dates[number])}")
            made.append(line)
        return "\n".join(made)


def written(date_ms: int) -> str:
    """A date as ISO 8601 has it, with milliseconds."""
    moment = datetime.fromtimestamp(date_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{date_ms % 1000:03}Z"


def timeline(text: str) -> Timeline | None:
    """What is to be dated in a playlist; None if it has dates, is no list of media segments, or never was live."""
    if any(tag in text for tag in _OTHERS) or ("#EXTINF" not in text and "#EXT-X-PART:" not in text):
        return None
    lines = lines_of(text)
    first, target_ms, is_ended = 0, 0, False
    places: list[int] = []
    durations: list[int] = []
    duration_ms, parts_ms, place = 0, 0, -1
    for number, line in enumerate(lines):
        name, _, value = line.partition(":")
        match name:
            case "#EXT-X-MEDIA-SEQUENCE":
                first += _whole(value)
            case "#EXT-X-SKIP":
                # A delta update (RFC 8216bis §4.4.5.2): the player has these segments, with the dates we gave them.
                first += _whole(attributes(value).get("SKIPPED-SEGMENTS", ""))
            case "#EXT-X-TARGETDURATION":
                target_ms = _milliseconds(value)
            case "#EXT-X-ENDLIST":
                is_ended = True
            case "#EXTINF" | "#EXT-X-PART":
                place = number if place < 0 else place
                if name == "#EXTINF":
                    duration_ms = _milliseconds(value.partition(",")[0])
                else:
                    parts_ms += _milliseconds(attributes(value).get("DURATION", ""))
            case _ if place >= 0 and line and not line.startswith("#"):
                places.append(place)
                durations.append(duration_ms)
                duration_ms, parts_ms, place = 0, 0, -1
    if place >= 0 and parts_ms:
        places.append(place)
        durations.append(parts_ms)
    if not places:
        return None
    return Timeline(lines, first, durations, places, target_ms or max(durations), is_ended)


def _whole(text: str) -> int:
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else 0


def _milliseconds(text: str) -> int:
    with contextlib.suppress(ValueError, OverflowError):
        return max(0, min(round(float(text) * 1000), _MAX_DURATION_MS))
    return 0
