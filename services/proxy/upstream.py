"""HTTP to the outside, with the guard inside the connector.

The only module that names aiohttp, beside `connector`. It is used directly rather than under httpx's API, which parses
a URL twice more and sends other bytes than were asked for (`%7E` becomes `~`): that breaks the signed paths of CDNs. It
would also cost three times the processor time for small objects.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from services.common.errors import Unavailable
from services.common.guard import Guard, Target, parse_url
from services.common.tunnel import EgressProxy
from services.proxy import metrics
from services.proxy.connector import Gatekeeper, make_connector

MAX_REDIRECTS: Final = 3
HOP_HEADER: Final = "x-watch-together-hop"

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# Never sent where a redirect leads away from the host they were meant for.
_PERSONAL: Final = frozenset({"cookie", "authorization", "referer", "origin"})


# The cookies to send to a target, as one header's value; '' for none.
Jar = Callable[[Target], str]


class Answer(Protocol):
    """The head of an upstream's answer, its body still to be read. Whoever holds it releases it."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in any case; of repeated ones the first."""

    @property
    def target(self) -> Target:
        """Where the answer came from, after redirects."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes.

        :raises Unavailable: `upstream_failed` if it ends early, `upstream_late` if it stalls.
        """

    def release(self) -> None:
        """Give the connection back if the body was read, else close it at once. Harmless when done already."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds: to connect, to the first byte of an answer, between two pieces of its body."""

    connect_s: float = 5.0
    first_byte_s: float = 10.0
    chunk_s: float = 15.0


class Upstream:
    """Fetches what the guard lets through. `start` before use, `close` at the end."""

    def __init__(
        self,
        guard: Guard | None,
        timeouts: Timeouts = Timeouts(),
        *,
        connections: int = 1024,
        per_host: int = 256,
        egress: EgressProxy | None = None,
    ) -> None:
        """:param guard: None for the one place where addresses are known: between nodes of one installation.

        :param egress: what everything goes through, if anything.
        """
        self._keeper = Gatekeeper(guard) if guard else None
        self._egress = egress
        self._timeouts = timeouts
        self._connections = connections
        self._per_host = per_host
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the connection pool in the running loop."""
        connector = make_connector(self._keeper, self._egress, connections=self._connections, per_host=self._per_host)
        timeouts = self._timeouts
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("User-Agent",),
            timeout=aiohttp.ClientTimeout(
                total=None, connect=timeouts.connect_s, sock_connect=timeouts.connect_s, sock_read=None
            ),
            max_line_size=32_768,
            max_field_size=32_768,
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def open(
        self,
        target: Target,
        headers: Mapping[str, str],
        *,
        method: str = "GET",
        gate: Callable[[Target], None] = lambda target: None,
        jar: Jar = lambda target: "",
        first_byte_s: float | None = None,
    ) -> Answer:
        """Send a request and follow at most three redirects; each hop passes `gate` and the guard.

        :param jar: the cookies for a target, '' for none: asked anew at each redirect, as a browser does.
        :raises Refused: `private_address`, or what `gate` raises.
        :raises Unavailable: `upstream_failed`, `upstream_late`; `unavailable` where no connection became free.
        """
        sent = {name: value for name, value in headers.items() if name.lower() != "accept-encoding"}
        sent |= {"Accept-Encoding": "identity", HOP_HEADER: "1"}
        for _ in range(MAX_REDIRECTS + 1):
            gate(target)
            answer = await self._send(target, sent, method, first_byte_s or self._timeouts.first_byte_s)
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or not location:
                return answer
            answer.release()
            there = _redirected(target, location)
            sent = _onward(sent, target, there, jar)
            target = there
        raise Unavailable("upstream_failed", "The source redirects too often.")

    async def _send(self, target: Target, headers: Mapping[str, str], method: str, first_byte_s: float) -> _Answer:
        if self._session is None:
            raise RuntimeError("the upstream was not started")
        # aiohttp asks no resolver about a literal address.
        if self._keeper is not None:
            self._keeper.guard.check_literal(target.host, target.port)
            if self._keeper.guard.is_allowed(target.host, target.port):
                self._keeper.approve(target.host, target.port)
        with _mapped():
            async with asyncio.timeout(self._timeouts.connect_s + first_byte_s):
                response = await self._session.request(
                    method, URL(target.url, encoded=True), headers=headers, allow_redirects=False
                )
        metrics.UPSTREAM_ANSWERS.labels(f"{response.status // 100}xx").inc()
        return _Answer(response, target, self._timeouts.chunk_s)


async def read_body(answer: Answer, limit: int) -> bytes | None:
    """The whole body, gzip and deflate undone; None if it is longer than `limit`. Releases nothing.

    :raises Unavailable: as `Answer.chunks`, or `upstream_failed` for an encoding that was not asked for.
    """
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise Unavailable("upstream_failed", "The source answers in an encoding that was not asked for.")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32) if encoding not in ("identity", "") else None
    body = bytearray()
    async for chunk in answer.chunks():
        try:
            body += inflate.decompress(chunk, limit + 1 - len(body)) if inflate else chunk
        except zlib.error:
            raise Unavailable("upstream_failed", "The source sends a broken body.") from None
        if len(body) > limit:
            return None
    return bytes(body)


class _Answer:
    """An aiohttp response behind `Answer`."""

    def __init__(self, response: aiohttp.ClientResponse, target: Target, chunk_s: float) -> None:
        self._response = response
        self._chunk_s = chunk_s
        self.status = response.status
        self.headers: Mapping[str, str] = MappingProxyType(response.headers)
        self.target = target

    async def chunks(self) -> AsyncIterator[bytes]:
        # Timed here and not by aiohttp's `sock_read`: where the end of a body was held back by a slow reader, its timer
        # starts once more when that reader goes on, on a connection that lies in the pool by then, and fails whoever
        # takes it from there (aiohttp 3.14.5, `ResponseHandler.resume_reading`).
        content = self._response.content
        with _mapped():
            while True:
                async with asyncio.timeout(self._chunk_s):
                    chunk = await content.readany()
                if not chunk:
                    return
                metrics.UPSTREAM_BYTES.inc(len(chunk))
                yield chunk

    def release(self) -> None:
        self._response.close()


def _onward(sent: Mapping[str, str], here: Target, there: Target, jar: Jar) -> dict[str, str]:
    """The headers for the next hop of a redirect. What was meant for one host stays with it; cookies go where their
    domain, path, expiry and `Secure` allow it.
    """
    before, after = jar(here), jar(there)
    is_same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    dropped = _PERSONAL if not is_same else frozenset({"cookie"}) if before or after else frozenset()
    kept = {name: value for name, value in sent.items() if name.lower() not in dropped}
    return {**kept, "Cookie": after} if after else kept


def _redirected(target: Target, location: str) -> Target:
    try:
        return parse_url(urljoin(target.url, location.strip().replace(" ", "%20")))
    except ValueError:
        raise Unavailable("upstream_failed", "The source redirects to a malformed address.") from None


@contextlib.contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise Unavailable("upstream_late", "The source does not answer in time.") from error
    except TimeoutError as error:
        raise Unavailable("upstream_late", "The source does not answer in time.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Unavailable("upstream_failed", "The source can't be reached or breaks off.") from error
