"""What players read out of a manifest: every address that they may fetch from, read as liberally as they read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin, urlsplit

from lxml import etree

from services.common.stream import PROXY_PATH

HERE: Final = "https://us.example/api/proxy"
# hls.js's pattern of an attribute list.
_ATTRIBUTE: Final = re.compile(r'\s*(.+?)\s*=((?:".*?")|.*?)(?:,|$)')
_NAMES: Final = frozenset({"URI", "X-ASSET-URI", "X-ASSET-LIST", "SERVER-URI"})
# Names of schemes, which look like addresses.
_SCHEMES: Final = frozenset({"schemeIdUri", "profiles", "value", "schemaLocation", "noNamespaceSchemaLocation"})


def addresses_of_playlist(text: str) -> Iterator[str]:
    """What hls.js, and players that split lines elsewhere, would ask for."""
    for line in re.split(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text.removeprefix("\ufeff")):
        if not line.startswith("#"):
            if line.strip():
                yield line.strip()
            continue
        if re.match("#EXT-X-[A-Z0-9-]+:", line):
            for match in _ATTRIBUTE.finditer(line.partition(":")[2]):
                value = match[2][1:-1] if match[2][:1] == match[2][-1:] == '"' else match[2]
                if match[1] in _NAMES and value:
                    yield value


def addresses_of_mpd(body: bytes) -> Iterator[str]:
    """Every address in a document, wherever it stands."""
    for element in etree.fromstring(body).iter(etree.Element):
        texts = [value for name, value in element.attrib.items() if etree.QName(name).localname not in _SCHEMES]
        for text in map(str, [*texts, element.text or "", element.tail or ""]):
            if re.match(r"\s*(?:https?:)?//", text, re.IGNORECASE) or PROXY_PATH in text:
                yield text.strip()


def is_foreign(address: str) -> bool:
    """Whether asking for `address` leads to anyone but us."""
    try:
        parts = urlsplit(urljoin(HERE, address))
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.hostname != urlsplit(HERE).hostname
