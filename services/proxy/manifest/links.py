"""The URLs of a manifest's children."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode, urljoin, urlsplit

from services.common.errors import Refused, Unavailable
from services.common.guard import parse_url
from services.common.stream import MANIFESTS, PROXY_PATH, Kind, StreamRef, StreamSigner, object_id

_PLAIN_NAME: Final = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.~-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.~-]*")
# ffmpeg plays a segment only if its URL ends in one of these (`allowed_segment_extensions`).
_SUFFIXES: Final = frozenset(
    {".ts", ".m2ts", ".mpg", ".mpeg", ".m4s", ".m4v", ".m4a", ".mp4", ".fmp4", ".cmfv", ".cmfa", ".mov", ".aac", ".mp3"}
    | {".ac3", ".eac3", ".ec3", ".flac", ".mkv", ".webm", ".vtt", ".webvtt", ".m3u8", ".mpd"}
)
# All that a URL may hold, and all but its host that it may not.
_PLAIN: Final = re.compile(r"[!-\[\]-~]*")
_UNESCAPED: Final = re.compile(r"[^!-~]+|\\")
_ORIGIN: Final = re.compile(r"https?://[^/?#\\]*(?![^/?#])", re.IGNORECASE)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# In the fragment of a manifest's URL, beside variables, whose names are made of letters: what its children belong to,
# and what they are relative to, where that is not the manifest itself.
ROOT_MARK: Final = "."
BASE_MARK: Final = "/"
# A parameter of the segments of a live template: the next one may not be there yet, and is not fetched ahead. Unsigned,
# for nobody gains by leaving it out.
EDGE_MARK: Final = "edge"
# Of all the URLs in one manifest: a day of two-second segments takes half of it.
_MAX_CHARS: Final = 32 * 1024 * 1024


class Budget:
    """How long the URLs of one manifest may be in all: an MPD can have a short list stand for a very long one."""

    def __init__(self, chars: int = _MAX_CHARS) -> None:
        self._left = chars

    def take(self, url: str) -> str:
        """`url`, which is to be written.

        :raises Unavailable: `upstream_failed` if that is too much.
        """
        self._left -= len(url)
        if self._left < 0:
            raise Unavailable("upstream_failed", "This manifest holds too many links.")
        return url


@dataclass(frozen=True, slots=True)
class Links:
    """Signs the children of one manifest.

    `base` is the manifest's final URL, `parent` its object, `expires` its own expiry: so rewriting the same manifest
    twice gives the same bytes. `variables` go with the URLs of child playlists.
    """

    signer: StreamSigner
    base: str
    parent: str
    context: str
    expires: int
    variables: Mapping[str, str] = field(default_factory=dict)
    # Where relative URIs start from instead of `base`: a BaseURL of an MPD.
    nested: str = ""
    # What is added to the URLs of segments.
    query: str = ""
    is_live: bool = False
    budget: Budget = field(default_factory=Budget, compare=False)

    def child(self, uri: str, kind: Kind, *, assumed: str = "", stable_id: str = "") -> str:
        """Our URL for `uri`, which may be relative; a URI that is not http(s) (`data:`, `skd:`) stays as it is.

        It ends in the suffix of `uri`, in `assumed` where that has none that players know. `stable_id` is what a
        steering manifest calls it.

        :raises Unavailable: as `Budget.take`.
        """
        absolute = self._asked(uri, kind)
        if absolute is None:
            return uri
        try:
            url = parse_url(absolute).url
        except (Refused, ValueError):
            return self.budget.take(_refused(absolute))
        if kind in MANIFESTS and self.variables:
            url = f"{url}#{urlencode(self.variables)}"
        ending = suffix(absolute)
        ending = ending if ending in _SUFFIXES else assumed
        path = self.signer.path(self._ref(url, kind, self._name(uri, absolute)))
        path = f"{path}&id={quote(stable_id, safe='')}" if stable_id else path
        return self.budget.take(f"{path}&x={ending}" if ending else path)

    def template(self, uri: str, kind: Kind) -> str:
        """Our URL for a DASH template, its identifiers (`$Number$`) left for the player to replace."""
        if "$" not in uri:
            return self.child(uri, kind)
        absolute = self._asked(uri, kind)
        if absolute is None:
            return uri
        try:
            ref = self._ref(parse_url(absolute).url, kind, self._name(uri, absolute))
            path = self.signer.template_path(ref)
        except (Refused, ValueError):
            return self.budget.take(_refused(absolute))
        return self.budget.take(f"{path}&{EDGE_MARK}=1" if self.is_live else path)

    def again(self, uri: str) -> str:
        """Our URL for where this manifest itself has moved: one object, however often it moves, with the same children.

        :raises Unavailable: as `Budget.take`.
        """
        return self._marked(uri, object_id(self.parent, "Location"), {ROOT_MARK: self.parent})

    def patch(self, uri: str) -> str:
        """Our URL for changes to this manifest, whose children are relative to `base`.

        :raises Unavailable: as `Budget.take`.
        """
        return self._marked(uri, object_id(self.parent, uri), {ROOT_MARK: self.parent, BASE_MARK: self.base})

    def _marked(self, uri: str, name: str, marks: Mapping[str, str]) -> str:
        absolute = self.resolve(uri)
        if absolute is None:
            return ""
        try:
            url = f"{parse_url(absolute).url}#{urlencode(marks)}"
        except (Refused, ValueError):
            return self.budget.take(_refused(absolute))
        return self.budget.take(self.signer.path(StreamRef(url, Kind.MANIFEST, name, self.context, self.expires)))

    def _asked(self, uri: str, kind: Kind) -> str | None:
        absolute = self.resolve(uri)
        if absolute is None or not self.query or kind in MANIFESTS:
            return absolute
        return f"{absolute}{'&' if '?' in absolute else '?'}{self.query}"

    def resolve(self, uri: str) -> str | None:
        """The absolute form of `uri`; None if its scheme is not http(s)."""
        if _PLAIN_NAME.fullmatch(uri):
            # urljoin takes 10-18 µs, of which a playlist of 5,000 lines would feel every one.
            return _folder(self.nested or self.base) + uri
        scheme = _SCHEME.match(uri)
        if scheme and scheme[0].lower() not in ("http:", "https:"):
            return None
        return joined(self.nested or self.base, uri)

    def _name(self, uri: str, absolute: str) -> str:
        """What tells this child from its siblings, wherever the manifest is fetched from."""
        return absolute.removeprefix(_folder(self.base)) if self.nested else uri

    def _ref(self, url: str, kind: Kind, name: str) -> StreamRef:
        return StreamRef(url, kind, object_id(self.parent, name), self.context, self.expires)


def joined(base: str, uri: str) -> str:
    """The absolute form of `uri`, where it can be had; what authors leave to players to escape is escaped."""
    try:
        whole = urljoin(base, uri)
    except ValueError:
        whole = uri
    if _PLAIN.fullmatch(whole):
        return whole
    origin = _ORIGIN.match(whole)
    if origin is None:
        return whole
    path, mark, query = whole[origin.end() :].partition("?")
    # As browsers read them (WHATWG URL §4.4).
    rest = path.replace("\\", "/") + mark + query
    return origin[0] + _UNESCAPED.sub(lambda found: quote(found[0], safe="", errors="replace"), rest)


def _folder(url: str) -> str:
    path_end = min(index for index in (url.find("?"), url.find("#"), len(url)) if index >= 0)
    return url[: url.rfind("/", 0, path_end) + 1]


def _refused(absolute: str) -> str:
    """A URL that we answer with a clear refusal, rather than one that the player would fetch behind our back."""
    return f"{PROXY_PATH}?url={quote(absolute, safe='', errors='replace')}"


def suffix(url: str) -> str:
    """The lower-case suffix of the last path segment, with its dot; '' if there is none."""
    try:
        name = urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        return ""
    _, dot, end = name.rpartition(".")
    return f".{end.lower()}" if dot else ""
