"""Byte ranges (RFC 9110 §14): what a client asks for, and what an upstream says it sends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_RANGES: Final = 8
MAX_HEADER_CHARS: Final = 1024

_SPEC: Final = re.compile(r"([0-9]*)-([0-9]*)")
# Beyond every object's end, as players that mean the end write it: 2^64 - 1, for one.
_FAR: Final = 1 << 62
_CONTENT_RANGE: Final = re.compile(r"bytes[ \t]+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)[ \t]*", re.IGNORECASE)
_UNSATISFIED: Final = re.compile(r"bytes[ \t]+\*/([0-9]{1,18})[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """One range as asked for. `last` is inclusive, None to the end; `first` None means the last `last` bytes."""

    first: int | None
    last: int | None

    @property
    def header(self) -> str:
        """The value of a Range header."""
        first = "" if self.first is None else self.first
        last = "" if self.last is None else self.last
        return f"bytes={first}-{last}"

    @property
    def is_whole(self) -> bool:
        """Whether it asks for everything there is, as `<video>` does first."""
        return self.first == 0 and self.last is None

    def holds(self, position: int) -> bool:
        """Whether a byte is in it; never in one that counts from the end."""
        return self.first is not None and self.first <= position and (self.last is None or position <= self.last)

    def within(self, total: int) -> tuple[int, int] | None:
        """Start and stop (exclusive) in an object of `total` bytes; None if it holds none of them (416)."""
        if self.first is None:
            length = min(self.last or 0, total)
            return (total - length, total) if length else None
        if self.first >= total:
            return None
        return self.first, total if self.last is None else min(self.last + 1, total)


@dataclass(frozen=True, slots=True)
class ContentRange:
    """What a 206 carries: bytes `start` to `stop` (exclusive) of `total`, None where the upstream doesn't know it."""

    start: int
    stop: int
    total: int | None

    @property
    def header(self) -> str:
        """The value of a Content-Range header."""
        return f"bytes {self.start}-{self.stop - 1}/{'*' if self.total is None else self.total}"


def parse_ranges(header: str | None) -> tuple[ByteRange, ...]:
    """The ranges of a Range header, in order.

    None at all, which means the whole object, for no header, other units, malformed or very long ones and more than
    `MAX_RANGES`: a server may ignore any Range (§14.2).
    """
    if not header or len(header) > MAX_HEADER_CHARS:
        return ()
    unit, equals, listed = header.partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes":
        return ()
    found = []
    for part in listed.split(","):
        text = part.strip(" \t")
        if not text:
            continue
        match = _SPEC.fullmatch(text)
        if match is None or not (match[1] or match[2]):
            return ()
        first, last = (min(int(digits), _FAR) if digits else None for digits in match.groups())
        if first is not None and last is not None and last < first:
            return ()
        found.append(ByteRange(first, last))
    return tuple(found) if len(found) <= MAX_RANGES else ()


def spans_of(ranges: tuple[ByteRange, ...], total: int) -> tuple[tuple[int, int], ...] | None:
    """Start and stop of each range in an object of `total` bytes, in the order asked for; none of it is 416.

    None, which means the whole object, where they would come to more than that (§14.2: overlapping ones are an attack).
    """
    spans = tuple(span for each in ranges if (span := each.within(total)) is not None)
    if len(spans) > 1 and sum(stop - start for start, stop in spans) > total:
        return None
    return spans


def parse_content_range(header: str | None) -> ContentRange | None:
    """The Content-Range of a 206, or None if it is missing or contradicts itself."""
    match = _CONTENT_RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    start, last = int(match[1]), int(match[2])
    total = None if match[3] == "*" else int(match[3])
    if last < start or (total is not None and last >= total):
        return None
    return ContentRange(start, last + 1, total)


def parse_unsatisfied(header: str | None) -> int | None:
    """The length that a 416 tells (`bytes */N`), or None."""
    match = _UNSATISFIED.fullmatch(header.strip()) if header else None
    return int(match[1]) if match else None
