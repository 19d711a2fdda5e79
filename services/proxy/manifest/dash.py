"""DASH MPDs (ISO/IEC 23009-1): BaseURLs are resolved and removed, what they lead to becomes whole URLs of ours."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urljoin

from lxml import etree

from services.common.errors import Unavailable
from services.common.stream import PROXY_PATH, Kind
from services.proxy.manifest import foreign, patch, queries
from services.proxy.manifest.links import Links

MIME_TYPE: Final = "application/dash+xml"

_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_TEMPLATE_URLS: Final = ("media", "initialization", "index", "bitstreamSwitching")
_LIST_URLS: Final = ("media", "index")
_WRITTEN: Final = ("media", "sourceURL")
_SOURCES: Final = frozenset({"Initialization", "RepresentationIndex", "BitstreamSwitching"})
_IDENTIFIER: Final = re.compile(
    r"\$(?:(RepresentationID)|(Bandwidth)(?:%0(\d{1,2})d)?|(?:Number|Time|SubNumber)[^$]*|)\$"
)
_DURATION: Final = re.compile(
    r"P(?:0{1,4}Y)?(?:0{1,2}M)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{0,9})?)S)?)?"
)
_PROLOGUE: Final = re.compile(rb"\s*<\?xml[^>]*\?>")
_ROOTS: Final = b"<roots>%b</roots>"
# Nobody asks more often than this, whatever the MPD says.
_SHORTEST_S: Final = 0.25
# What a copied element counts for: it takes about as long as a URL.
_A_URL: Final = " " * 200
_LONGEST_URL: Final = 16_384


# The segment information of one level, by name.
Segments = Mapping[str, Sequence[etree._Element]]


@dataclass(frozen=True, slots=True)
class Mpd:
    """A rewritten MPD. `fresh_s` is how long it may be served again without asking (seconds)."""

    body: bytes
    is_live: bool
    fresh_s: float
    content_type: str = MIME_TYPE


def rewrite(body: bytes, links: Links) -> Mpd:
    """Rewrite an MPD, Periods or AdaptationSets that one links to, or a patch of one.

    :raises Unavailable: `upstream_failed` if it is no such document, declares a document type, or grows beyond what
        an MPD may be.
    """
    root = _parsed(body)
    content_type = MIME_TYPE
    is_live = root.get("type") == "dynamic" or _name(root) == "Patch"
    links = replace(links, is_live=is_live)
    match _name(root):
        case "MPD":
            _rewrite_mpd(root, links)
        case "Period" | "AdaptationSet" | "roots" if _name(root) != "roots" or len(root):
            for element in [*root] if _name(root) == "roots" else [root]:
                _rewrite_remote(element, links)
        case "Patch":
            patch.rewrite(root, links, _rewrite_period)
            content_type = patch.MIME_TYPE
        case _:
            raise Unavailable("upstream_failed", "This is no MPD.")
    foreign.leave_out(root, links)
    fresh_s = min(1.0, max(_SHORTEST_S, _seconds(root.get("minimumUpdatePeriod")) / 2)) if is_live else 300.0
    if _name(root) == "roots":
        text = b"".join(etree.tostring(each, encoding="utf-8") for each in root)
    else:
        text = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return Mpd(text, is_live, fresh_s, content_type)


def _parsed(body: bytes) -> etree._Element:
    try:
        root = _tree(body)
    except etree.XMLSyntaxError:
        # What an MPD links to may be several elements one after the other (§5.5.3).
        whole = _ROOTS % _PROLOGUE.sub(b"", body.removeprefix(b"\xef\xbb\xbf"), count=1)
        try:
            root = _tree(whole)
        except etree.XMLSyntaxError:
            raise Unavailable("upstream_failed", "The MPD is malformed.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unavailable("upstream_failed", "The MPD declares a document type.")
    return root


def _tree(body: bytes) -> etree._Element:
    # Entities are neither resolved nor fetched; a document that declares some has no business here.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True, remove_comments=True
    )
    return etree.fromstring(body, parser)


def _rewrite_mpd(mpd: etree._Element, links: Links) -> None:
    mpd_url = links.base
    base = _take_base(mpd, mpd_url)
    links = replace(links, query=queries.take(mpd, mpd_url, ""))
    for element in list(_elements(mpd)):
        text = (element.text or "").strip()
        match _name(element):
            case "Location" if text:
                element.text = links.again(text)
            case "PatchLocation" if text:
                element.text = replace(links, base=base).patch(_joined(mpd_url, text))
            case "ImportedMPD" if text:
                element.text = links.child(_joined(base, text), Kind.MANIFEST)
            case "InitializationSet":
                _rewrite_href(element, links)
                if element.get("initialization"):
                    nested = replace(links, nested=base)
                    element.set("initialization", nested.template(element.get("initialization", ""), Kind.SEGMENT))
            case "Period":
                _rewrite_period(element, base, links)


def _rewrite_remote(element: etree._Element, links: Links) -> None:
    match _name(element):
        case "Period":
            _rewrite_period(element, links.base, links)
        case "AdaptationSet":
            _rewrite_set(element, links.base, links, [])
        case _:
            raise Unavailable("upstream_failed", "This is no MPD.")


def _rewrite_period(period: etree._Element, base: str, links: Links) -> None:
    _rewrite_href(period, links)
    base = _take_base(period, base)
    links = replace(links, query=queries.take(period, links.base, links.query))
    inherited = [_segments(period)]
    for element in list(_elements(period)):
        match _name(element):
            case "AdaptationSet":
                _rewrite_set(element, base, links, inherited)
            case "EventStream" | "AssetIdentifier":
                _rewrite_href(element, links)
    _strip(period)


def _rewrite_set(adaptation: etree._Element, base: str, links: Links, above: Sequence[Segments]) -> None:
    _rewrite_href(adaptation, links)
    base = _take_base(adaptation, base)
    links = replace(links, query=queries.take(adaptation, links.base, links.query))
    # Looked up once for all: a set may hold thousands of Representations.
    inherited = [_segments(adaptation), *above]
    for element in list(_elements(adaptation)):
        if _name(element) == "Representation":
            kind = _kind(element.get("mimeType") or adaptation.get("mimeType") or "")
            query = queries.take(element, links.base, links.query)
            nested = replace(links, nested=_take_base(element, base), query=query)
            _rewrite_representation(element, nested, kind, [_segments(element), *inherited])
    _strip(adaptation)


def _rewrite_representation(
    representation: etree._Element, links: Links, kind: Kind, levels: Sequence[Segments]
) -> None:
    """Write what this Representation inherits into it, as far as it holds URLs. `levels` begins with itself."""
    templates, lists, bases = (
        [element for level in levels for element in level.get(f"Segment{form}", ())]
        for form in ("Template", "List", "Base")
    )
    needs_base, longest = True, ""
    if templates:
        needs_base = _write_template(representation, templates, links, kind)
    elif lists:
        segments = _own(representation, lists, links)
        needs_base = _write_sources(segments, links, kind)
        # ffmpeg has no room for a listed URL that is longer than the MPD's and its BaseURL together.
        longest = max((str(each.get(name, "")) for each in segments for name in _WRITTEN), key=len, default="")
    elif bases and any("sourceURL" in source.attrib for each in bases for source in _elements(each)):
        needs_base = _write_sources(_own(representation, bases, links), links, kind)
    if needs_base or longest:
        own = etree.Element(_qualified(representation, "BaseURL"))
        own.text = links.child(links.nested, kind) if needs_base else longest
        representation.insert(_base_index(representation), own)


def _write_template(
    representation: etree._Element, templates: Sequence[etree._Element], links: Links, kind: Kind
) -> bool:
    """Give `representation` a template of its own that holds the URLs; numbers and timeline stay where they are."""
    own = templates[0]
    if own.getparent() is not representation:
        own = etree.SubElement(representation, _qualified(representation, "SegmentTemplate"))
    for attribute in _TEMPLATE_URLS:
        value = next((each.get(attribute) for each in templates if each.get(attribute)), None)
        if value:
            own.set(attribute, links.template(_filled(value, representation), kind))
    sources = [(each, source) for each in templates for source in _elements(each) if _name(source) in _SOURCES]
    for each, source in sources:
        if each is not own and not any(_name(have) == _name(source) for have in _elements(own)):
            own.insert(0, _copied(source, links))
    return _write_sources(own, links, kind) if sources else False


def _write_sources(segments: etree._Element, links: Links, kind: Kind) -> bool:
    """Rewrite the URLs of a SegmentList or SegmentBase. True if parts of it lie in the Representation's own BaseURL."""
    needs_base = _name(segments) == "SegmentBase"
    for element in _elements(segments):
        if _name(element) in _SOURCES:
            source = element.get("sourceURL")
            if source:
                element.set("sourceURL", links.child(source, kind))
            needs_base |= not source
        elif _name(element) == "SegmentURL":
            for attribute in _LIST_URLS:
                if element.get(attribute):
                    element.set(attribute, links.child(element.get(attribute, ""), kind))
            needs_base |= not element.get("media")
    return needs_base


