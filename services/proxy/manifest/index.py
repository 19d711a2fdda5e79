"""Where the pieces of one media file lie: the `sidx` of fragmented MP4, the Cues of WebM. Pure: bytes in, ranges out.

Players that put separate picture and sound into one MediaSource ask for pieces by their byte ranges.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.common.errors import Refused

_EBML: Final = 0x1A45DFA3
_SEGMENT: Final = 0x18538067
_SEEK_HEAD: Final = 0x114D9B74
_SEEK: Final = 0x4DBB
_SEEK_ID: Final = 0x53AB
_SEEK_POSITION: Final = 0x53AC
_INFO: Final = 0x1549A966
_SCALE: Final = 0x2AD7B1
_DURATION: Final = 0x4489
_TRACKS: Final = 0x1654AE6B
_CUES: Final = 0x1C53BB6B
_CLUSTER: Final = 0x1F43B675


# A century: what is longer is no film.
_LONGEST_NS: Final = 100 * 365 * 86400 * 1e9


@dataclass(frozen=True, slots=True)
class Index:
    """Byte ranges (start, stop exclusive) of what a decoder needs first, and of the list of pieces. Seconds."""

    container: str
    init: tuple[int, int]
    pieces: tuple[int, int]
    duration: float


@dataclass(frozen=True, slots=True)
class More:
    """These bytes (start, stop exclusive) must be read before it can be told."""

    start: int
    stop: int


def no_index(why: str) -> Refused:
    """A file that can't be played piece by piece."""
    return Refused("no_index", f"This file has no list of its pieces: {why}.")


class Parts:
    """Some bytes of a file, wherever they lie in it."""

    def __init__(self) -> None:
        self._held: list[tuple[int, bytes]] = []

    def add(self, start: int, body: bytes) -> None:
        """Hold `body`, which begins at byte `start`."""
        self._held.append((start, body))

    def get(self, start: int, stop: int) -> bytes | None:
        """Bytes `start` to `stop`; None if they are not all held."""
        for begin, body in self._held:
            if begin <= start and stop <= begin + len(body):
                return body[start - begin : stop - begin]
        return None


def read(parts: Parts) -> Index | More:
    """The index of a file of which `parts` are held, or which bytes to read next.

    :raises Refused: `no_index` if the file has none that a player could use.
    """
    head = parts.get(0, 12)
    if head is None:
        return More(0, 12)
    if head[:4] == b"\x1aE\xdf\xa3":
        return _webm(parts)
    if head[4:8] in (b"ftyp", b"styp", b"moov", b"sidx"):
        return _mp4(parts)
    raise no_index("it is neither MP4 nor WebM")


def _mp4(parts: Parts) -> Index | More:
    """ISO/IEC 14496-12: boxes from the start; `sidx` stands after `moov` and before the first `moof`."""
    position, init_stop = 0, 0
    while True:
        head = parts.get(position, position + 16)
        if head is None:
            return More(position, position + 16)
        size, kind = struct.unpack(">I4s", head[:8])
        if size == 1:
            (size,) = struct.unpack(">Q", head[8:16])
        if size < 8:
            raise no_index("a box without a length")
        if kind == b"moov":
            init_stop = position + size
        elif kind == b"sidx":
            if not init_stop:
                raise no_index("its pieces are listed before they are described")
            body = parts.get(position, position + size)
            if body is None:
                return More(position, position + size)
            return Index("mp4", (0, init_stop), (position, position + size), _sidx_duration(body))
        elif kind in (b"moof", b"mdat"):
            raise no_index("it is not fragmented, or not indexed")
        position += size


def _sidx_duration(body: bytes) -> float:
    """Seconds in a `sidx` (§8.16.3)."""
    try:
        version, timescale = body[8], int.from_bytes(body[16:20], "big")
        place = 20 + (8 if version == 0 else 16) + 2
        (count,) = struct.unpack_from(">H", body, place)
        ticks = 0
        for number in range(count):
            reference, ticks_here, _ = struct.unpack_from(">III", body, place + 2 + 12 * number)
            if reference >> 31:
                raise no_index("it lists lists")
            ticks += ticks_here
    except (struct.error, IndexError):
        raise no_index("the list is cut short") from None
    if not count or not timescale or not ticks:
        raise no_index("the list is empty")
    return ticks / timescale


