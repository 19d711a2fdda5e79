"""Queries that an MPD has players add to the URLs of segments (ISO/IEC 23009-1, annex I): added here instead.

A player would take them from the URL of *our* MPD.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from lxml import etree

_SCHEMES: Final = frozenset({"urn:mpeg:dash:urlparam:2014", "urn:mpeg:dash:urlparam:2016"})
_DESCRIPTORS: Final = frozenset({"EssentialProperty", "SupplementalProperty"})
_INFOS: Final = frozenset({"UrlQueryInfo", "ExtUrlQueryInfo"})
_MAX_CHARS: Final = 4096
_TOKEN: Final = re.compile(r"\$(?:(querypart)|query:([^$]*)|[^$]*)\$")


def take(level: etree._Element, mpd_url: str, outer: str) -> str:
    """The query for what is in `level`: `outer`, and what its descriptors say, which are removed."""
    made = [outer] if outer else []
    for descriptor in list(level):
        if etree.QName(descriptor).localname not in _DESCRIPTORS or descriptor.get("schemeIdUri") not in _SCHEMES:
            continue
        made += [_query(info, mpd_url) for info in descriptor if etree.QName(info).localname in _INFOS]
        level.remove(descriptor)
    return "&".join(each for each in made if each)[:_MAX_CHARS]


def _query(info: etree._Element, mpd_url: str) -> str:
    if "segment" not in info.get("includeInRequests", "segment").split():
        return ""
    parts = [
        urlsplit(mpd_url).query if info.get("useMPDUrlQuery") in ("true", "1") else "",
        info.get("queryString", ""),
    ]
    whole = "&".join(part for part in parts if part)
    values = dict(parse_qsl(whole, keep_blank_values=True))

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return whole
        return quote(values.get(match[2] or "", ""), safe="")

    template = info.get("queryTemplate", "")
    if len(template) > _MAX_CHARS or len(whole) * template.count("$querypart$") > _MAX_CHARS:
        return ""
    # A dollar sign that is left would begin an identifier of the segment's template.
    return _TOKEN.sub(value, template).replace("$", "%24")
