"""Puts captions into a picture's own data, as broadcasters do: CEA-608 in the SEI of H.264 (ATSC A/53 part 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_RESUME: Final = (0x14, 0x20)
_ERASE_HIDDEN: Final = (0x14, 0x2E)
_ROW_15: Final = (0x14, 0x70)
_SHOW: Final = (0x14, 0x2F)
_NOTHING: Final = (0x00, 0x00)
_SEI: Final = 6
_PICTURES: Final = (1, 5)


def with_captions(stream: bytes, frames_each: int, text: str) -> bytes:
    """An H.264 byte stream without B frames, in which every `frames_each` frames another caption is shown.

    `{}` in `text` is the number of the caption, from 0; it holds ASCII letters, digits and spaces alone.
    """
    out = bytearray()
    frame = 0
    for unit in _units(stream):
        # The first slice of a picture begins with macroblock 0.
        if unit[0] & 0x1F in _PICTURES and unit[1] & 0x80:
            number, place = divmod(frame, frames_each)
            pairs = _pairs(text.format(number))
            out += b"\0\0\0\1" + _message(pairs[place] if place < len(pairs) else _NOTHING)
            frame += 1
        out += b"\0\0\0\1" + unit
    return bytes(out)


def _units(stream: bytes) -> Iterator[bytes]:
    for unit in re.split(b"\0\0\0?\1", stream):
        if unit:
            yield unit


def _pairs(text: str) -> list[tuple[int, int]]:
    """What a pop-on caption takes, a pair of bytes for each frame; control codes are sent twice."""
    letters = text.encode("ascii") + b"\0" * (len(text) % 2)
    written = list(zip(letters[::2], letters[1::2], strict=True))
    before = [pair for pair in (_RESUME, _ERASE_HIDDEN, _ROW_15) for _ in range(2)]
    return [*before, *written, _SHOW, _SHOW]


def _message(pair: tuple[int, int]) -> bytes:
    """A SEI unit with one pair for the first field."""
    data = bytes([0xB5, 0x00, 0x31, *b"GA94", 0x03, 0x40 | 1, 0xFF, 0xFC, *map(_odd, pair), 0xFF])
    return bytes([_SEI, 4, len(data), *data, 0x80])


def _odd(byte: int) -> int:
    """With odd parity in the highest bit."""
    return byte if byte.bit_count() % 2 else byte | 0x80
