"""Content steering of HLS (rfc8216bis §7): which pathway to take, and pathways that are copies of others elsewhere.

A player makes a copy's URLs out of those it has, which are ours. So a copy becomes one parameter that it adds to them,
and what that stands for is done here to the upstream's URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from services.common import codec
from services.common.errors import Refused
from services.common.guard import parse_url
from services.common.stream import Kind
from services.proxy.manifest.links import Links

# Parameters of our URLs: which copy, and which of a multivariant playlist's children this is.
CLONE: Final = "clone"
STABLE_ID: Final = "id"
_KEPT: Final = ("VERSION", "TTL", "RELOAD-URI", "PATHWAY-PRIORITY")
_TELLING: Final = ("RELOAD-URI", "PATHWAY-PRIORITY", "PATHWAY-CLONES")
_MAX_CLONES: Final = 50
_MAX_CHARS: Final = 8192


@dataclass(frozen=True, slots=True)
class Clone:
    """What makes a copy of a pathway of it: another host, other parameters, or other URLs by stable id."""

    host: str
    params: Mapping[str, str]
    variants: Mapping[str, str]
    renditions: Mapping[str, str]

    @classmethod
    def of(cls, replacement: Mapping[str, Any]) -> Self:
        """Read a `URI-REPLACEMENT`; what has another form than it should is left out."""
        host = replacement.get("HOST")
        maps = (_strings(replacement.get(name)) for name in ("PARAMS", "PER-VARIANT-URIS", "PER-RENDITION-URIS"))
        return cls(host if isinstance(host, str) else "", *maps)

    @classmethod
    def read(cls, text: str) -> Self:
        """What `text` made."""
        host, params, variants, renditions = codec.decode(text)
        return cls(host, params, variants, renditions)

    @property
    def text(self) -> str:
        """All of it as text, the same for the same."""
        return codec.encode_text([self.host, self.params, self.variants, self.renditions])

    def applied(self, url: str, kind: Kind, stable_id: str) -> str:
        """The copy of `url`.

        :raises Refused: `bad_url`, `refused_target` if that is none.
        """
        other = (self.renditions if kind is Kind.RENDITION else self.variants).get(stable_id)
        parts = urlsplit(url)
        if other is not None:
            made = other
        else:
            port = f":{parts.port}" if parts.port else ""
            kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in self.params]
            query = urlencode([*kept, *self.params.items()]) if self.params else parts.query
            netloc = f"{self.host}{port}" if self.host else parts.netloc
            made = parts._replace(netloc=netloc, query=query, fragment="").geturl()
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        return f"{parse_url(made).url}{fragment}"


def rewrite(document: Mapping[str, Any], links: Links) -> bytes:
    """A steering manifest that leads to us alone."""
    made = {name: document[name] for name in _KEPT if name in document}
    if isinstance(made.get("RELOAD-URI"), str):
        made["RELOAD-URI"] = links.child(made["RELOAD-URI"], Kind.JSON)
    given = document.get("PATHWAY-CLONES")
    clones = [_clone(each, links) for each in given[:_MAX_CLONES]] if isinstance(given, list) else []
    if found := [each for each in clones if each is not None]:
        made["PATHWAY-CLONES"] = found
    return codec.encode(made)


def is_steering(document: object) -> bool:
    """Whether this is a steering manifest."""
    return isinstance(document, dict) and any(name in document for name in _TELLING)


def _clone(given: object, links: Links) -> dict[str, Any] | None:
    if not isinstance(given, dict) or not isinstance(given.get("URI-REPLACEMENT"), dict):
        return None
    text = Clone.of(given["URI-REPLACEMENT"]).text
    if len(text) > _MAX_CHARS:
        return None
    sealed = links.signer.seal(text, links.context, links.expires)
    names = {name: given.get(name) for name in ("BASE-ID", "ID")}
    return {**names, "URI-REPLACEMENT": {"PARAMS": {CLONE: sealed}}}


def replaced(url: str, kind: Kind, text: str, stable_id: str) -> str:
    """As `Clone.applied`, of the clone that `text` was made of.

    :raises Refused: also `bad_url` if `url` is none.
    """
    try:
        return Clone.read(text).applied(url, kind, stable_id)
    except (ValueError, TypeError):
        raise Refused("bad_url", "This pathway leads nowhere.") from None


def _strings(value: object) -> dict[str, str]:
    found = value if isinstance(value, dict) else {}
    return {name: each for name, each in sorted(found.items()) if isinstance(each, str)}
