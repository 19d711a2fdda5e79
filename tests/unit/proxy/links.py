"""Children of rewritten manifests, read back as the proxy reads them."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from services.common.keyring import KeyRing
from services.common.stream import PROXY_PATH, StreamRef, StreamSigner
from services.proxy.manifest.links import Links

SIGNER = StreamSigner(KeyRing(("a secret of unit tests",)))
EXPIRES = 2_000_000_000


def links(base: str = "https://cdn.example/a/b/main.m3u8?token=1", parent: str = "parent") -> Links:
    return Links(SIGNER, base, parent, "ctx", EXPIRES)


def ref(path: str, **values: str) -> StreamRef:
    """What the proxy makes of a child's URL; `values` stand for what a player writes into a template.

    :raises Refused: if it is not signed well.
    """
    for name, value in values.items():
        path = path.replace(f"${name}$", value)
    parts = urlsplit(path)
    assert parts.path == PROXY_PATH
    return SIGNER.verify(dict(parse_qsl(parts.query)), EXPIRES - 1)
