"""HLS playlists (RFC 8216, draft-pantos-hls-rfc8216bis): every place where a URI can stand."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs, urlsplit

from services.common.errors import Unavailable
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
    "EXT-X-CONTENT-STEERING": {"SERVER-URI": Kind.JSON},
    "EXT-X-DATERANGE": {"X-ASSET-URI": Kind.MANIFEST, "X-ASSET-LIST": Kind.JSON},
}
# What these names mean in tags that nobody has heard of yet.
_ANYWHERE: Final[Mapping[str, Kind]] = {
    "URI": Kind.SEGMENT,
    "SERVER-URI": Kind.JSON,
    "X-ASSET-URI": Kind.MANIFEST,
    "X-ASSET-LIST": Kind.JSON,
}
# For players that go by suffixes, where a URI has none: `.ts` passes for fragmented MP4 too.
_ASSUMED: Final[Mapping[Kind, str]] = {Kind.SEGMENT: ".ts", Kind.MANIFEST: ".m3u8", Kind.RENDITION: ".m3u8"}
# Tags whose whole value is a URI: Twitch's low-latency segments.
_URI_TAGS: Final = frozenset({"EXT-X-PREFETCH", "EXT-X-TWITCH-PREFETCH"})
_STEERING: Final = "#EXT-X-CONTENT-STEERING:"
# What a steering manifest calls the children of a multivariant playlist.
_STABLE_IDS: Final = ("STABLE-VARIANT-ID", "STABLE-RENDITION-ID")

# Players end a line where JavaScript's regular expressions do.
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_ALSO_ENDS: Final = re.compile(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_TAG: Final = re.compile(r"#(EXT[A-Z0-9-]*)(?::(.*))?")
# Begins at the beginning of a name only, so that the time it takes grows with the line's length and no faster.
_ATTRIBUTE: Final = re.compile(r'(?<![A-Za-z0-9-])([A-Za-z0-9-]++)[ \t]*+=([ \t]*+"[^"]*"?|[^",]*)')
_VARIABLE: Final = re.compile(r"\{\$([A-Za-z0-9_-]++)\}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
# What variables may hold, and make of a playlist: definitions that name each other would fill any memory.
_MAX_VALUE_CHARS: Final = 4096
_MAX_EXPANDED_CHARS: Final = 16 * 1024 * 1024
_UNQUOTABLE: Final = re.compile(r'["\x00-\x1f\x7f\x85\u2028\u2029]')


@dataclass(frozen=True, slots=True)
class Playlist:
    """A rewritten playlist. `fresh_s` is how long it may be served again without asking (seconds)."""

    text: str
    is_live: bool
    fresh_s: float


def lines_of(text: str) -> list[str]:
    """The lines of a playlist, without blanks at their ends.

    CR LF and LF end one (RFC 8216 §4.1), and CR for players; what else they may take for an end becomes a blank.
    """
    text = _ALSO_ENDS.sub(" ", text.removeprefix("\ufeff"))
    return [line.rstrip(" \t") for line in _LINE_END.split(text)]


def attributes(text: str) -> dict[str, str]:
    """An attribute list (RFC 8216 §4.2); quotes around values are removed, commas within them separate nothing."""
    return {match[1]: _unquoted(match[2]) for match in _ATTRIBUTE.finditer(text)}


def rewrite(text: str, links: Links, imports: Mapping[str, str]) -> Playlist:
    """Rewrite `text`; `imports` are the variables of the multivariant playlist that led here.

    Variables are replaced here, because they may refer to the upstream's own query, and their definitions left out.

    :raises Unavailable: `upstream_failed` if it grows beyond what a playlist may be.
    """
    lines = lines_of(text)
    variables = _definitions(lines, links.base, imports)
    if variables:
        lines = list(_expanded(lines, variables))
        links = replace(links, variables=variables)
    rewritten = "\n".join(_rewritten(lines, links))
    is_multivariant = any(line.startswith("#EXT-X-STREAM-INF") for line in lines)
    is_live = not is_multivariant and "#EXT-X-ENDLIST" not in lines
    return Playlist(rewritten if rewritten.endswith("\n") else rewritten + "\n", is_live, _fresh_s(lines, is_live))


def uris(text: str) -> Iterator[tuple[str, bool]]:
    """Every URI of a playlist as it stands there, and whether a playlist is behind it."""
    is_playlist_next = False
    for line in lines_of(text):
        if line.strip() and not line.startswith("#"):
            yield line.strip(), is_playlist_next or suffix(line) == ".m3u8"
            is_playlist_next = False
        elif (tag := _TAG.fullmatch(line)) is not None and tag[2] is not None:
            is_playlist_next = is_playlist_next or tag[1] == "EXT-X-STREAM-INF"
            kinds = _URI_ATTRIBUTES.get(tag[1], {})
            for name, value in attributes(tag[2]).items():
                if name in kinds and value:
                    yield value, kinds[name] in (Kind.MANIFEST, Kind.RENDITION)


def _rewritten(lines: list[str], links: Links) -> Iterator[str]:
    is_steered = any(line.startswith(_STEERING) for line in lines)
    is_playlist_next, stable_id = False, ""
    for line in lines:
        if not line.startswith("#"):
            if line.strip():
                kind = Kind.MANIFEST if is_playlist_next or suffix(line) == ".m3u8" else Kind.SEGMENT
                yield links.child(line.strip(), kind, assumed=_ASSUMED.get(kind, ""), stable_id=stable_id)
                is_playlist_next, stable_id = False, ""
            else:
                yield line
            continue
        tag = _TAG.fullmatch(line)
        if tag is None or tag[2] is None:
            yield line
            continue
        name, value = tag[1], tag[2]
        own_id = _stable_id(value) if is_steered else ""
        if name == "EXT-X-STREAM-INF":
            is_playlist_next, stable_id = True, own_id
        if name == "EXT-X-DEFINE" or (name == "EXT-X-CONTENT-STEERING" and not _is_fetched(value, links)):
            continue
        if name in _URI_TAGS:
            yield f"#{name}:{links.child(value.strip(), Kind.SEGMENT, assumed=_ASSUMED[Kind.SEGMENT])}"
        elif name in _URI_ATTRIBUTES or "URI" in value or "X-ASSET-LIST" in value:
            yield _with_children(line, {**_ANYWHERE, **_URI_ATTRIBUTES.get(name, {})}, links, own_id)
        else:
            yield line


def _stable_id(value: str) -> str:
    given = attributes(value)
    return next((given[name] for name in _STABLE_IDS if name in given), "")


def _is_fetched(value: str, links: Links) -> bool:
    """Whether a steering manifest will come from us: one in a `data:` URI would name hosts behind our back."""
    return links.resolve(attributes(value).get("SERVER-URI", "data:")) is not None


def _with_children(line: str, kinds: Mapping[str, Kind], links: Links, stable_id: str) -> str:
    def child(match: re.Match[str]) -> str:
        kind, uri = kinds.get(match[1]), _unquoted(match[2])
        if kind is None or not uri:
            # Of a string that does not end players would take what is in it for attributes.
            return f'{match[0]}"' if match[2].count('"') == 1 else match[0]
        # Players take one without quotes as well.
        return f'{match[1]}="{links.child(uri, kind, assumed=_ASSUMED.get(kind, ""), stable_id=stable_id)}"'

    return _ATTRIBUTE.sub(child, line)


def _unquoted(value: str) -> str:
    return value.strip(" \t").strip('"')


def _definitions(lines: list[str], base: str, imports: Mapping[str, str]) -> dict[str, str]:
    """Variables in force (rfc8216bis §4.4.2.3). QUERYPARAM reads the query of the URL that was fetched in the end.

    One that is too long, or that a quoted string could not hold, is none: it could end the line that it stands in.
    """
    found: dict[str, str] = {}
    query: dict[str, list[str]] | None = None
    for line in lines:
        if not line.startswith("#EXT-X-DEFINE:"):
            continue
        given = attributes(line.partition(":")[2])
        name, value = "", None
        if "NAME" in given:
            name, value = given["NAME"], _replaced(given.get("VALUE", ""), found)
        elif "IMPORT" in given:
            name, value = given["IMPORT"], imports.get(given["IMPORT"])
        elif "QUERYPARAM" in given:
            query = parse_qs(urlsplit(base).query, keep_blank_values=True) if query is None else query
            name = given["QUERYPARAM"]
            value = query.get(name, [""])[0] or None
        if (
            _NAME.fullmatch(name)
            and value is not None
            and len(value) <= _MAX_VALUE_CHARS
            and not _UNQUOTABLE.search(value)
        ):
            found[name] = value
    return found


def _expanded(lines: list[str], variables: Mapping[str, str]) -> Iterator[str]:
    left = _MAX_EXPANDED_CHARS
    for line in lines:
        made = _replaced(line, variables) if "{$" in line and not line.startswith("#EXT-X-DEFINE:") else line
        left -= len(made)
        if left < 0:
            raise Unavailable("upstream_failed", "This playlist grows without end.")
        yield made


def _replaced(text: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: variables.get(match[1], match[0]), text)


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