@dataclass(frozen=True, slots=True)
class _Element:
    """An EBML element: where it begins, where its content does, and where that ends (None: unknown)."""

    kind: int
    start: int
    body: int
    stop: int | None


def _webm(parts: Parts) -> Index | More:
    """RFC 9559: the Segment's Info and Tracks stand before its first Cluster; Cues anywhere."""
    segment = _find_segment(parts)
    if isinstance(segment, More):
        return segment
    info: tuple[float, float] | None = None
    cues_at: int | None = None
    init_stop, position = 0, segment.body
    while True:
        element = _element(parts, position)
        if isinstance(element, More):
            return element
        if element.kind in (_CLUSTER, _CUES):
            init_stop = init_stop or position
            cues_at = position if element.kind == _CUES else cues_at
            break
        if element.stop is None:
            raise no_index("an element without a length")
        if element.kind in (_SEEK_HEAD, _INFO):
            body = parts.get(element.body, element.stop)
            if body is None:
                return More(element.body, element.stop)
            if element.kind == _INFO:
                info = _read_info(body)
            else:
                found = _read_seek(body)
                cues_at = None if found is None else segment.body + found
        position = element.stop
    if info is None or cues_at is None:
        raise no_index("it has no Cues")
    cues = _element(parts, cues_at)
    if isinstance(cues, More):
        return cues
    if cues.kind != _CUES or cues.stop is None:
        raise no_index("its Cues are not where it says")
    scale, ticks = info
    return Index("webm", (0, init_stop), (cues_at, cues.stop), ticks * scale / 1e9)


def _find_segment(parts: Parts) -> _Element | More:
    header = _element(parts, 0)
    if isinstance(header, More):
        return header
    if header.kind != _EBML or header.stop is None:
        raise no_index("the head is malformed")
    segment = _element(parts, header.stop)
    if isinstance(segment, More) or segment.kind == _SEGMENT:
        return segment
    raise no_index("there is no Segment")


def _element(parts: Parts, start: int) -> _Element | More:
    head = parts.get(start, start + 12)
    if head is None:
        return More(start, start + 12)
    return _element_of(head, start)


def _element_of(head: bytes, start: int) -> _Element:
    if not head or not head[0]:
        raise no_index("an element is malformed")
    id_length = 9 - head[0].bit_length()
    if id_length > 4 or len(head) <= id_length or not head[id_length]:
        raise no_index("an element is malformed")
    length = 9 - head[id_length].bit_length()
    raw = head[id_length : id_length + length]
    if len(raw) < length:
        raise no_index("an element is malformed")
    size = int.from_bytes(raw, "big") & ((1 << (7 * length)) - 1)
    body = start + id_length + length
    is_unknown = size == (1 << (7 * length)) - 1
    return _Element(int.from_bytes(head[:id_length], "big"), start, body, None if is_unknown else body + size)


def _children(body: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(body):
        element = _element_of(body[position : position + 12], position)
        stop = len(body) if element.stop is None else element.stop
        yield element.kind, body[element.body : stop]
        position = stop


def _read_info(body: bytes) -> tuple[float, float]:
    """Nanoseconds in a tick, and the duration in ticks."""
    scale, ticks = 1_000_000.0, 0.0
    for kind, value in _children(body):
        if kind == _SCALE and len(value) <= 8:
            scale = float(int.from_bytes(value, "big"))
        elif kind == _DURATION and len(value) in (4, 8):
            (ticks,) = struct.unpack(">f" if len(value) == 4 else ">d", value)
    if not 0 < ticks * scale < _LONGEST_NS:
        raise no_index("its length is unknown")
    return scale, ticks


def _read_seek(body: bytes) -> int | None:
    """Where the Cues are, from the Segment's content."""
    for kind, entry in _children(body):
        fields = dict(_children(entry)) if kind == _SEEK else {}
        if int.from_bytes(fields.get(_SEEK_ID, b""), "big") == _CUES:
            return int.from_bytes(fields.get(_SEEK_POSITION, b""), "big")
    return None
