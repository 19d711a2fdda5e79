"""Formats as qualities and audio tracks: codec families, labels, duplicates, and which one to begin with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from services.resolver.info import Format

# In the order of how many devices play them.
FAMILIES: Final = ("avc1", "vp9", "av01", "hevc")
# yt-dlp's extractor of last resort, for every site that has none of its own.
GENERIC: Final = "Generic"
MAX_QUALITIES: Final = 60
# What a page that doesn't choose begins with: the best up to here.
COMFORTABLE_HEIGHT: Final = 1080
AUDIO_ONLY: Final = frozenset({"m4a", "mp3", "aac", "ogg", "oga", "opus", "flac", "wav", "weba", "mka"})

# What no browser opens, whatever is in it.
UNPLAYABLE: Final = frozenset(
    {"3g2", "ape", "asf", "avi", "divx", "f4v", "flv", "m2ts", "mpe", "mpeg", "mpg", "mts", "rm", "rmvb", "swf"}
    | {"ts", "vob", "wma", "wmv", "wv"}
)

_PREFIXES: Final = {
    "avc": "avc1",
    "h264": "avc1",
    "vp9": "vp9",
    "vp09": "vp9",
    "vp8": "vp8",
    "vp08": "vp8",
    "av01": "av01",
    "av1": "av01",
    "hev": "hevc",
    "hvc": "hevc",
    "h265": "hevc",
    "dvh": "hevc",
    "mp4a": "mp4a",
    "aac": "mp4a",
    "opus": "opus",
    "vorbis": "vorbis",
    "ac-3": "ac3",
    "ec-3": "ac3",
    "mp3": "mp3",
    "flac": "flac",
}


def family(codec: str | None) -> str:
    """The codec family of an RFC 6381 codec string or yt-dlp's short name; '' if unknown or absent."""
    name = (codec or "").lower()
    return next((known for prefix, known in _PREFIXES.items() if name.startswith(prefix)), "")


def has_video(entry: Format) -> bool:
    """Whether a format has, or may have, a picture."""
    if entry.vcodec is None:
        return entry.ext not in AUDIO_ONLY
    return entry.vcodec != "none"


def has_audio(entry: Format) -> bool:
    """Whether a format has, or may have, sound. An unknown codec is not an absent one."""
    return entry.acodec != "none"


def lines(entry: Format) -> int:
    """The number in a format's label: the shorter side, so that a portrait 1080x1920 is 1080p; 0 if unknown."""
    sides = [side for side in (entry.width, entry.height) if side]
    if entry.height and entry.width and entry.width < entry.height:
        return min(sides)
    return entry.height or 0


def label(entry: Format) -> str:
    """`1080p60`, `2160p HDR`, or what the site calls it."""
    if not lines(entry):
        return (entry.note or "Original")[:40]
    rate = _shown_rate(entry)
    return f"{lines(entry)}p{rate or ''}{' HDR' if entry.hdr else ''}"


def distinct(entries: Sequence[Format]) -> list[Format]:
    """One format per height, frame rate and dynamic range within each family, the best first.

    `entries` go from worst to best, as yt-dlp sorts them: of duplicates the last stays.
    """
    kept: dict[tuple[object, ...], Format] = {}
    for entry in entries:
        known = lines(entry)
        kept[(family(entry.vcodec), known, _shown_rate(entry), entry.hdr, "" if known else entry.format_id)] = entry
    ordered = sorted(kept.values(), key=lambda entry: (-lines(entry), -_shown_rate(entry), _rank(entry)))
    return ordered[:MAX_QUALITIES]


def comfortable(entries: Sequence[Format]) -> Format:
    """The format to begin with: up to 1080 lines, then in the family that most devices play, then without HDR."""

    def worth(entry: Format) -> tuple[int, int, bool, int, int]:
        height = lines(entry)
        # Above the comfortable height less is better.
        size = height if height <= COMFORTABLE_HEIGHT else -height
        return size, -_rank(entry), not entry.hdr, -_shown_rate(entry), _container(entry)

    return max(entries, key=worth)


def distinct_audio(entries: Sequence[Format]) -> list[Format]:
    """The best audio per language and family: the original language first, then by bitrate.

    Where a site tells none, it is that of the best of all, as yt-dlp sorts them.
    """
    kept: dict[tuple[str | None, str], Format] = {}
    for entry in entries:
        kept[(entry.language, family(entry.acodec))] = entry
    preferred = max((entry.language_preference for entry in entries), default=0)
    original = next((entry.language for entry in reversed(entries) if entry.language_preference == preferred), None)

    def place(entry: Format) -> tuple[int, bool, float]:
        return -entry.language_preference, entry.language != original, -(entry.tbr or 0)

    return sorted(kept.values(), key=place)


def partner(video: Format, audios: Sequence[Format]) -> Format:
    """The audio to play beside `video`: of the original language, in the same container family if there is one.

    `audios` is not empty and ordered as `distinct_audio` does.
    """
    native = [entry for entry in audios if entry.language == audios[0].language]
    alike = (entry for entry in native if _is_webm(entry) == _is_webm(video))
    return next(alike, native[0])


def tallest(entries: Iterable[Format]) -> int:
    """The most lines of several formats; -1 if there are none."""
    return max((lines(entry) for entry in entries), default=-1)


def _shown_rate(entry: Format) -> int:
    rate = round(entry.fps or 0)
    return rate if rate > 31 else 0


def _rank(entry: Format) -> int:
    if entry.vcodec is None:
        # A site that tells nothing has what every browser plays, more often than not.
        return FAMILIES.index("avc1")
    known = family(entry.vcodec)
    return FAMILIES.index(known) if known in FAMILIES else len(FAMILIES)


def _container(entry: Format) -> int:
    return int(entry.ext in ("mp4", "m4v", "webm") or entry.ext in AUDIO_ONLY)


def _is_webm(entry: Format) -> bool:
    return entry.ext in ("webm", "weba", "opus")
