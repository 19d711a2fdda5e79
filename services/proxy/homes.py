"""Which node fetches what: each bucket has a home, and the others ask there, so that an origin sees one reader."""

from __future__ import annotations

from typing import Final

from services.common.errors import Refused, Unavailable
from services.proxy import metrics
from services.proxy.answers import NotMediaError
from services.proxy.blocks import BUCKET_BYTES, object_digest
from services.proxy.ledger import Ledger
from services.proxy.members import Members, Node, ranked
from services.proxy.peers import IS_MANIFEST, NOT_HELD, PeerGoneError, Peers
from services.proxy.ranges import ByteRange
from services.proxy.sources import Source, Sources
from services.proxy.upstream import Answer

# Nodes asked before the origin is asked from here.
MOST_ASKED: Final = 2


class Homes:
    """Opens an object at the node that is home to the bucket, else at the origin."""

    def __init__(self, sources: Sources, members: Members, ledger: Ledger, peers: Peers) -> None:
        self._sources = sources
        self._members = members
        self._ledger = ledger
        self._peers = peers

    async def open(self, source: Source, *, wanted: ByteRange | None = None, if_range: str = "") -> Answer:
        """As `Sources.open`.

        :raises NotMediaError: if it is a manifest, as another node saw.
        """
        live = self._members.live()
        query = source.ticket.query
        if len(live) > 1 and query and not if_range:
            answer = await self._from_node(source, query, live, wanted)
            if answer is not None:
                return answer
        return await self._sources.open(source, wanted=wanted, if_range=if_range)

    async def _from_node(self, source: Source, query: str, live: list[Node], wanted: ByteRange | None) -> Answer | None:
        """What another node has of it; None if the origin shall be asked from here."""
        digest = object_digest(*source.key)
        number = (wanted.first or 0) // BUCKET_BYTES if wanted else 0
        own = self._members.own
        if not source.is_internal:
            for node in ranked(digest, number, live)[:MOST_ASKED]:
                if node.id == own.id:
                    break
                try:
                    return await self._ask(node, query, wanted)
                except PeerGoneError:
                    self._members.lost(node)
                except Unavailable as error:
                    if error.code != "unavailable":
                        raise
                    # It does not know the stream (its Redis is away), or is asked for too much; we are not.
                    break
        claim = await self._ledger.claim(digest, number)
        # Lists differ for a moment when nodes come and go: whoever fetches it already is asked, by who may ask.
        filler = self._members.named(claim.filler) if claim.filler and not source.is_internal else None
        holder = self._members.named(claim.holder) if claim.holder != own.id else None
        for other, is_held_only in ((filler, False), (holder, True)):
            if other is None or other.id == own.id:
                continue
            try:
                return await self._ask(other, query, wanted, is_held_only=is_held_only)
            except PeerGoneError:
                self._members.lost(other)
            except (Refused, Unavailable) as error:
                if not is_held_only and error.code not in ("unavailable", NOT_HELD):
                    raise
        return None

    async def _ask(self, node: Node, query: str, wanted: ByteRange | None, *, is_held_only: bool = False) -> Answer:
        try:
            answer = await self._peers.open(node, query, wanted, is_held_only=is_held_only)
        except Refused as error:
            if error.code == IS_MANIFEST:
                raise NotMediaError from None
            raise
        metrics.PEER_ANSWERS.inc()
        return answer
