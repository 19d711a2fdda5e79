"""JSON that belongs to playlists: asset lists of interstitials (rfc8216bis, appendix D), steering manifests."""

from __future__ import annotations

from services.common import codec
from services.common.stream import Kind
from services.proxy.manifest import steering
from services.proxy.manifest.links import Links

MIME_TYPE = "application/json"


def rewrite(body: bytes, links: Links) -> bytes | None:
    """`body` with the URIs in it rewritten; None if it is neither."""
    try:
        document = codec.decode(body)
    except codec.MalformedError:
        return None
    if steering.is_steering(document):
        return steering.rewrite(document, links)
    if not isinstance(document, dict) or not isinstance(document.get("ASSETS"), list):
        return None
    for asset in document["ASSETS"]:
        if isinstance(asset, dict) and isinstance(asset.get("URI"), str):
            asset["URI"] = links.child(asset["URI"], Kind.MANIFEST)
    return codec.encode(document)
