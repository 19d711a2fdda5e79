"""What comes after what: the order of segments in the media playlists that players were given."""

from __future__ import annotations

import base64
import binascii
import bisect
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode

from services.proxy.ranges import ByteRange

MAX_PLAYLISTS: Final = 256
MAX_SEGMENTS: Final = 20_000

# What a request for a segment shows of it: its query, and where in the file it begins.
Place = tuple[str, int]

_BYTE_RANGE: Final = re.compile(r"(\d+)(?:@(\d+))?")
_NUMBER: Final = re.compile(r"\$Number(?:%0(\d{1,2})d)?\$")


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a stream: the query under which it is asked for, its part of that file, its length in seconds."""

    query: str
    wanted: ByteRange | None
    duration_s: float


@dataclass(slots=True)
class MediaPlaylist:
    """One rendition, by its scope and object. `starts` are the times at which its segments begin; `used_at` (monotonic
    seconds) is when a player last read from it.
    """

    name: tuple[str, str]
    context: str
    segments: list[Segment]
    starts: list[float]
    is_live: bool
    used_at: float = -1e9
    places: dict[Place, int] = field(init=False)

    def __post_init__(self) -> None:
        self.places = {place_of(segment): number for number, segment in enumerate(self.segments)}

    def after(self, place: Place, seconds: float) -> list[Segment]:
        """The segments behind one of them, of `seconds` together at least."""
        return _span(self.segments, self.places[place] + 1, seconds)

    def at(self, position_s: float, seconds: float) -> list[Segment]:
        """The segments from a time on, of `seconds` together at least; none of a live one, whose times slide."""
        if self.is_live or not position_s >= 0:
            return []
        return _span(self.segments, max(0, bisect.bisect_right(self.starts, position_s) - 1), seconds)


def place_of(segment: Segment) -> Place:
    """Where a segment is."""
    return segment.query, segment.wanted.first or 0 if segment.wanted else 0


class Playlists:
    """The media playlists that were rewritten last, by the segments in them."""

    def __init__(self) -> None:
        self._by_name: OrderedDict[tuple[str, str], MediaPlaylist] = OrderedDict()
        self._by_place: dict[Place, MediaPlaylist] = {}

    def learn(self, playlist: MediaPlaylist) -> None:
        """Take in a playlist, in place of an earlier reading of it."""
        earlier = self._by_name.pop(playlist.name, None)
        if earlier is not None:
            playlist.used_at = earlier.used_at
            self._forget(earlier)
        self._by_name[playlist.name] = playlist
        self._by_place.update(dict.fromkeys(playlist.places, playlist))
        while len(self._by_name) > MAX_PLAYLISTS or (len(self._by_place) > MAX_SEGMENTS and len(self._by_name) > 1):
            self._forget(self._by_name.popitem(last=False)[1])

    def of(self, place: Place) -> MediaPlaylist | None:
        """The playlist that a segment is in."""
        return self._by_place.get(place)

    def in_use(self, context: str, since: float) -> list[MediaPlaylist]:
        """The playlists of a stream that were read from since then."""
        return [each for each in self._by_name.values() if each.context == context and each.used_at >= since]

    def _forget(self, playlist: MediaPlaylist) -> None:
        for place in playlist.places:
            if self._by_place.get(place) is playlist:
                del self._by_place[place]


def read_playlist(text: str, name: tuple[str, str], context: str) -> MediaPlaylist | None:
    """The media playlist in a rewritten text; None if it is none, or a very long one."""
    if "#EXTINF" not in text:
        return None
    segments = list(_segments(text))
    if not segments or len(segments) > MAX_SEGMENTS:
        return None
    starts, at = [], 0.0
    for segment in segments:
        starts.append(at)
        at += segment.duration_s
    return MediaPlaylist(name, context, segments, starts, "#EXT-X-ENDLIST" not in text)


def next_of_template(query: str, packed: str) -> str | None:
    """The query of the segment behind one of the numbered DASH template `packed`; None if it is none of those."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    try:
        template = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    token = _NUMBER.search(template)
    if token is None or template.count("$") != 2:
        return None
    before, after = template[: token.start()], template[token.end() :]
    url = given.get("url", "")
    number = url[len(before) : len(url) - len(after)]
    if not (url.startswith(before) and url.endswith(after) and number.isascii() and number.isdigit()):
        return None
    width = int(token[1] or 1)
    return urlencode({**given, "url": f"{before}{int(number) + 1:0{width}d}{after}"})


def _span(segments: list[Segment], first: int, seconds: float) -> list[Segment]:
    found: list[Segment] = []
    for segment in segments[first:]:
        if seconds <= 0:
            break
        found.append(segment)
        seconds -= segment.duration_s
    return found


def _segments(text: str) -> Iterator[Segment]:
    duration_s, length, offset, end = 0.0, 0, None, 0
    for line in text.split("\n"):
        if line.startswith("#EXTINF:"):
            duration_s = _seconds(line[8:].partition(",")[0])
        elif line.startswith("#EXT-X-BYTERANGE:") and (form := _BYTE_RANGE.match(line[17:])):
            length, offset = int(form[1]), int(form[2]) if form[2] else None
        elif line and not line.startswith("#"):
            wanted = None
            if length:
                start = end if offset is None else offset
                wanted, end = ByteRange(start, start + length - 1), start + length
            path, mark, query = line.partition("?")
            if mark and path.startswith("/"):
                yield Segment(query, wanted, duration_s)
            duration_s, length, offset = 0.0, 0, None


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e6 else 0.0
