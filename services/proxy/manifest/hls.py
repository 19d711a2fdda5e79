"""HLS playlists (RFC 8216, draft-pantos-hls-rfc8216bis): every place where a URI can stand."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs, urlsplit

from services.common.stream import Kind
from services.proxy.manifest.links import Links, suffix

MIME_TYPE: Final = "application/vnd.apple.mpegurl"
# Above so many lines a playlist is rewritten outside the event loop: 5,000 take 75-135 ms.
LONG_LINES: Final = 2000

# Attributes that hold a URI, by tag, and what is behind each.
_URI_ATTRIBUTES: Final[Mapping[str, Mapping[str, Kind]]] = {
    "EXT-X-MEDIA": {"URI": Kind.RENDITION},
    "EXT-X-I-FRAME-STREAM-INF": {"URI": Kind.MANIFEST},
    "EXT-X-IMAGE-STREAM-INF": {"URI": Kind.MANIFEST},
    "EXT-X-RENDITION-REPORT": {"URI": Kind.MANIFEST},
    "EXT-X-KEY": {"URI": Kind.KEY},
    "EXT-X-SESSION-KEY": {"URI": Kind.KEY},
    "EXT-X-MAP": {"URI": Kind.SEGMENT},
    "EXT-X-PART": {"URI": Kind.SEGMENT},
    "EXT-X-PRELOAD-HINT": {"URI": Kind.SEGMENT},
    "EXT-X-SESSION-DATA": {"URI": Kind.JSON},
    "EXT-X-DATERANGE": {"X-ASSET-URI": Kind.MANIFEST, "X-ASSET-LIST": Kind.JSON},
}
_OTHER_TAGS: Final[Mapping[str, Kind]] = {"URI": Kind.SEGMENT}
# For players that go by suffixes, where a URI has none: `.ts` passes for fragmented MP4 too.
_ASSUMED: Final[Mapping[Kind, str]] = {Kind.SEGMENT: ".ts", Kind.MANIFEST: ".m3u8", Kind.RENDITION: ".m3u8"}
# Tags whose whole value is a URI: Twitch's low-latency segments.
_URI_TAGS: Final = frozenset({"EXT-X-PREFETCH", "EXT-X-TWITCH-PREFETCH"})
# Steering would lead players to hosts behind our back; without it they use the renditions as listed.
_DROPPED: Final = frozenset({"EXT-X-CONTENT-STEERING", "EXT-X-DEFINE"})

_TAG: Final = re.compile(r"#(EXT[A-Z0-9-]*)(?::(.*))?")
_ATTRIBUTE: Final = re.compile(r'([A-Z0-9-]+)[ \t]*=[ \t]*("[^"]*"|[^",]*)[ \t]*(?:,|$)[ \t]*')
_QUOTED_URI: Final = re.compile(r'(?:(?<=[,:])|(?<=[,:][ \t]))([A-Z0-9-]+)[ \t]*=[ \t]*"([^"]*)"')
_VARIABLE: Final = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")


@dataclass(frozen=True, slots=True)
class Playlist:
    """A rewritten playlist. `fresh_s` is how long it may be served again without asking (seconds)."""

    text: str
    is_live: bool
    fresh_s: float


def lines_of(text: str) -> list[str]:
    """The lines of a playlist: only CR LF and LF end one (U+2028 in a title does not)."""
    return [line.removesuffix("\r").rstrip(" \t") for line in text.removeprefix("\ufeff").split("\n")]


def attributes(text: str) -> dict[str, str]:
    """An attribute list (RFC 8216 §4.2); quotes around values are removed, commas within them separate nothing."""
    return {match[1]: match[2].strip().strip('"') for match in _ATTRIBUTE.finditer(text)}


def rewrite(text: str, links: Links, imports: Mapping[str, str]) -> Playlist:
    """Rewrite `text`; `imports` are the variables of the multivariant playlist that led here.

    Variables are replaced here, because they may refer to the upstream's own query, and their definitions left out.
    """
    lines = lines_of(text)
    variables = _definitions(lines, links.base, imports)
    if variables:
        lines = [_VARIABLE.sub(lambda match: variables.get(match[1], match[0]), line) for line in lines]
        links = replace(links, variables=variables)
    rewritten = "\n".join(_rewritten(lines, links))
    is_multivariant = any(line.startswith("#EXT-X-STREAM-INF") for line in lines)
    is_live = not is_multivariant and "#EXT-X-ENDLIST" not in lines
    return Playlist(rewritten if rewritten.endswith("\n") else rewritten + "\n", is_live, _fresh_s(lines, is_live))


def _rewritten(lines: list[str], links: Links) -> Iterator[str]:
    is_playlist_next = False
    for line in lines:
        if not line.startswith("#"):
            if line.strip():
                kind = Kind.MANIFEST if is_playlist_next or suffix(line) == ".m3u8" else Kind.SEGMENT
                yield links.child(line.strip(), kind, assumed=_ASSUMED.get(kind, ""))
                is_playlist_next = False
            else:
                yield line
            continue
        tag = _TAG.fullmatch(line)
        if tag is None or tag[2] is None:
            yield line
            continue
        name, value = tag[1], tag[2]
        if name in _DROPPED:
            continue
        if name == "EXT-X-STREAM-INF":
            is_playlist_next = True
            yield line
        elif name in _URI_TAGS:
            yield f"#{name}:{links.child(value.strip(), Kind.SEGMENT, assumed=_ASSUMED[Kind.SEGMENT])}"
        elif '="' in value or '= "' in value:
            yield _with_children(line, _URI_ATTRIBUTES.get(name, _OTHER_TAGS), links)
        else:
            yield line


def _with_children(line: str, kinds: Mapping[str, Kind], links: Links) -> str:
    def child(match: re.Match[str]) -> str:
        kind = kinds.get(match[1])
        if kind is None or not match[2]:
            return match[0]
        return f'{match[1]}="{links.child(match[2], kind, assumed=_ASSUMED.get(kind, ""))}"'

    return _QUOTED_URI.sub(child, line)


def _definitions(lines: list[str], base: str, imports: Mapping[str, str]) -> dict[str, str]:
    """Variables in force (rfc8216bis §4.4.2.3). QUERYPARAM reads the query of the URL that was fetched in the end."""
    found: dict[str, str] = {}
    query: dict[str, list[str]] | None = None
    for line in lines:
        if not line.startswith("#EXT-X-DEFINE:"):
            continue
        given = attributes(line.partition(":")[2])
        if "NAME" in given:
            found[given["NAME"]] = given.get("VALUE", "")
        elif "IMPORT" in given and given["IMPORT"] in imports:
            found[given["IMPORT"]] = imports[given["IMPORT"]]
        elif "QUERYPARAM" in given:
            query = parse_qs(urlsplit(base).query, keep_blank_values=True) if query is None else query
            values = query.get(given["QUERYPARAM"])
            if values:
                found[given["QUERYPARAM"]] = values[0]
    return found


def _fresh_s(lines: list[str], is_live: bool) -> float:
    """Half a target duration of what is live, at most a second; a new part would show up so soon."""
    if not is_live:
        return 300.0 if "#EXT-X-ENDLIST" in lines else 30.0
    targets_s = [2.0]
    for line in lines:
        name, _, value = line.partition(":")
        with contextlib.suppress(KeyError, ValueError):
            if name == "#EXT-X-TARGETDURATION":
                targets_s.append(float(value))
            elif name == "#EXT-X-PART-INF":
                targets_s.append(float(attributes(value)["PART-TARGET"]))
    return max(0.0, min(targets_s) / 2)
