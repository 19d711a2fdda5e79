"""DASH MPDs (ISO/IEC 23009-1): BaseURLs are resolved and removed, what they lead to becomes whole URLs of ours."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urljoin

from lxml import etree

from services.common.errors import Unavailable
from services.common.stream import PROXY_PATH, Kind
from services.proxy.manifest.links import Links

MIME_TYPE: Final = "application/dash+xml"

_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_TEMPLATE_URLS: Final = ("media", "initialization", "index", "bitstreamSwitching")
_LIST_URLS: Final = ("media", "index")
_WRITTEN: Final = ("media", "sourceURL")
_SOURCES: Final = frozenset({"Initialization", "RepresentationIndex", "BitstreamSwitching"})
# Steering and patches would lead players to URLs that nobody rewrote; without them they reload the whole MPD.
_DROPPED: Final = frozenset({"ContentSteering", "PatchLocation"})
_IDENTIFIER: Final = re.compile(
    r"\$(?:(RepresentationID)|(Bandwidth)(?:%0(\d{1,2})d)?|(?:Number|Time|SubNumber)[^$]*|)\$"
)
_PERIOD: Final = re.compile(r"P(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)")


@dataclass(frozen=True, slots=True)
class Mpd:
    """A rewritten MPD. `fresh_s` is how long it may be served again without asking (seconds)."""

    body: bytes
    is_live: bool
    fresh_s: float


def rewrite(body: bytes, links: Links) -> Mpd:
    """Rewrite an MPD, or a Period or AdaptationSet that one links to.

    :raises Unavailable: `upstream_failed` if it is no such document, or declares a document type.
    """
    # Entities are neither resolved nor fetched; a document that declares some has no business here.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True, remove_comments=True
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise Unavailable("upstream_failed", "The MPD is malformed.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unavailable("upstream_failed", "The MPD declares a document type.")
    match _name(root):
        case "MPD":
            _rewrite_mpd(root, links)
        case "Period":
            _rewrite_period(root, links.base, links)
        case "AdaptationSet":
            _rewrite_set(root, links.base, links, [])
        case _:
            raise Unavailable("upstream_failed", "This is no MPD.")
    is_live = root.get("type") == "dynamic"
    fresh_s = min(1.0, _seconds(root.get("minimumUpdatePeriod")) / 2) if is_live else 300.0
    text = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return Mpd(text, is_live, fresh_s)


def _rewrite_mpd(mpd: etree._Element, links: Links) -> None:
    base = _take_base(mpd, links.base)
    for element in list(_elements(mpd)):
        match _name(element):
            case "Location" if element.text:
                element.text = links.child(element.text.strip(), Kind.MANIFEST)
            case "UTCTiming" if ":http-" in element.get("schemeIdUri", ""):
                urls = element.get("value", "").split()
                element.set("value", " ".join(links.child(url, Kind.JSON) for url in urls))
            case "Period":
                _rewrite_period(element, base, links)
            case name if name in _DROPPED:
                mpd.remove(element)


def _rewrite_period(period: etree._Element, base: str, links: Links) -> None:
    _rewrite_href(period, links)
    base = _take_base(period, base)
    for element in list(_elements(period)):
        match _name(element):
            case "AdaptationSet":
                _rewrite_set(element, base, links, [period])
            case "EventStream" | "AssetIdentifier":
                _rewrite_href(element, links)
    _strip(period)


def _rewrite_set(adaptation: etree._Element, base: str, links: Links, above: Sequence[etree._Element]) -> None:
    _rewrite_href(adaptation, links)
    base = _take_base(adaptation, base)
    for element in list(_elements(adaptation)):
        if _name(element) == "Representation":
            kind = _kind(element.get("mimeType") or adaptation.get("mimeType") or "")
            nested = replace(links, nested=_take_base(element, base))
            _rewrite_representation(element, nested, kind, [element, adaptation, *above])
    _strip(adaptation)


def _rewrite_representation(
    representation: etree._Element, links: Links, kind: Kind, levels: Sequence[etree._Element]
) -> None:
    """Write what this Representation inherits into it, as far as it holds URLs. `levels` begins with itself."""
    templates, lists, bases = (_inherited(levels, f"Segment{form}") for form in ("Template", "List", "Base"))
    needs_base, longest = True, ""
    if templates:
        needs_base = _write_template(representation, templates, links, kind)
    elif lists:
        segments = _own(representation, lists)
        needs_base = _write_sources(segments, links, kind)
        # ffmpeg has no room for a listed URL that is longer than the MPD's and its BaseURL together.
        longest = max((str(each.get(name, "")) for each in segments for name in _WRITTEN), key=len, default="")
    elif bases and any("sourceURL" in source.attrib for each in bases for source in _elements(each)):
        needs_base = _write_sources(_own(representation, bases), links, kind)
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
            own.insert(0, copy.deepcopy(source))
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


def _own(representation: etree._Element, inherited: Sequence[etree._Element]) -> etree._Element:
    """The nearest of `inherited`, copied into `representation` unless it is there already."""
    nearest = inherited[0]
    if nearest.getparent() is representation:
        own = nearest
    else:
        own = copy.deepcopy(nearest)
        representation.append(own)
    for outer in inherited[1:]:
        for attribute, value in outer.attrib.items():
            if attribute not in own.attrib:
                own.set(attribute, value)
        for element in reversed(list(_elements(outer))):
            if not any(_name(have) == _name(element) for have in _elements(own)):
                own.insert(0, copy.deepcopy(element))
    return own


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
    """`template` with what is fixed for `representation` written out (§5.3.9.4.4)."""

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
            try:
                moved = urljoin(base, each.text.strip())
            except ValueError:
                raise Unavailable("upstream_failed", "The MPD holds a malformed BaseURL.") from None
        if position == 0 and any("availabilityTime" in str(name) for name in each.attrib):
            # How early segments may be asked for; our URLs start at the root, so the text moves nothing.
            each.text = PROXY_PATH
        else:
            element.remove(each)
    return moved


def _rewrite_href(element: etree._Element, links: Links) -> None:
    href = element.get(_HREF)
    if href and not href.startswith("urn:"):
        element.set(_HREF, links.child(href, Kind.MANIFEST))


def _inherited(levels: Sequence[etree._Element], name: str) -> list[etree._Element]:
    return [element for level in levels for element in _elements(level) if _name(element) == name]


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
    match = _PERIOD.fullmatch(duration or "")
    if match is None:
        return 2.0
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
