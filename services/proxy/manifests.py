"""Manifests: fetched once for everyone who asks at the same time, rewritten, and kept for as long as they hold."""

from __future__ import annotations

import asyncio
import codecs
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from services.common.errors import Unavailable
from services.common.stream import MANIFESTS, Kind, StreamSigner
from services.proxy import heads, metrics
from services.proxy.dates import Dates
from services.proxy.flights import Flights
from services.proxy.manifest import captions, dash, documents, hls
from services.proxy.manifest.links import Links, suffix
from services.proxy.memory import CacheKey, Entry, Memory, Shelf
from services.proxy.playlists import MediaPlaylist, Playlists, read_playlist
from services.proxy.sources import Source, Sources
from services.proxy.tickets import Ticket
from services.proxy.upstream import Answer, read_body

# Twelve hours of a live stream, each segment with a signed URL of its own, come to 8 MB.
MAX_BYTES: Final = 12 * 1024 * 1024
# What is looked at to tell what a body is.
HEAD_BYTES: Final = 4096
# XML of this size is rewritten outside the event loop.
LARGE_XML_BYTES: Final = 32 * 1024
CAPTIONS_FRESH_S: Final = 3600.0
_MAX_REMEMBERED: Final = 10_000
# What else is read as a whole, and handed on as something else.
_DOCUMENTS: Final = frozenset({Kind.JSON, Kind.SUBRIP})
_HLS: Final = b"#EXTM3U"
# The longest of the marks that tell a text's encoding.
_MARK_BYTES: Final = 3

_SUFFIXES: Final = frozenset({".m3u8", ".m3u", ".mpd"})
# Of HLS there are half a dozen: application/vnd.apple.mpegurl, audio/x-mpegurl, video/mpegurl …
_TYPE: Final = re.compile(r"[a-z]+/(?:vnd\.apple\.|x-)?mpegurl|application/dash\+xml|video/vnd\.mpeg\.dash\.mpd")


def form_of(head: bytes) -> str:
    """`hls`, `dash` or '', by the first bytes of a body: names and types lie."""
    text = _plain(head)
    if text.startswith(_HLS):
        return "hls"
    if text.startswith(b"<") and (b"<MPD" in text or b":MPD" in text):
        return "dash"
    return ""


def is_open(head: bytes) -> bool:
    """Whether more bytes could still make a manifest of what begins like this."""
    text = _plain(head)
    if len(head) < _MARK_BYTES:
        return True
    return len(head) < HEAD_BYTES and not form_of(head) and (_HLS.startswith(text) or text.startswith(b"<"))


