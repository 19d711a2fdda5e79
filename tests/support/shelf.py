"""Everything the media origin can send, found by path."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final

from tests.support import kinds, live, manifests
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
    ".mkv": "video/x-matroska",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ttml": "application/ttml+xml",
    ".json": "application/json",
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
        self._began = wall() - 3600
        self._files = {name: _file(path.name, path.read_bytes()) for name, path in media.files().items()}

    def find(self, path: str, ends_at: float | None = None) -> Resource | None:
        """The resource under `path` (no leading slash), or None. `ends_at` (Unix seconds) closes a live playlist."""
        folder, _, name = path.rpartition("/")
        match folder:
            case "live":
                return self._live(name, ends_at)
            case "live/dash":
                return self._live_dash(name)
            case "live/parts":
                return self._live_parts(name)
            case "blob":
                return _blob(name)
            case _:
                return self._files.get(path)

    def ready_at(self, path: str, query: Mapping[str, str]) -> float:
        """When `path` may be answered (Unix seconds): what is asked for before it exists is waited for."""
        folder, _, name = path.rpartition("/")
        if folder != "live/parts":
            return 0.0
        if name.startswith("part-") and name[5:-4].isdecimal():
            return (int(name[5:-4]) + 1) * live.PART_S
        msn, part = query.get("_HLS_msn", ""), query.get("_HLS_part", "")
        if not msn.isdecimal():
            return 0.0
        return live.parts_ready_at(int(msn), int(part) if part.isdecimal() else None, SEGMENT_S)

    def _live(self, name: str, ends_at: float | None) -> Resource | None:
        now = self._wall()
        window = live.LONG_WINDOW if name.startswith("long.") else live.WINDOW
        if name in ("index.mpd", "long.mpd"):
            return _file(name, live.mpd(now, SEGMENT_S, SEGMENT_S, window).encode())
        if name == "listed.mpd":
            return _file(name, live.listed_mpd(now, SEGMENT_S).encode())
        if name.startswith("patch-"):
            after = int(name.removeprefix("patch-").removesuffix(".mpd"))
            return _file(name, live.patch(now, SEGMENT_S, after).encode())
        if (way := name.removesuffix(".mpd")) in live.WAYS:
            text = live.told(live.mpd(now, SEGMENT_S, SEGMENT_S), way, self._began, SEGMENT_S)
            return _file(name, text.encode())
        if name in ("now", "now-ahead"):
            at = now if name == "now" else now + live.AHEAD_S
            return _file(name, f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.%fZ}".encode())
        if name in ("index.m3u8", "undated.m3u8", "long.m3u8"):
            is_dated = name != "undated.m3u8"
            text = manifests.live_playlist(
                now, segments=SEGMENTS, segment_s=SEGMENT_S, is_dated=is_dated, ends_at=ends_at, window=window
            )
            return _file(name, text.encode())
        number = name.removesuffix(".ts")
        if not number.isdecimal() or (int(number) + 1) * SEGMENT_S > now:
            return None
        return self._files.get(f"hls/360/{int(number) % SEGMENTS:03}.ts")

    def _live_dash(self, name: str) -> Resource | None:
        stream, _, number = name.removesuffix(".m4s").partition("-")
        init = self._files.get(f"dash/init-stream{stream}.m4s")
        if init is None or number == "init":
            return init
        if number.startswith("t"):
            number = str(int(number[1:]) // SEGMENT_S)
        if not number.isdecimal() or (int(number) + 1) * SEGMENT_S > self._wall():
            return None
        place = int(number) % SEGMENTS
        recorded = self._files[f"dash/chunk-stream{stream}-{place + 1:05}.m4s"]
        return _file(name, live.moved(_body(recorded), _body(init), (int(number) - place) * SEGMENT_S))

    def _live_parts(self, name: str) -> Resource | None:
        now = self._wall()
        if name == "index.m3u8":
            return _file(name, live.parts_playlist(now, SEGMENTS, SEGMENT_S).encode())
        if name == "init.mp4":
            return self._files[f"{kinds.PARTS}/init.mp4"]
        of = 1 if name.startswith("part-") else kinds.PARTS_IN_SEGMENT
        number = name.removeprefix("part-").removesuffix(".m4s")
        if not number.isdecimal() or (int(number) + 1) * of * live.PART_S > now:
            return None
        count = SEGMENTS * kinds.PARTS_IN_SEGMENT
        numbers = range(int(number) * of, (int(number) + 1) * of)
        return _file(name, b"".join(_body(self._files[f"{kinds.PARTS}/{each % count:03}.m4s"]) for each in numbers))


def _body(resource: Resource) -> bytes:
    return resource.read(0, resource.size)


def _file(name: str, data: bytes) -> Resource:
    suffix = PurePosixPath(name).suffix
    kind = "audio/webm" if name == "audio.webm" else TYPES.get(suffix, "application/octet-stream")
    return Resource(len(data), kind, hashlib.sha256(data).hexdigest()[:16], lambda start, stop: data[start:stop])


def _blob(name: str) -> Resource | None:
    size, dot, extension = name.partition(".")
    if not size.isdecimal() or int(size) > MAX_BLOB_BYTES:
        return None
    return Resource(int(size), TYPES.get(dot + extension, "video/mp4"), f"blob-{size}", blob)
