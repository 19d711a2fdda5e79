"""Stream URLs are capabilities: `/api/proxy?url=…` with a signature over object, context, kind and expiry.

A client's URL is stable: it names an object and a context, and carries the upstream URL as first seen. What the
upstream URL is today stands in the context (`contexts`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from services.common.errors import Refused
from services.common.keyring import KeyRing

PROXY_PATH: Final = "/api/proxy"
LIFETIME_S: Final = 48 * 3600
# Rounded, so that rewriting one manifest twice gives the same bytes.
_ROUND_S: Final = 3600

# DASH templates (ISO/IEC 23009-1 §5.3.9.4.4): what a player writes in place of each identifier.
_TEMPLATE_TOKEN: Final = re.compile(r"\$(?:(Number|Time|Bandwidth|SubNumber)(%0\d+d)?)?\$")


class Kind(StrEnum):
    """What the proxy expects behind a URL, and so how it answers."""

    MANIFEST = "m"
    # A playlist of sound or words, beside the one that leads.
    RENDITION = "r"
    SEGMENT = "s"
    KEY = "k"
    JSON = "j"
    SUBTITLE = "t"
    # Captions in SubRip's form, handed on as WebVTT.
    SUBRIP = "u"
    IMAGE = "i"


# Kinds whose URLs lead to playlists or MPDs.
MANIFESTS: Final = frozenset({Kind.MANIFEST, Kind.RENDITION})


@dataclass(frozen=True, slots=True)
class StreamRef:
    """A verified stream URL. `expires` is Unix seconds; `context` is '' where no headers belong to the stream."""

    url: str
    kind: Kind
    object_id: str
    context: str
    expires: int


def object_id(*parts: str) -> str:
    """The id of an object: of `extractor, video id, format id`, of a URL, or of (parent object, child URI)."""
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=15).hexdigest()


def context_id(scope: str, page_url: str, format_id: str) -> str:
    """The id of a stream context: resolving the same again writes the same context."""
    return hashlib.blake2b("\n".join((scope, page_url, format_id)).encode(), digest_size=15).hexdigest()


def expiry(now: float) -> int:
    """When a URL signed now stops to work (Unix seconds, rounded up to the hour)."""
    return int(-(-(now + LIFETIME_S) // _ROUND_S) * _ROUND_S)


class StreamSigner:
    """Makes and checks stream URLs (keyed BLAKE2b, 128 bits)."""

    def __init__(self, ring: KeyRing) -> None:
        self._keys = ring.subkeys("stream")

    def path(self, ref: StreamRef) -> str:
        """The root-relative URL of `ref`."""
        signature = _signature(self._keys[0], ref, template="")
        return f"{PROXY_PATH}?url={quote(ref.url, safe='')}{_tail(ref)}&s={signature}"

    def template_path(self, ref: StreamRef) -> str:
        """The URL of a DASH template: `ref.url` holds `$Number$` and the like, which the player replaces.

        The template travels a second time, base64url, inside the signature's cover.
        """
        packed = base64.urlsafe_b64encode(ref.url.encode()).decode().rstrip("=")
        signature = _signature(self._keys[0], ref, template=packed)
        return f"{PROXY_PATH}?url={_quote_template(ref.url)}{_tail(ref)}&t={packed}&s={signature}"

    def seal(self, text: str, context: str, expires: int) -> str:
        """`text` as a parameter that only this installation can have made, for URLs of `context` alone."""
        packed = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return f"{packed}.{expires}.{_seal(self._keys[0], packed, context, expires)}"

    def unseal(self, sealed: str, context: str, now: float) -> str:
        """The text of `seal`.

        :raises Refused: `bad_signature` if it was not made here or for another context; `expired_signature`.
        """
        packed, _, rest = sealed.partition(".")
        expires, _, given = rest.partition(".")
        if not expires.isascii() or not expires.isdecimal() or len(expires) > 12:
            raise Refused("bad_signature", "This stream address is incomplete.")
        if not any(hmac.compare_digest(_seal(key, packed, context, int(expires)), given) for key in self._keys):
            raise Refused("bad_signature", "This stream address was not made here.")
        if int(expires) < now:
            raise Refused("expired_signature", "This stream address has expired: reload the room.")
        return _unpack(packed)

    def verify(self, query: Mapping[str, str], now: float) -> StreamRef:
        """Check a signed URL's parameters (already percent-decoded).

        :raises Refused: `bad_signature` if it was not made by this installation, or the URL is no expansion of its
            template; `expired_signature` if its time is over.
        """
        try:
            ref = StreamRef(query["url"], Kind(query["k"]), query["o"], query.get("c", ""), int(query["e"]))
        except (KeyError, ValueError):
            raise Refused("bad_signature", "This stream address is incomplete.") from None
        template = query.get("t", "")
        signed = ref
        if template:
            shape = _unpack(template)
            if not _expansion(shape).fullmatch(ref.url):
                raise Refused("bad_signature", "This stream address does not fit its template.")
            signed = StreamRef(shape, ref.kind, ref.object_id, ref.context, ref.expires)
        given = query.get("s", "")
        if not any(hmac.compare_digest(_signature(key, signed, template), given) for key in self._keys):
            raise Refused("bad_signature", "This stream address was not made here.")
        if ref.expires < now:
            raise Refused("expired_signature", "This stream address has expired: reload the room.")
        return ref


def _tail(ref: StreamRef) -> str:
    context = f"&c={ref.context}" if ref.context else ""
    return f"&k={ref.kind}&o={ref.object_id}{context}&e={ref.expires}"


def _signature(key: bytes, ref: StreamRef, template: str) -> str:
    message = "\n".join((ref.url, ref.kind, ref.object_id, ref.context, str(ref.expires), template))
    return hashlib.blake2b(message.encode(), digest_size=16, key=key).hexdigest()


def _seal(key: bytes, packed: str, context: str, expires: int) -> str:
    message = "\n".join(("sealed", packed, context, str(expires)))
    return hashlib.blake2b(message.encode(), digest_size=16, key=key).hexdigest()


def _quote_template(url: str) -> str:
    quoted, end = [], 0
    for token in _TEMPLATE_TOKEN.finditer(url):
        quoted += [quote(url[end : token.start()], safe=""), token[0]]
        end = token.end()
    return "".join([*quoted, quote(url[end:], safe="")])


def _unpack(packed: str) -> str:
    try:
        return base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except ValueError:
        raise Refused("bad_signature", "This stream address is incomplete.") from None


def _expansion(template: str) -> re.Pattern[str]:
    pattern, end = [], 0
    for token in _TEMPLATE_TOKEN.finditer(template):
        pattern += [re.escape(template[end : token.start()]), r"\d{1,20}" if token[1] else r"\$"]
        end = token.end()
    return re.compile("".join([*pattern, re.escape(template[end:])]))
