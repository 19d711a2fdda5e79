"""MPD patches (ISO/IEC 23009-1 §5.15, RFC 5261): changes to an MPD that a player already has, as we rewrote it.

What they select must be where the upstream's author thinks it is, and what they bring must hold our addresses. A patch
of which that cannot be said is emptied: players that find nothing in it read the whole MPD again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lxml import etree

from services.proxy.manifest.foreign import is_call
from services.proxy.manifest.links import Links

MIME_TYPE: Final = "application/dash-patch+xml"

# Elements that rewriting leaves at their places.
_STEP: Final = (
    r"/(?:MPD|Period|AdaptationSet|Representation|SegmentTemplate|SegmentTimeline|S|EventStream|Event|PatchLocation)"
    r"""(?:\[(?:\d{1,6}|@[A-Za-z]+=(?:'[^'"]*'|"[^'"]*"))\])*"""
)
_SELECTOR: Final = re.compile(rf"(?:{_STEP})+(?:/@(\w+))?")
_PREDICATE: Final = re.compile(r"\[[^\]]*\]")
_ADDRESSES: Final = frozenset({"media", "initialization", "index", "bitstreamSwitching", "sourceURL", "href"})
_PLAIN: Final = frozenset({"S", "SegmentTimeline", "Event"})

RewritePeriod = Callable[[etree._Element, str, Links], None]


def rewrite(root: etree._Element, links: Links, rewrite_period: RewritePeriod) -> None:
    """Rewrite the patch `root`. The base of `links` is that of the MPD which named it."""
    if not all(_is_rewritten(change, links, rewrite_period) for change in root):
        for change in list(root):
            root.remove(change)


def _is_rewritten(change: etree._Element, links: Links, rewrite_period: RewritePeriod) -> bool:
    action = etree.QName(change).localname
    found = _SELECTOR.fullmatch(change.get("sel", ""))
    if found is None or action not in ("add", "remove", "replace"):
        return False
    if not _reaches(change.get("sel", ""), action):
        return False
    kind = change.get("type", "")
    attribute = found[1] or kind.removeprefix("@")
    if attribute:
        return attribute not in _ADDRESSES and len(change) == 0
    return action == "remove" or all(_is_ours(each, links, rewrite_period) for each in change)


def _reaches(selector: str, action: str) -> bool:
    """Whether players will see a change there in the Representations, each of which has a template of its own from us.

    dash.js hands templates down before it applies patches: what is then put in the place of a set's template, or of
    its timeline, stays there. What is within one timeline, all have in common.
    """
    if "/SegmentTemplate" not in selector or "/Representation" in selector:
        return True
    last = _PREDICATE.sub("", selector).partition("/@")[0].rpartition("/")[2]
    return last == "S" or (last == "SegmentTimeline" and action == "add")


def _is_ours(brought: etree._Element, links: Links, rewrite_period: RewritePeriod) -> bool:
    match etree.QName(brought).localname:
        case name if name in _PLAIN:
            return True
        case "EventStream":
            return not is_call(brought) and not any("href" in str(each) for each in brought.attrib)
        case "PatchLocation":
            brought.text = links.patch((brought.text or "").strip())
            return True
        case "Period":
            rewrite_period(brought, links.base, links)
            return True
        case _:
            return False
