"""What of an MPD would have a player talk to somebody else: left out, because nobody could rewrite what comes back."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from services.common.stream import Kind
from services.proxy.manifest.links import Links

# Steering names hosts; of one address that we give there is nothing to choose. Licences are asked for by POST, which
# the proxy does not pass on, and reports of what is watched are nobody's business.
_DROPPED: Final = frozenset({"ContentSteering", "Metrics", "laurl", "certurl"})
# Events whose message is an address that the player is to call, or another MPD to play instead.
_CALLS: Final = ("urn:mpeg:dash:event:callback:", "urn:mpeg:dash:event:alternativeMPD:")
_EVENTS: Final = frozenset({"EventStream", "InbandEventStream"})
# A player that asked a time server would tell it who watches.
_TIME_SERVERS: Final = re.compile(r"urn:mpeg:dash:utc:s?ntp:")
_ADDRESS: Final = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
# Attributes that hold names which look like addresses.
_NAMES: Final = frozenset({"schemeIdUri", "profiles", "schemaLocation", "noNamespaceSchemaLocation"})


def leave_out(root: etree._Element, links: Links) -> None:
    """Take out of `root`, where every known address is ours already, whatever else leads to others."""
    for element in list(root.iter(etree.Element)):
        name = etree.QName(element).localname
        scheme = element.get("schemeIdUri", "")
        if (
            name in _DROPPED
            or name.lower() in _DROPPED
            or (name in _EVENTS and scheme.startswith(_CALLS))
            or (name == "UTCTiming" and _TIME_SERVERS.match(scheme))
        ):
            _remove(element)
            continue
        if name == "UTCTiming" and ":http-" in scheme:
            urls = element.get("value", "").split()
            element.set("value", " ".join(links.child(url, Kind.JSON) for url in urls))
        _blank(element, name)


def is_call(events: etree._Element) -> bool:
    """Whether these events would have a player call somebody."""
    return events.get("schemeIdUri", "").startswith(_CALLS)


def _blank(element: etree._Element, name: str) -> None:
    for attribute, value in element.attrib.items():
        local = etree.QName(attribute).localname
        # The value of a descriptor is told from an address by its scheme alone.
        is_name = local in _NAMES or (local == "value" and name != "UTCTiming")
        if not is_name and _ADDRESS.match(str(value)):
            del element.attrib[attribute]
    if element.text and _ADDRESS.match(element.text):
        element.text = None
    if element.tail and _ADDRESS.match(element.tail):
        element.tail = None


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
