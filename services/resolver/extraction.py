"""From a link to what yt-dlp knows of its video: lists, broken manifests and broadcasts that are just over included."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import yt_dlp
from msgspec.structs import replace

from services.common.cookies import Cookie
from services.resolver.errors import Failure
from services.resolver.info import MAX_ENTRIES, Entry, Info, is_gone, is_link, read_entries, read_info
from services.resolver.loader import Job, Loader, loader_for
from services.resolver.parts import is_page, numbered, read_part

# A playlist whose first videos are gone is still one.
FIRST_TRIES: Final = 3
# A channel is a list of tabs, of which each is a list.
MOST_NESTED: Final = 3
_LISTS: Final = ("playlist", "multi_video")
_MESSAGE_CHARS: Final = 1000
_MANIFEST_BYTES: Final = 256 << 10
_MANIFESTS: Final = {".mpd": ("http_dash_segments", b"<MPD"), ".m3u8": ("m3u8_native", b"#EXTM3U")}

# Hears what a list names.
Tell = Callable[[list[Entry]], None]


class EmptyPlaylist(Exception):
    """A playlist without a video."""


def extract(job: Job, tell: Tell) -> Info:
    """The video behind a job's link; `tell` hears what a list names after it, before that is opened.

    :raises Exception: whatever an extractor raises, `MemoryError` among it; `describe` tells what it means.
    """
    loader = loader_for(job)
    page, number = read_part(job.url)
    try:
        raw = loader.extract_info(page, download=False)
    except MemoryError:
        raise
    except Exception as error:  # a parser that meets an odd manifest raises anything
        manifest = _manifest(loader, page) if "DRM" not in str(error) else None
        if manifest is None:
            raise
        raw = manifest
    # What follows a part was named with the page's first.
    video, entries = _opened(loader, raw, page, tell) if number == 1 else (_part(loader, raw, page, number), None)
    info = read_info(_playable(loader, video), lambda url: _cookies(loader.cookiejar.get_cookies_for_url(url)))
    if job.cookies:
        info = replace(info, jar=_cookies(loader.cookiejar))
    if number > 1:
        # Many extractors give all videos of a page one id.
        info = replace(info, page=job.url)
    return replace(info, entries=(entries or [])[:MAX_ENTRIES])


def _cookies(found: Iterable[Any]) -> list[Cookie]:
    """Cookies of `http.cookiejar`, where a value alone stands as a name."""
    return [
        Cookie(
            domain=cookie.domain,
            path=cookie.path,
            name=cookie.name if cookie.value is not None else "",
            value=cookie.value if cookie.value is not None else cookie.name,
            secure=bool(cookie.secure),
            expires=cookie.expires or 0,
        )
        for cookie in found
    ]


def _opened(
    loader: Loader, raw: dict[str, Any] | None, page: str, tell: Tell, depth: int = MOST_NESTED
) -> tuple[dict[str, Any], list[Entry] | None]:
    """The video behind a result, and what the list that it is in names after it; None for no list.

    Of a list of lists, such as a channel's tabs, that is the innermost; of a page with several videos in a list it is
    those, and then the list's. Where its first video can't be opened it is the one after. `tell` hears what a list
    names before its first video is opened. `page` is where the result was found.
    """
    if raw is not None and raw.get("_type") not in _LISTS:
        return raw, None
    failure: Exception = EmptyPlaylist("This playlist is empty.")
    pairs = zip((raw or {}).get("entries") or (), numbered(raw or {}, page), strict=True)
    entries = [(entry, link) for entry, link in pairs if entry and link and not is_gone(entry)]
    links = [link for _, link in entries]
    if links and all(_is_video(loader, entry) for entry, _ in entries):
        tell(_after(links, 0))
    for place, (entry, _) in enumerate(entries[:FIRST_TRIES] if depth else ()):
        try:
            # yt-dlp lists the names of what is in a list, and opens what is asked for by itself.
            found = loader.process_ie_result(dict(entry), download=False) if is_link(entry) else entry
            video, within = _opened(loader, found, str(entry.get("url") or page), tell, depth - 1)
        except (yt_dlp.utils.YoutubeDLError, EmptyPlaylist) as error:
            failure = error
        else:
            if within is None or is_page(found):
                within = [*(within or ()), *_after(links, place)]
            return video, within
    raise failure


def _part(loader: Loader, raw: dict[str, Any] | None, page: str, number: int) -> dict[str, Any]:
    """One of the videos of a page, counted from 1."""
    entries = (raw or {}).get("entries") or ()
    entry = entries[number - 1] if number <= len(entries) else None
    if not entry:
        raise EmptyPlaylist("This part is not there any more.")
    found = loader.process_ie_result(dict(entry), download=False) if is_link(entry) else entry
    return _opened(loader, found, page, lambda entries: None)[0]


def _is_listed(entry: dict[str, Any]) -> bool:
    """Whether only yt-dlp's own list tells of a format's pieces; or it is a storyboard."""
    protocol = str(entry.get("protocol"))
    return protocol == "mhtml" or (protocol.startswith("http_dash") and not entry.get("manifest_url"))


def _after(entries: list[dict[str, Any]], place: int) -> list[Entry]:
    """What a list names after one of its entries, which it may name again."""
    named = {each.url for each in read_entries([entries[place]])}
    return [each for each in read_entries(entries[place + 1 :]) if each.url not in named]


def _is_video(loader: Loader, entry: dict[str, Any]) -> bool:
    """Whether an entry is surely one video, not a list of its own."""
    key = entry.get("ie_key")
    return bool(key and entry.get("url") and loader.get_info_extractor(key).is_single_video(entry["url"]))


def _playable(loader: Loader, raw: dict[str, Any]) -> dict[str, Any]:
    """`raw`, or what YouTube has of a broadcast that is just over: the last hours of it, as it was while it ran.

    Until it is processed yt-dlp lists its pieces one by one, from the first, and leaves that out as incomplete.
    """
    if raw.get("live_status") != "post_live" or not all(map(_is_listed, raw.get("formats") or [raw])):
        return raw
    loader.params["extractor_args"]["youtube"]["formats"] = ["incomplete"]
    with contextlib.suppress(yt_dlp.utils.YoutubeDLError):
        again = loader.extract_info(raw["webpage_url"], download=False)
        # How long it went on, not how much of it is left.
        return raw if again is None else again | {"duration": None}
    return raw


def _manifest(loader: Any, url: str) -> dict[str, Any] | None:
    """A manifest that yt-dlp can't read and a player perhaps can."""
    path = urlsplit(url).path
    name = os.path.basename(path)  # noqa: PTH119 - a URL's path, not a file's
    found = next((kind for suffix, kind in _MANIFESTS.items() if path.lower().endswith(suffix)), None)
    if found is None:
        return None
    protocol, mark = found
    try:
        beginning = loader.urlopen(url).read(_MANIFEST_BYTES)
    except yt_dlp.utils.YoutubeDLError:
        return None
    if mark not in beginning or b"ContentProtection" in beginning:
        return None
    is_live = b'type="dynamic"' in beginning or (b"#EXTINF" in beginning and b"#EXT-X-ENDLIST" not in beginning)
    entry = {"format_id": "0", "url": url, "manifest_url": url, "protocol": protocol}
    return {
        "id": name,
        "extractor_key": "Generic",
        "title": name.rpartition(".")[0],
        "is_live": is_live,
        "formats": [entry],
    }


def describe(error: BaseException) -> Failure:
    """An exception with its causes, as far as their meaning needs."""
    chain = list(_causes(error))
    kinds = [kind.__name__ for link in chain for kind in type(link).__mro__ if kind not in (object, BaseException)]
    statuses = (getattr(link, "status", None) for link in chain)
    status = next((status for status in statuses if isinstance(status, int)), None)
    expected = any(getattr(link, "expected", False) for link in chain)
    return Failure(list(dict.fromkeys(kinds)), str(error)[:_MESSAGE_CHARS], status, bool(expected))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        wrapped = getattr(error, "exc_info", None)
        inner = wrapped[1] if isinstance(wrapped, tuple) and len(wrapped) > 1 else None
        error = inner or getattr(error, "cause", None) or error.__cause__