def _plain(head: bytes) -> bytes:
    """The first bytes of a text in UTF-8, what marks its encoding left out."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "ignore").encode()
    return head.removeprefix(codecs.BOM_UTF8).lstrip()


def is_manifest_type(content_type: str) -> bool:
    """Whether `content_type` announces a manifest."""
    return _TYPE.fullmatch(content_type.partition(";")[0].strip().lower()) is not None


def manifest_key(key: CacheKey, ticket: Ticket) -> CacheKey:
    """What the rewritten bytes of an object are kept under: they hold the expiry of who asked, and its variables."""
    return CacheKey(key.scope, f"{key.object_id}#{ticket.expires}#{ticket.inherited}")


class Manifests:
    """Rewritten manifests, as entries that are served like any other."""

    def __init__(
        self,
        sources: Sources,
        signer: StreamSigner,
        memory: Memory,
        dates: Dates,
        playlists: Playlists,
        clock: Callable[[], float],
    ) -> None:
        self._sources = sources
        self._signer = signer
        self._memory = memory
        self._dates = dates
        self._playlists = playlists
        self._clock = clock
        self._flights: Flights[CacheKey, Entry] = Flights()
        # Objects that turned out to be manifests though nothing in their URL says so.
        self._remembered: OrderedDict[CacheKey, None] = OrderedDict()

    def is_expected(self, source: Source) -> bool:
        """Whether `source` should be a manifest, by its ticket, its name, or by what was seen before."""
        kind = source.ticket.kind
        if kind in MANIFESTS or kind in _DOCUMENTS or source.key in self._remembered:
            return True
        return kind is None and suffix(source.target.url) in _SUFFIXES

    def remember(self, source: Source) -> None:
        """Note that `source` is a manifest."""
        self._remembered[source.key] = None
        if len(self._remembered) > _MAX_REMEMBERED:
            self._remembered.popitem(last=False)

    async def get(self, source: Source) -> Entry:
        """The manifest of `source`, rewritten. A body that is none after all is given as it is, up to `MAX_BYTES`.

        :raises WatchTogetherError: as `Sources.open`; `upstream_failed` if the body is too large.
        """
        key = manifest_key(source.key, source.ticket)
        entry = self._memory.get(key, self._clock())
        if entry is not None:
            return entry
        return await self._flights.join(key, lambda: self._fetch(source, key))

    async def close(self) -> None:
        """End what is being fetched."""
        await self._flights.close()

    async def _fetch(self, source: Source, key: CacheKey) -> Entry:
        answer = await self._sources.open(source)
        try:
            if answer.status != 200:
                raise Unavailable("upstream_failed", f"The source answers {answer.status}.")
            body = await read_body(answer, MAX_BYTES)
        finally:
            answer.release()
        if body is None:
            raise Unavailable("upstream_failed", "This manifest is too large.")
        entry = await self._rewritten(source, answer, body)
        if entry.ttl_s:
            self._memory.put(key, entry, self._clock())
        else:
            entry.stored_at = self._clock()
        return entry

    async def _rewritten(self, source: Source, answer: Answer, body: bytes) -> Entry:
        links = self._links(source, answer)
        form = form_of(body[:HEAD_BYTES])
        if not form and source.ticket.kind in MANIFESTS and body.lstrip().startswith(b"<"):
            form = "dash"  # A Period or AdaptationSet that an MPD links to.
        if form:
            metrics.REWRITES.labels(form).inc()
        if form == "hls":
            text, imports = body.decode("utf-8", "replace"), source.ticket.imports
            is_long = text.count("\n") > hls.LONG_LINES
            text = await self._dates.add(text, source, is_long=is_long)
            name = source.key.scope, source.ticket.object_id
            rewriting = partial(_rewritten_and_read, text, links, imports, name)
            playlist, order = await asyncio.to_thread(rewriting) if is_long else rewriting()
            if order is not None:
                self._playlists.learn(order)
            return _entry(playlist.text.encode(), hls.MIME_TYPE, playlist.fresh_s)
        if form == "dash":
            is_large = len(body) > LARGE_XML_BYTES
            mpd = await asyncio.to_thread(dash.rewrite, body, links) if is_large else dash.rewrite(body, links)
            return _entry(mpd.body, mpd.content_type, mpd.fresh_s)
        if source.ticket.kind is Kind.JSON and (found := documents.rewrite(body, links)) is not None:
            return _entry(found, documents.MIME_TYPE, 0)
        if source.ticket.kind is Kind.SUBRIP:
            return _entry(captions.webvtt(body), captions.MIME_TYPE, CAPTIONS_FRESH_S)
        declared = answer.headers.get("Content-Type", "")
        honest = "" if is_manifest_type(declared) else declared
        return _entry(body, heads.media_type(honest, answer.target.url, source.ticket.kind, body[:16]), 0)

    def _links(self, source: Source, answer: Answer) -> Links:
        ticket = source.ticket
        base = ticket.base or answer.target.url
        if ticket.directives:
            # What the player added for the origin is no part of the address that children are relative to.
            base = base.removesuffix(ticket.directives).rstrip("?&")
        return Links(self._signer, base, ticket.family, ticket.context, ticket.expires)


def _rewritten_and_read(
    text: str, links: Links, imports: Mapping[str, str], name: tuple[str, str]
) -> tuple[hls.Playlist, MediaPlaylist | None]:
    playlist = hls.rewrite(text, links, imports)
    return playlist, read_playlist(playlist.text, name, links.context)


def _entry(body: bytes, content_type: str, fresh_s: float) -> Entry:
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    return Entry(body, content_type, Shelf.TEXT, etag=etag, ttl_s=fresh_s)
