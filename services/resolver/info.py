"""yt-dlp's info dict, reduced to what a player needs. The child makes it, the parent reads it: nothing else passes."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from services.common.cookies import Cookie

MAX_FORMATS: Final = 400
MAX_SUBTITLES: Final = 80
# Of subtitles that a page holds itself: of one, and of all.
MAX_DATA_BYTES: Final = 512 << 10
MAX_ALL_DATA_BYTES: Final = 2 << 20
MAX_ENTRIES: Final = 200
MAX_COOKIES: Final = 200
MAX_CHAPTERS: Final = 200
MAX_BOARD_PAGES: Final = 200
MAX_BOARD_WIDTH: Final = 320
# Forms of words that a page can show, the first before the others: the proxy makes WebVTT of SubRip, the page of TTML.
TEXTS: Final = ("vtt", "srt", "ttml")
# What YouTube calls such videos in its playlists.
_GONE: Final = frozenset({"[Private video]", "[Deleted video]", "[Unavailable video]"})


class Format(Struct, frozen=True, kw_only=True):
    """One format. Codecs: 'none' is known to be absent, None is unknown. `tbr` is kbit/s; times are Unix seconds."""

    format_id: str
    url: str
    manifest_url: str | None = None
    ext: str = ""
    protocol: str = ""
    vcodec: str | None = None
    acodec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    tbr: float | None = None
    hdr: bool = False
    note: str = ""
    language: str | None = None
    language_preference: int = 0
    headers: dict[str, str] = {}
    available_at: float | None = None


class Text(Struct, frozen=True, kw_only=True):
    """One subtitle file: behind `url`, or `data` itself."""

    language: str
    name: str = ""
    url: str = ""
    data: str = ""
    ext: str = ""
    automatic: bool = False


class Entry(Struct, frozen=True, kw_only=True):
    """One video of a playlist, not opened. `duration` is in seconds."""

    url: str
    title: str = ""
    thumbnail: str = ""
    duration: float | None = None


# Hears what a list names.
Listed = Callable[[list[Entry]], Awaitable[None]]


class Section(Struct, frozen=True, kw_only=True):
    """A chapter; `start` is in seconds."""

    start: float
    title: str


class Board(Struct, frozen=True, kw_only=True):
    """Small pictures for a seek bar, `columns` × `rows` on each page. `interval` is seconds between two of them."""

    width: int
    height: int
    columns: int
    rows: int
    interval: float
    pages: list[str]


class Info(Struct, frozen=True, kw_only=True):
    """One video. `page` is its address as its site names it; `duration` is in seconds.

    `formats` go from worst to best, `chosen` are the ids of those that yt-dlp would play. `cookies` are those
    that yt-dlp would send with them; `jar` is all that it holds after the extraction, where it was given any.
    `start` is where the link says to begin, in seconds.
    """

    id: str
    extractor: str
    page: str = ""
    title: str
    thumbnail: str = ""
    duration: float | None = None
    start: float = 0.0
    is_live: bool = False
    language: str | None = None
    formats: list[Format]
    chosen: list[str] = []
    subtitles: list[Text] = []
    cookies: list[Cookie] = []
    jar: list[Cookie] = []
    entries: list[Entry] = []
    chapters: list[Section] = []
    board: Board | None = None


def read_info(raw: Mapping[str, Any], cookies_for: Callable[[str], Iterable[Cookie]] = lambda url: ()) -> Info:
    """Take what we use from an info dict, whatever else it holds; values of a wrong type count as absent.

    :param cookies_for: what yt-dlp's jar sends to a URL.
    """
    formats = [_format(entry) for entry in _dicts(raw.get("formats")) or [raw] if not _is_encrypted(entry)]
    formats = [entry for entry in formats if entry.url][-MAX_FORMATS:]
    subtitles = _bounded([*_texts(raw.get("subtitles"), False), *_texts(raw.get("automatic_captions"), True)])
    thumbnail = _text(raw.get("thumbnail")) or ""
    addresses = [*(entry.url for entry in formats), *(entry.url for entry in subtitles if entry.url)]
    addresses += [entry.manifest_url for entry in formats if entry.manifest_url]
    chosen = _dicts(raw.get("requested_formats")) or [raw]
    start, end = _number(raw.get("section_start")) or _number(raw.get("start_time")), _number(raw.get("section_end"))
    return Info(
        id=_text(raw.get("id")) or "",
        extractor=_text(raw.get("extractor_key")) or "",
        # A running broadcast's `title` has the date of today behind it.
        page=_text(raw.get("webpage_url")) or "",
        title=_text(raw.get("fulltitle")) or _text(raw.get("title")) or "",
        thumbnail=thumbnail,
        # A clip of a longer video ends where the clip does; yt-dlp tells how long it is.
        duration=end or _number(raw.get("duration")),
        start=start or 0.0,
        is_live=bool(raw.get("is_live")) or raw.get("live_status") == "is_live",
        language=_text(raw.get("language")),
        formats=formats,
        chosen=[text for entry in chosen if (text := _text(entry.get("format_id")))],
        subtitles=subtitles,
        cookies=_cookies([*addresses, thumbnail], cookies_for),
        chapters=_chapters(raw.get("chapters")),
        board=_board(_dicts(raw.get("formats"))),
    )


def is_link(entry: Mapping[str, Any]) -> bool:
    """Whether a playlist only names a video, which is opened by itself."""
    return entry.get("_type") in ("url", "url_transparent")


def is_gone(entry: Mapping[str, Any]) -> bool:
    """Whether a playlist names a video that nobody can open any more."""
    return entry.get("title") in _GONE


def read_entries(entries: Iterable[object]) -> list[Entry]:
    """What a playlist names, each link once; nothing of what it holds itself, or is gone."""
    found: dict[str, Entry] = {}
    for entry in _dicts(list(entries)):
        url = _text(entry.get("webpage_url")) or _text(entry.get("url"))
        if not is_link(entry) or not url or not url.startswith(("http://", "https://")) or is_gone(entry):
            continue
        pictures = [picture for each in _dicts(entry.get("thumbnails")) if (picture := _text(each.get("url")))]
        found.setdefault(
            url,
            Entry(
                url=url,
                title=_text(entry.get("title")) or url,
                thumbnail=_text(entry.get("thumbnail")) or next(iter(pictures[-1:]), ""),
                duration=_number(entry.get("duration")),
            ),
        )
    return list(found.values())[:MAX_ENTRIES]


def _is_encrypted(raw: Mapping[str, Any]) -> bool:
    # Of some playlists yt-dlp can't tell, and plays them all the same.
    return bool(raw.get("has_drm")) and raw.get("has_drm") != "maybe"


def _format(raw: Mapping[str, Any]) -> Format:
    return Format(
        format_id=_text(raw.get("format_id")) or "0",
        url=_text(raw.get("url")) or "",
        manifest_url=_text(raw.get("manifest_url")),
        ext=_text(raw.get("ext")) or "",
        protocol=_text(raw.get("protocol")) or "",
        vcodec=_text(raw.get("vcodec")),
        acodec=_text(raw.get("acodec")),
        width=_whole(raw.get("width")),
        height=_whole(raw.get("height")),
        fps=_number(raw.get("fps")),
        tbr=_number(raw.get("tbr")) or _number(raw.get("vbr")) or _number(raw.get("abr")),
        hdr=(_text(raw.get("dynamic_range")) or "SDR") != "SDR",
        note=_text(raw.get("format_note")) or "",
        language=_text(raw.get("language")),
        language_preference=_signed(raw.get("language_preference")),
        headers=_headers(raw),
        available_at=_number(raw.get("available_at")),
    )


def _headers(raw: Mapping[str, Any]) -> dict[str, str]:
    given = raw.get("http_headers")
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, Mapping) else {}


def _cookies(addresses: Iterable[str], cookies_for: Callable[[str], Iterable[Cookie]]) -> list[Cookie]:
    found: dict[tuple[str, str, str], Cookie] = {}
    for address in dict.fromkeys(address.partition("?")[0] for address in addresses if address.startswith("http")):
        found |= {(cookie.domain, cookie.path, cookie.name): cookie for cookie in cookies_for(address)}
    return list(found.values())[:MAX_COOKIES]


def _texts(raw: object, automatic: bool) -> list[Text]:
    """A file of each language. What comes in pieces is none: the player finds it in its manifest."""
    found: list[Text] = []
    for language, entries in raw.items() if isinstance(raw, Mapping) else ():
        files = {str(entry.get("ext")): entry for entry in reversed(_dicts(entries)) if _is_file(entry)}
        ext = next((ext for ext in TEXTS if ext in files), None)
        if ext is not None:
            name, url = _text(files[ext].get("name")) or "", _text(files[ext].get("url")) or ""
            data = "" if url else _text(files[ext].get("data")) or ""
            found.append(Text(language=str(language), name=name, url=url, data=data, ext=ext, automatic=automatic))
    return found[:MAX_SUBTITLES]


def _bounded(texts: list[Text]) -> list[Text]:
    """`texts` without what is too large to be kept beside a stream."""
    kept, left = [], MAX_ALL_DATA_BYTES
    for text in texts:
        size = len(text.data.encode("utf-8", "replace"))
        if size <= min(left, MAX_DATA_BYTES):
            left -= size
            kept.append(text)
    return kept


def _is_file(entry: Mapping[str, Any]) -> bool:
    protocol = _text(entry.get("protocol")) or ""
    is_given = _text(entry.get("url")) is not None or _text(entry.get("data")) is not None
    return is_given and not protocol.startswith(("m3u8", "http_dash"))


def _chapters(raw: object) -> list[Section]:
    named = ((entry, _text(entry.get("title"))) for entry in _dicts(raw))
    found = [Section(start=_number(entry.get("start_time")) or 0.0, title=title) for entry, title in named if title]
    # One chapter is no division.
    return sorted(found, key=lambda section: section.start)[:MAX_CHAPTERS] if len(found) > 1 else []


def _board(formats: list[Mapping[str, Any]]) -> Board | None:
    """The largest pictures that still load at once while somebody scrubs."""
    boards = [board for entry in formats if entry.get("ext") == "mhtml" and (board := _board_of(entry))]
    small = [board for board in boards if board.width <= MAX_BOARD_WIDTH]
    return max(small, key=lambda board: board.width, default=None)


def _board_of(entry: Mapping[str, Any]) -> Board | None:
    fragments = _dicts(entry.get("fragments"))
    pages = [url for fragment in fragments if (url := _text(fragment.get("url")))]
    sides = [_whole(entry.get(name)) for name in ("width", "height", "columns", "rows")]
    lasting = _number(fragments[0].get("duration")) if fragments else None
    if not 0 < len(pages) == len(fragments) <= MAX_BOARD_PAGES or lasting is None:
        return None
    width, height, columns, rows = (side or 0 for side in sides)
    if not (width and height and columns and rows):
        return None
    # The last page is cut short; the first tells how long each picture stands.
    rate = _number(entry.get("fps"))
    interval = 1 / rate if rate else lasting / (columns * rows)
    return Board(width=width, height=height, columns=columns, rows=rows, interval=interval, pages=pages)


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return None
    return float(value)


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _signed(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
