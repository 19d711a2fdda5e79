"""From what yt-dlp found to what a player opens. Pure: same input, same answer.

A player can take one of four roads: a pair of plain files (`dash`), an MPD (`dash` with `manifest_url`), an HLS
playlist, or one plain file. Formats of different roads are never mixed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

from msgspec.structs import replace

from services.common.chain import PUBLIC, Link
from services.common.contexts import StreamContext
from services.common.errors import Refused
from services.common.guard import parse_url
from services.common.stream import Kind, StreamRef, StreamSigner, context_id, expiry, object_id
from services.common.wire.models import AudioTrack, Chapter, QualityOption, Storyboard, Subtitle, VideoState
from services.resolver.errors import resolve_error
from services.resolver.expiry import earliest_expiry
from services.resolver.info import Format, Info, Text
from services.resolver.renditions import (
    GENERIC,
    UNPLAYABLE,
    comfortable,
    distinct,
    distinct_audio,
    has_audio,
    has_video,
    label,
    lines,
    partner,
    tallest,
)

Road = Literal["pair", "direct", "hls", "mpd"]
# Between roads of equal height that yt-dlp doesn't decide.
_ORDER: Final[tuple[Road, ...]] = ("pair", "hls", "mpd", "direct")
_TITLE_CHARS: Final = 200
_UNREADABLE: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]")
_AUTOMATIC_CAPTIONS: Final = 3
# A link to the last of a video's seconds begins at its beginning.
_LAST_S: Final = 3.0


@dataclass(slots=True)
class Mint:
    """Signs the URLs of one result and keeps the contexts that they name."""

    signer: StreamSigner
    page_url: str
    link: Link
    now: float
    contexts: dict[str, StreamContext] = field(default_factory=dict)

    def stream(self, info: Info, entry: Format, kind: Kind, *, url: str = "", format_id: str = "") -> str:
        """The client's URL of a stream: of `entry`, or of the manifest that it belongs to."""
        upstream, name = parse_url(url or entry.url).url, format_id or entry.format_id
        # Ids alone are not enough: many extractors take them from file names, and two pages may share one.
        parts = (info.extractor, info.page, info.id, name) if info.id and info.extractor != GENERIC else (upstream,)
        object_ = object_id(*parts)
        context = self._context(
            info, name, upstream, object_,
            headers=entry.headers,
            available_at=entry.available_at,
            expires_at=earliest_expiry([upstream], self.now),
        )  # fmt: skip
        return self._path(upstream, kind, object_, context)

    def plain(self, info: Info, url: str, kind: Kind) -> str:
        """The client's URL of a picture or a text beside the video; '' if `url` can't be fetched.

        What everybody may see needs no context; what somebody's cookies opened is in their scope as the video is.
        """
        try:
            upstream = parse_url(url).url
        except Refused:
            return ""
        object_ = object_id(upstream)
        is_public = self.link.scope == PUBLIC
        context = "" if is_public else self._context(info, f"plain:{object_}", upstream, object_, headers={})
        return self._path(upstream, kind, object_, context)

    def inline(self, info: Info, text: Text, kind: Kind) -> str:
        """The client's URL of a text that the page holds itself: its context carries it."""
        name = f"text:{'spoken' if text.automatic else 'written'}:{text.language}:{text.ext}"
        upstream = parse_url(self.page_url).url
        object_ = object_id(info.extractor, self.page_url, name)
        context = self._context(info, name, upstream, object_, headers={}, text=text.data)
        return self._path(upstream, kind, object_, context)

    def expires_at(self) -> float | None:
        """When the first of the streams ends (Unix seconds)."""
        return min((entry.expires_at for entry in self.contexts.values() if entry.expires_at), default=None)

    def _context(
        self,
        info: Info,
        name: str,
        url: str,
        object_: str,
        *,
        headers: dict[str, str],
        available_at: float | None = None,
        expires_at: float | None = None,
        text: str = "",
    ) -> str:
        context = context_id(self.link.scope, self.page_url, name)
        self.contexts[context] = StreamContext(
            page_url=self.page_url,
            format_id=name,
            url=url,
            object_id=object_,
            headers=headers,
            scope=self.link.scope,
            owner=self.link.owner,
            audience=self.link.audience,
            # In another scope the loan holds them.
            cookies=info.cookies if self.link.scope == PUBLIC else [],
            extractor=info.extractor,
            available_at=available_at,
            expires_at=expires_at,
            text=text,
        )
        return context

    def _path(self, url: str, kind: Kind, object_: str, context: str) -> str:
        return self.signer.path(StreamRef(url, kind, object_, context, expiry(self.now)))


