"""What a request to `/api/proxy` asks for, before anything is fetched: a signed stream, or an open URL."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from services.common.errors import Refused
from services.common.stream import MANIFESTS, Kind, StreamSigner, expiry, object_id
from services.proxy.manifest.links import BASE_MARK, EDGE_MARK, ROOT_MARK
from services.proxy.manifest.steering import CLONE, STABLE_ID, replaced

OPEN_SCOPE: Final = "open"
# Ends the query of a node that wants what another one has, and nothing fetched.
HELD_ONLY: Final = b"&held=1"

# Players add these to the URL of a playlist for the origin (RFC 8216bis §6.2.5).
_DIRECTIVE_PREFIX: Final = "_HLS_"
_SIGNED: Final = frozenset({"s", "k", "o", "c", "e", "t"})
_MAX_QUERY_BYTES: Final = 32_768
_MAX_REMEMBERED: Final = 4096
_MAX_REMEMBERED_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Ticket:
    """`kind` is None where nobody said what to expect; `expires` (Unix seconds) bounds the children of a manifest.

    `directives` is a query that a player adds for the origin. `wants_index`: not the bytes are asked for, but where the
    pieces lie in them.
    """

    url: str
    kind: Kind | None
    object_id: str
    context: str
    expires: int
    directives: str
    is_signed: bool
    wants_index: bool = False
    # The query as it came: what another node is asked with.
    query: str = ""
    # The DASH template that `url` was made of, as it travels; '' for none, and where the next may not be there yet.
    template: str = ""

    @property
    def cached_as(self) -> str:
        """The object's name in caches: what differs in directives differs in bytes."""
        return f"{self.object_id}?{self.directives}" if self.directives else self.object_id

    @property
    def inherited(self) -> str:
        """What a manifest hands its children, in the fragment of their URLs."""
        return urlsplit(self.url).fragment

    @property
    def imports(self) -> dict[str, str]:
        """Variables that a multivariant playlist hands its children."""
        return dict(parse_qsl(self.inherited, keep_blank_values=True))

    @property
    def family(self) -> str:
        """The object that the children of this manifest belong to: itself, unless it is where another has moved."""
        return self._marks.get(ROOT_MARK, self.object_id)

    @property
    def base(self) -> str:
        """What the children of this manifest are relative to, where that is not its own URL."""
        return self._marks.get(BASE_MARK, "")

    @property
    def _marks(self) -> dict[str, str]:
        # Whoever could write these would name other people's objects.
        return self.imports if self.is_signed else {}


class Tickets:
    """Signed queries that were read before: a room's members ask for the same ones."""

    def __init__(self, signer: StreamSigner) -> None:
        self._signer = signer
        self._read: OrderedDict[bytes, Ticket] = OrderedDict()

    def read(self, query: bytes, now: float) -> Ticket:
        """As `read_ticket`, without its 20 µs where the query is known."""
        known = self._read.get(query)
        if known is not None and known.expires >= now:
            return known
        ticket = read_ticket(query, self._signer, now)
        if ticket.is_signed and len(query) <= _MAX_REMEMBERED_BYTES:
            self._read[query] = ticket
            if len(self._read) > _MAX_REMEMBERED:
                self._read.popitem(last=False)
        return ticket


def read_ticket(query: bytes, signer: StreamSigner, now: float) -> Ticket:
    """Read the query of a request. Whether an unsigned URL may be fetched is for others to say.

    :raises Refused: `bad_url` if there is no URL; `bad_signature`, `expired_signature`.
    """
    if len(query) > _MAX_QUERY_BYTES:
        raise Refused("bad_url", "This link is empty or too long.")
    # What only nodes say to each other a client's address can't say for them.
    while query.endswith(HELD_ONLY):
        query = query.removesuffix(HELD_ONLY)
    try:
        given = dict(parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=32))
    except ValueError:
        raise Refused("bad_url", "This query is malformed.") from None
    directives = "&".join(
        f"{name}={quote(given[name], safe='')}" for name in sorted(given) if name.startswith(_DIRECTIVE_PREFIX)
    )
    wants_index = given.get("view") == "index"
    if _SIGNED & given.keys():
        ref = signer.verify(given, now)
        # All segments of a DASH template carry the template's object: here each becomes one of its own.
        template, text = given.get("t", ""), query.decode("ascii")
        url, identity = ref.url, object_id(ref.object_id, ref.url) if template else ref.object_id
        if given.get(CLONE) and ref.kind in MANIFESTS:
            clone = signer.unseal(given[CLONE], ref.context, now)
            url = replaced(url, ref.kind, clone, given.get(STABLE_ID, ""))
            identity = object_id(identity, clone)
        ahead = "" if EDGE_MARK in given else template
        return Ticket(url, ref.kind, identity, ref.context, ref.expires, directives, True, wants_index, text, ahead)
    url = given.get("url", "")
    if not url:
        raise Refused("bad_url", "The parameter url is missing.")
    return Ticket(url, None, object_id(url), "", expiry(now), directives, False, wants_index, query.decode("ascii"))
