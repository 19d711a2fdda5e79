"""Everything the media origin can send, found by path."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from tests.support import manifests
from tests.support.media import SEGMENT_S, SEGMENTS, Media

TYPES: Final = {
    ".mp4": "video/mp4",
    ".m4a": "audio/mp4",
    ".m4s": "video/iso.segment",
    ".ts": "video/mp2t",
    ".webm": "video/webm",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".vtt": "text/vtt; charset=utf-8",
    ".jpg": "image/jpeg",
    ".bin": "application/octet-stream",
}
MAX_BLOB_BYTES: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Resource:
    """`size` bytes of type `type`; `read(start, stop)` never blocks."""

    size: int
    type: str
    etag: str
    read: Callable[[int, int], bytes]


def blob(start: int, stop: int) -> bytes:
    """Bytes [start, stop) of every `/blob/<size>.<ext>`: big-endian 64-bit counters, so that a shift shows."""
    first = start // 8
    counters = range(first, -(-stop // 8))
    return struct.pack(f">{len(counters)}Q", *counters)[start - first * 8 : stop - first * 8]


class Shelf:
    """Clips, held in memory so that serving them never blocks a loop, beside blobs of any size and the live window."""

    def __init__(self, media: Media, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._files = {name: _file(path.name, path.read_bytes()) for name, path in media.files().items()}

    def find(self, path: str, ends_at: float | None = None) -> Resource | None:
        """The resource under `path` (no leading slash), or None. `ends_at` (Unix seconds) closes a live playlist."""
        folder, _, name = path.rpartition("/")
        match folder:
            case "live":
                return self._live(name, ends_at)
            case "blob":
                return _blob(name)
            case _:
                return self._files.get(path)

    def _live(self, name: str, ends_at: float | None) -> Resource | None:
        now = self._wall()
        if name in ("index.m3u8", "undated.m3u8"):
            text = manifests.live_playlist(
                now, segments=SEGMENTS, segment_s=SEGMENT_S, is_dated=name == "index.m3u8", ends_at=ends_at
            )
            return _file(name, text.encode())
        number = name.removesuffix(".ts")
        if not number.isdecimal() or (int(number) + 1) * SEGMENT_S > now:
            return None
        return self._files.get(f"hls/360/{int(number) % SEGMENTS:03}.ts")


def _file(name: str, data: bytes) -> Resource:
    suffix = PurePosixPath(name).suffix
    kind = "audio/webm" if name == "audio.webm" else TYPES.get(suffix, "application/octet-stream")
    return Resource(len(data), kind, hashlib.sha256(data).hexdigest()[:16], lambda start, stop: data[start:stop])


def _blob(name: str) -> Resource | None:
    size, dot, extension = name.partition(".")
    if not size.isdecimal() or int(size) > MAX_BLOB_BYTES:
        return None
    return Resource(int(size), TYPES.get(dot + extension, "video/mp4"), f"blob-{size}", blob)