def present(info: Info, mint: Mint) -> VideoState:
    """The video as a player needs it; `mint` gains the contexts of its streams.

    :raises Refused: `unsupported` if no road leads to a browser.
    """
    roads = _roads([entry for entry in info.formats if _is_fetchable(entry)], info.extractor == GENERIC)
    road = _best_road(info, roads)
    video = VideoState(
        url=mint.page_url,
        title=readable(info.title) or urlsplit(mint.page_url).hostname or "",
        stream_type="direct",
        thumbnail=mint.plain(info, info.thumbnail, Kind.IMAGE),
        duration=None if info.is_live else info.duration,
        start=0.0 if info.is_live else _start(info),
        is_live=info.is_live,
        subtitles=_subtitles(info, mint),
        chapters=[Chapter(start=each.start, title=readable(each.title)) for each in info.chapters],
        storyboard=None if info.is_live else _storyboard(info, mint),
    )
    return _STATES[road](video, info, roads[road], mint)


def _pair(video: VideoState, info: Info, entries: list[Format], mint: Mint) -> VideoState:
    pictures = distinct([entry for entry in entries if has_video(entry)])
    sounds = distinct_audio([entry for entry in entries if not has_video(entry)])
    urls = {entry.format_id: mint.stream(info, entry, Kind.SEGMENT) for entry in (*pictures, *sounds)}
    picture = comfortable(pictures)
    return _filled(
        video,
        mint,
        stream_type="dash",
        video_url=urls[picture.format_id],
        audio_url=urls[partner(picture, sounds).format_id],
        qualities=[_quality(entry, video_url=urls[entry.format_id]) for entry in pictures],
        audio_tracks=[_track(entry, urls[entry.format_id]) for entry in sounds],
    )


def _direct(video: VideoState, info: Info, entries: list[Format], mint: Mint) -> VideoState:
    offered = distinct(entries)
    urls = {entry.format_id: mint.stream(info, entry, Kind.SEGMENT) for entry in offered}
    return _filled(
        video,
        mint,
        stream_type="direct",
        stream_url=urls[comfortable(offered).format_id],
        qualities=[_quality(entry, stream_url=urls[entry.format_id]) for entry in offered],
    )


def _hls(video: VideoState, info: Info, entries: list[Format], mint: Mint) -> VideoState:
    master = _manifest(info, entries)
    below = [entry for entry in entries if entry.manifest_url == master]
    if master is None or (len(distinct(entries)) > 1 and len(distinct(below)) == 1):
        return _playlists(video, info, entries, mint)
    # The player reads renditions and audio groups from the master itself, so qualities carry no URL of their own.
    url = mint.stream(info, below[-1], Kind.MANIFEST, url=master, format_id="hls")
    pictures = distinct([entry for entry in below if has_video(entry)])
    return _filled(video, mint, stream_type="hls", stream_url=url, qualities=[_quality(entry) for entry in pictures])


def _playlists(video: VideoState, info: Info, entries: list[Format], mint: Mint) -> VideoState:
    """HLS without a master: each quality is a playlist with picture and sound."""
    whole = [entry for entry in entries if has_video(entry) and has_audio(entry)] or entries
    offered = distinct(whole)
    urls = {
        entry.format_id: mint.stream(info, entry, Kind.MANIFEST, url=entry.manifest_url or entry.url)
        for entry in offered
    }
    return _filled(
        video,
        mint,
        stream_type="hls",
        stream_url=urls[comfortable(offered).format_id],
        qualities=[_quality(entry, stream_url=urls[entry.format_id]) for entry in offered],
    )


def _mpd(video: VideoState, info: Info, entries: list[Format], mint: Mint) -> VideoState:
    # For segments listed in an MPD, a format's `url` is the MPD itself.
    manifest = _manifest(info, entries)
    below = [entry for entry in entries if entry.manifest_url == manifest]
    url = mint.stream(info, below[-1], Kind.MANIFEST, url=manifest or "", format_id="mpd")
    pictures = distinct([entry for entry in below if has_video(entry)])
    return _filled(video, mint, stream_type="dash", manifest_url=url, qualities=[_quality(entry) for entry in pictures])


_STATES: Final = {"pair": _pair, "direct": _direct, "hls": _hls, "mpd": _mpd}


def _roads(entries: Sequence[Format], is_generic: bool) -> dict[Road, list[Format]]:
    """The formats of every road that can be taken."""
    ways: dict[str, list[Format]] = {"plain": [], "hls": [], "mpd": [], "": []}
    for entry in entries:
        ways[_way(entry, is_generic)].append(entry)
    plain = ways["plain"]
    pictures = [entry for entry in plain if has_video(entry) and not has_audio(entry)]
    sounds = [entry for entry in plain if has_audio(entry) and not has_video(entry)]
    whole = [entry for entry in plain if has_audio(entry) and has_video(entry)]
    candidates: dict[Road, list[Format]] = {
        "pair": [*pictures, *sounds] if pictures and sounds else [],
        "direct": whole,
        "hls": ways["hls"],
        "mpd": ways["mpd"],
    }
    roads = {road: found for road, found in candidates.items() if found}
    if not any(has_video(entry) for found in roads.values() for entry in found):
        # A silent film, or sound alone.
        alone = pictures or sounds
        return {"direct": alone} if alone else roads
    return roads


