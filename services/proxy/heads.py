"""Heads of our answers: what is relayed, what is added, what never leaves here."""

from __future__ import annotations

from typing import Final

from services.common.stream import Kind
from services.proxy.manifest.links import suffix
from services.proxy.memory import Shelf
from services.proxy.ranges import ContentRange

Headers = list[tuple[bytes, bytes]]

COMMON: Final[Headers] = [
    (b"access-control-allow-origin", b"*"),
    # Without these a player can't tell lengths, and can't seek.
    (
        b"access-control-expose-headers",
        b"Content-Length, Content-Range, Accept-Ranges, ETag, Age, X-Cache, Server-Timing",
    ),
    (b"timing-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"cache-control", b"private, no-transform"),
    # What strangers' servers send must never run as a page of ours.
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"sandbox; default-src 'none'"),
]
PREFLIGHT: Final[Headers] = [
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"Range, If-Range, If-None-Match, If-Match, If-Modified-Since, If-Unmodified-Since",
    ),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]

OCTETS: Final = "application/octet-stream"
VTT: Final = "text/vtt; charset=utf-8"

_SAFE_FAMILIES: Final = ("video/", "audio/", "image/")
_SAFE_TYPES: Final = frozenset(
    {"text/plain", "text/vtt", "application/json", "application/x-subrip", "application/mp4", "application/ogg"}
    | {"application/vnd.apple.mpegurl", "application/x-mpegurl", "application/dash+xml", "application/vnd.ms-sstr+xml"}
)
# Pictures that carry script.
_UNSAFE_TYPES: Final = frozenset({"image/svg+xml"})
_VAGUE_TYPES: Final = frozenset({"", OCTETS, "binary/octet-stream", "text/plain"})
_BY_SUFFIX: Final = {
    ".ts": "video/mp2t",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".mp3": "audio/mpeg",
    ".webm": "video/webm",
    ".vtt": VTT,
    ".webvtt": VTT,
    ".jpg": "image/jpeg",
    ".png": "image/png",
}
_CACHED_KINDS: Final = frozenset({Kind.SEGMENT, Kind.KEY, Kind.SUBTITLE, Kind.IMAGE})


def media_type(declared: str, url: str, kind: Kind | None, first_bytes: bytes = b"") -> str:
    """The content type under which a body from `url` is served: never one that a browser would run."""
    bare = declared.partition(";")[0].strip().lower()
    if kind is not Kind.KEY and (first_bytes.startswith((b"WEBVTT", b"\xef\xbb\xbfWEBVTT")) or bare == "text/vtt"):
        return VTT
    if bare in _VAGUE_TYPES:
        return _BY_SUFFIX.get(suffix(url), "text/plain; charset=utf-8" if bare == "text/plain" else OCTETS)
    if bare in _UNSAFE_TYPES:
        return OCTETS
    return declared.strip() if bare.startswith(_SAFE_FAMILIES) or bare in _SAFE_TYPES else OCTETS


def is_cacheable(kind: Kind | None, content_type: str) -> bool:
    """Whether a whole small body may be kept: media and what belongs to it, not documents that change by the second."""
    if kind is not None:
        return kind in _CACHED_KINDS
    bare = content_type.partition(";")[0].lower()
    return bare.startswith(_SAFE_FAMILIES) or bare in ("text/vtt", OCTETS, "application/mp4", "application/x-subrip")


def shelf(content_type: str, url: str) -> Shelf:
    """Where a cached body belongs."""
    if content_type.startswith("audio/") or "mime=audio" in url:
        return Shelf.AUDIO
    if content_type.startswith("text/") or "mpegurl" in content_type or "dash+xml" in content_type:
        return Shelf.TEXT
    return Shelf.VIDEO


def body_head(
    cache: str,
    content_type: str,
    *,
    length: int | None,
    content_range: ContentRange | None = None,
    has_ranges: bool = True,
    etag: str = "",
    last_modified: str = "",
    age_s: float | None = None,
    took_s: float = 0.0,
) -> Headers:
    """The head of a 200 or 206; without `length` the body is chunked."""
    head = [
        *COMMON,
        *origin_of(cache, took_s, age_s),
        (b"content-type", _latin(content_type)),
        (b"accept-ranges", b"bytes" if has_ranges else b"none"),
    ]
    if length is not None:
        head.append((b"content-length", str(length).encode()))
    if content_range is not None:
        head.append((b"content-range", content_range.header.encode()))
    if etag:
        head.append((b"etag", _latin(etag)))
    if last_modified:
        head.append((b"last-modified", _latin(last_modified)))
    return head


def origin_of(cache: str, took_s: float, age_s: float | None = None) -> Headers:
    """Where an answer came from, how long it took until now, and how long ago its origin vouched for it."""
    name = cache.encode()
    told = [(b"x-cache", name), (b"server-timing", b"cache;desc=%b;dur=%.1f" % (name, took_s * 1000))]
    return told if age_s is None else [*told, (b"age", str(int(age_s)).encode())]


def unsatisfiable_head(total: int | None) -> Headers:
    """What a 416 tells."""
    told = "*" if total is None else str(total)
    return [(b"content-range", f"bytes */{told}".encode()), (b"content-length", b"0")]


def plain(value: str) -> str:
    """A validator as it may be kept and sent again; '' if it is none (RFC 9110 §8.8.3)."""
    return value if value.isascii() and value.isprintable() and len(value) <= 1024 else ""


def _latin(value: str) -> bytes:
    """A relayed header value, without what could end it early."""
    return value.encode("latin-1", "replace").translate(None, b"\r\n\0")
