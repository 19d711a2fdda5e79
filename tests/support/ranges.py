"""Range requests as an exact origin answers them (RFC 9110 §14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

_SPEC: Final = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Selection:
    """Bytes [start, stop) of a representation, to be answered with `status`."""

    status: Literal[200, 206, 416]
    start: int
    stop: int


def select(header: str | None, size: int) -> Selection:
    """What `Range: header` asks of `size` bytes.

    No header, another unit, a malformed one and several ranges at once get the whole (§14.2 lets a server ignore them);
    a range that begins past the end, and a suffix of nothing, get 416.
    """
    whole = Selection(200, 0, size)
    match = _SPEC.fullmatch(header) if header else None
    if match is None:
        return whole
    first, last = match.groups()
    if not first and not last:
        return whole
    if not first:
        length = min(int(last), size)
        return Selection(206, size - length, size) if length else Selection(416, 0, 0)
    start = int(first)
    if last and int(last) < start:
        return whole
    if start >= size:
        return Selection(416, 0, 0)
    return Selection(206, start, min(int(last) + 1, size) if last else size)