def _best_road(info: Info, roads: dict[Road, list[Format]]) -> Road:
    """The road with the most lines; of equals the one that yt-dlp would take."""
    if not roads:
        raise resolve_error("unsupported", "No browser can play the formats that this site offers.")
    if info.is_live:
        # Plain files of a running broadcast end where it was when they were opened.
        roads = {road: found for road, found in roads.items() if road in ("hls", "mpd")} or roads
    best = max(tallest(found) for found in roads.values())
    level = [road for road in _ORDER if road in roads and tallest(roads[road]) == best]
    chosen = set(info.chosen)
    return next((road for road in level if any(entry.format_id in chosen for entry in roads[road])), level[0])


def _way(entry: Format, is_generic: bool) -> Literal["plain", "hls", "mpd", ""]:
    if entry.ext == "mhtml":
        return ""
    if entry.protocol.startswith("m3u8"):
        return "hls"
    if entry.protocol.startswith("http_dash"):
        # Pieces that only yt-dlp's own list names have no document that a player could read.
        return "mpd" if entry.manifest_url else ""
    if entry.protocol in ("http", "https", "") and entry.ext not in UNPLAYABLE:
        # An MPD without segment lists yields plain files; a pasted MPD is for the player all the same.
        return "mpd" if is_generic and entry.manifest_url else "plain"
    return ""


def readable(text: str) -> str:
    """A title without what would reorder or break the page's own words."""
    return " ".join(_UNREADABLE.sub(" ", text).split())[:_TITLE_CHARS]


def _is_fetchable(entry: Format) -> bool:
    try:
        parse_url(entry.url)
        if entry.manifest_url:
            parse_url(entry.manifest_url)
    except Refused:
        return False
    return True


def _manifest(info: Info, entries: Sequence[Format]) -> str | None:
    """The manifest with the most lines; of equals yt-dlp's choice, else the last."""
    named = [entry for entry in entries if entry.manifest_url]
    if not named:
        return None
    chosen = set(info.chosen)
    ranked = sorted(named, key=lambda entry: (lines(entry), entry.format_id in chosen))
    return ranked[-1].manifest_url


def _quality(entry: Format, *, video_url: str | None = None, stream_url: str | None = None) -> QualityOption:
    codecs = [codec for codec in (entry.vcodec, entry.acodec) if codec and codec != "none"]
    return QualityOption(
        id=entry.format_id,
        label=label(entry),
        width=entry.width,
        height=entry.height,
        fps=entry.fps,
        hdr=entry.hdr,
        codecs=",".join(codecs),
        bitrate=_bits(entry),
        video_url=video_url,
        stream_url=stream_url,
    )


def _track(entry: Format, url: str) -> AudioTrack:
    codecs = entry.acodec or ""
    return AudioTrack(id=entry.format_id, language=entry.language, codecs=codecs, bitrate=_bits(entry), url=url)


def _bits(entry: Format) -> int | None:
    return round(entry.tbr * 1000) if entry.tbr else None


def _subtitles(info: Info, mint: Mint) -> list[Subtitle]:
    manual = [text for text in info.subtitles if not text.automatic]
    spoken = [text for text in info.subtitles if text.automatic and _is_spoken(text, info)]
    offered = [*manual, *spoken[:_AUTOMATIC_CAPTIONS]]
    tracks = (
        Subtitle(
            language=text.language,
            label=text.name or text.language,
            url=_words(info, text, mint),
            automatic=text.automatic,
        )
        for text in offered
    )
    return [track for track in tracks if track.url]


def _words(info: Info, text: Text, mint: Mint) -> str:
    kind = Kind.SUBRIP if text.ext == "srt" else Kind.SUBTITLE
    return mint.plain(info, text.url, kind) if text.url else mint.inline(info, text, kind)


def _storyboard(info: Info, mint: Mint) -> Storyboard | None:
    board = info.board
    pages = [] if board is None else [mint.plain(info, page, Kind.IMAGE) for page in board.pages]
    if board is None or not all(pages):
        return None
    return Storyboard(
        width=board.width,
        height=board.height,
        columns=board.columns,
        rows=board.rows,
        interval=board.interval,
        pages=pages,
    )


def _start(info: Info) -> float:
    """Where to begin: not where nothing is left to see."""
    return info.start if info.duration is None or info.start < info.duration - _LAST_S else 0.0


def _is_spoken(text: Text, info: Info) -> bool:
    """Whether automatic captions are of the language spoken, not a machine's translation of them."""
    automatic = [entry for entry in info.subtitles if entry.automatic]
    return text.language.endswith("-orig") or text.language == info.language or len(automatic) <= _AUTOMATIC_CAPTIONS


def _filled(video: VideoState, mint: Mint, **fields: object) -> VideoState:
    return replace(video, expires_at=mint.expires_at(), **fields)