def _own(representation: etree._Element, inherited: Sequence[etree._Element], links: Links) -> etree._Element:
    """The nearest of `inherited`, copied into `representation` unless it is there already."""
    nearest = inherited[0]
    if nearest.getparent() is representation:
        own = nearest
    else:
        own = _copied(nearest, links)
        representation.append(own)
    for outer in inherited[1:]:
        for attribute, value in outer.attrib.items():
            if attribute not in own.attrib:
                own.set(attribute, links.budget.take(str(value)))
        for element in reversed(list(_elements(outer))):
            if not any(_name(have) == _name(element) for have in _elements(own)):
                own.insert(0, _copied(element, links))
    return own


def _copied(element: etree._Element, links: Links) -> etree._Element:
    # A long list above many Representations would become one for each.
    links.budget.take(etree.tostring(element, encoding="unicode"))
    for _ in element.iter():
        links.budget.take(_A_URL)
    return copy.deepcopy(element)


def _strip(level: etree._Element) -> None:
    """Take the URLs that the Representations now hold themselves out of `level`'s own segment information."""
    for element in list(_elements(level)):
        match _name(element):
            case "SegmentTemplate":
                for attribute in _TEMPLATE_URLS:
                    if attribute in element.attrib:
                        del element.attrib[attribute]
                for source in list(_elements(element)):
                    if _name(source) in _SOURCES:
                        element.remove(source)
            case "SegmentList":
                level.remove(element)
            case "SegmentBase" if any("sourceURL" in source.attrib for source in _elements(element)):
                level.remove(element)


