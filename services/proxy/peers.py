"""The proxies' door for each other: `/internal/proxy`, with the same signed query, for bytes of one bucket at a time.

A request that came through it is never sent on to a third node.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from services.common.errors import Refused, Unavailable, WatchTogetherError
from services.common.guard import parse_url
from services.common.keyring import KeyRing
from services.proxy.members import Node
from services.proxy.ranges import ByteRange
from services.proxy.sources import ABSENT
from services.proxy.tickets import HELD_ONLY
from services.proxy.upstream import Answer, Timeouts, Upstream

PATH: Final = "/internal/proxy"
PING_PATH: Final = "/internal/proxy/ping"
SEAL: Final = "x-watch-together-peer"
CODE: Final = "x-watch-together-code"
# What the answer to a request for what turned out to be a manifest is called.
IS_MANIFEST: Final = "is_manifest"
NOT_HELD: Final = "not_held"
# What a node finds out about an object, and does not only think of the request.
_FOUND_OUT: Final = frozenset({"not_found", IS_MANIFEST, NOT_HELD})
TIMEOUTS: Final = Timeouts(connect_s=0.5, first_byte_s=45.0, chunk_s=5.0)
# While a node is silent it is asked so often whether it lives.
LOOK_S: Final = 1.0
SKEW_S: Final = 300.0


class PeerGoneError(Exception):
    """A node does not answer, or not as one of ours."""


class Seals:
    """Proof that a request comes from a node of this installation. What it covers is read, never changed."""

    def __init__(self, ring: KeyRing) -> None:
        self._keys = ring.subkeys("peer")

    def make(self, query: str, wanted: str, now: float) -> str:
        """The seal of a request for `query` with Range `wanted`."""
        return f"{int(now)}.{_mac(self._keys[0], int(now), query, wanted)}"

    def check(self, seal: str, query: str, wanted: str, now: float) -> None:
        """:raises Refused: `bad_signature`."""
        at, _, mac = seal.partition(".")
        is_timely = at.isdecimal() and len(at) < 12 and abs(int(at) - now) <= SKEW_S
        if not is_timely or not any(hmac.compare_digest(_mac(key, int(at), query, wanted), mac) for key in self._keys):
            raise Refused("bad_signature", "This door is for other proxies.")


class Peers:
    """Asks other nodes."""

    def __init__(self, seals: Seals, link: Upstream, wall: Callable[[], float]) -> None:
        self._seals = seals
        self._link = link
        self._wall = wall

    async def open(self, node: Node, query: str, wanted: ByteRange | None, *, is_held_only: bool = False) -> Answer:
        """What `node` has, or fetches, of an object.

        :param is_held_only: it shall not fetch anything.
        :raises PeerGoneError: if it does not answer: then somebody else may be asked.
        :raises WatchTogetherError: what went wrong there, as if it had happened here.
        """
        mode = HELD_ONLY.decode() if is_held_only else ""
        value = wanted.header if wanted else ""
        try:
            target = parse_url(f"http://{node.address}{PATH}?{query}{mode}")
        except Refused:
            # Too long with this in front of it.
            raise PeerGoneError from None
        sent = target.path_and_query.partition("?")[2]
        headers = {SEAL: self._seals.make(sent, value, self._wall())}
        if value:
            headers["Range"] = value
        opening = asyncio.create_task(self._link.open(target, headers))
        try:
            while not (await asyncio.wait({opening}, timeout=LOOK_S))[0]:
                if not await self._is_there(node):
                    raise PeerGoneError
            answer = opening.result()
        except WatchTogetherError:
            raise PeerGoneError from None
        finally:
            if not opening.done():
                opening.cancel()
                await asyncio.gather(opening, return_exceptions=True)
        code = answer.headers.get(CODE, "")
        if answer.status in (200, 206, 416) and not code:
            return _PeerAnswer(answer)
        answer.release()
        if not code or code == "bad_signature":
            # With another secret, as while secrets are being changed, or another clock, it is none of ours for now.
            raise PeerGoneError
        if code in _FOUND_OUT:
            raise Refused(code, ABSENT)
        if answer.status < 500:
            # It has forgotten the stream, its clock is fast, or its settings are others: ours say what we may do.
            raise Unavailable("unavailable", "The other node would not fetch this.")
        raise Unavailable(code, "The source can't be read.")

    async def _is_there(self, node: Node) -> bool:
        with contextlib.suppress(WatchTogetherError, TimeoutError):
            async with asyncio.timeout(LOOK_S):
                answer = await self._link.open(parse_url(f"http://{node.address}{PING_PATH}"), {})
                answer.release()
                return answer.status == 204
        return False


class _PeerAnswer:
    """A node's answer, marked as such."""

    via = "PEER"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self.target = answer.target

    def chunks(self) -> AsyncIterator[bytes]:
        return self._answer.chunks()

    def release(self) -> None:
        self._answer.release()


def _mac(key: bytes, at: int, query: str, wanted: str) -> str:
    return hashlib.blake2b(f"{at}\n{query}\n{wanted}".encode(), digest_size=16, key=key).hexdigest()