def _filled(template: str, representation: etree._Element) -> str:
    """`template` with what is fixed for `representation` written out (§5.3.9.4.4).

    :raises Unavailable: `upstream_failed` if that is no URL any more.
    """
    if len(template) + template.count("$RepresentationID$") * len(representation.get("id", "")) > _LONGEST_URL:
        raise Unavailable("upstream_failed", "The MPD holds a template without end.")

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return representation.get("id", "").replace("$", "$$")
        if match[2]:
            return representation.get("bandwidth", "").zfill(int(match[3] or 0))
        return match[0]

    return _IDENTIFIER.sub(value, template)


def _take_base(element: etree._Element, base: str) -> str:
    """The base that holds within `element`: `base`, moved by its first BaseURL. All of them are removed."""
    moved = base
    found = [each for each in _elements(element) if _name(each) == "BaseURL"]
    for position, each in enumerate(found):
        if position == 0 and each.text:
            moved = _joined(base, each.text.strip())
        if position == 0 and any("availabilityTime" in str(name) for name in each.attrib):
            # How early segments may be asked for; our URLs start at the root, so the text moves nothing.
            each.text = PROXY_PATH
        else:
            element.remove(each)
    return moved


def _joined(base: str, uri: str) -> str:
    try:
        return urljoin(base, uri)
    except ValueError:
        raise Unavailable("upstream_failed", "The MPD holds a malformed BaseURL.") from None


def _rewrite_href(element: etree._Element, links: Links) -> None:
    href = element.get(_HREF)
    if href and not href.startswith("urn:"):
        element.set(_HREF, links.child(href, Kind.MANIFEST))


def _segments(level: etree._Element) -> Segments:
    found: dict[str, list[etree._Element]] = {}
    for element in _elements(level):
        name = _name(element)
        if name.startswith("Segment"):
            found.setdefault(name, []).append(element)
    return found


def _elements(parent: etree._Element) -> Iterator[etree._Element]:
    return iter(parent)


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _qualified(like: etree._Element, name: str) -> str:
    namespace = etree.QName(like).namespace
    return f"{{{namespace}}}{name}" if namespace else name


def _base_index(representation: etree._Element) -> int:
    """Where the schema wants BaseURL: before the segment information."""
    for index, child in enumerate(representation):
        if _name(child).startswith("Segment") or _name(child) == "SubRepresentation":
            return index
    return len(representation)


def _kind(mime_type: str) -> Kind:
    if mime_type == "text/vtt":
        return Kind.SUBTITLE
    return Kind.IMAGE if mime_type.startswith("image/") else Kind.SEGMENT


def _seconds(duration: str | None) -> float:
    match = _DURATION.fullmatch(duration or "")
    if match is None:
        return 2.0
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds
