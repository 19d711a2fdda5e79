"""One connection per replica that receives every hosted room's events.

Our own actor, because redis-py's pub/sub loses messages silently on reconnect, never notices a hung link, must not be
changed while it is read, and costs 10 to 40 times more per message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Any, Final, cast

import hiredis
import structlog
from redis.asyncio.connection import parse_url

from services.common.errors import Unavailable
from services.sync import metrics

PROBE_EVERY_S: Final = 1.0
DEAF_AFTER_S: Final = 3.0
_CONNECT_TIMEOUT_S: Final = 2.0
_CONFIRM_TIMEOUT_S: Final = 3.0
_BATCH: Final = 512
_BACKOFF_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0)

log = structlog.get_logger()


class _Link(asyncio.Protocol):
    """Bytes to replies; replies to `on_reply`."""

    def __init__(self, on_reply: Callable[[Any], None]) -> None:
        self._reader = hiredis.Reader()
        self._on_reply = on_reply
        self.transport: asyncio.Transport | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            self._on_reply(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    def send(self, *command: bytes) -> None:
        if self.transport is not None:
            self.transport.write(hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub says 1-tuple


class Subscriber:
    """Holds the desired set of channels and the confirmed one, and makes them equal, also after a reconnect.

    `on_message(channel, data)` is called for every message. `on_restored()` is called after a lost connection is back
    and every channel is confirmed again: what was published meanwhile is lost, so each room must be read anew.
    `probe(channel)` publishes one message to this replica's own channel by another connection.
    """

    def __init__(
        self,
        url: str,
        probe_channel: str,
        *,
        on_message: Callable[[str, bytes], None],
        on_restored: Callable[[], None],
        probe: Callable[[str], Awaitable[object]],
    ) -> None:
        self._url = url
        self._probe_channel = probe_channel
        self._on_message = on_message
        self._on_restored = on_restored
        self._probe = probe
        self._desired: set[str] = {probe_channel}
        self._confirmed: set[str] = set()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._all_confirmed = asyncio.Event()
        self._link: _Link | None = None
        self._heard_at = 0.0

    @property
    def is_hearing(self) -> bool:
        """Whether this replica's own probe came back lately."""
        return asyncio.get_running_loop().time() - self._heard_at < DEAF_AFTER_S

    async def subscribe(self, channel: str) -> None:
        """Return when Redis has confirmed the channel: from then on no message is missed.

        :raises Unavailable: if that takes more than three seconds; the channel stays desired.
        """
        self._desired.add(channel)
        if channel in self._confirmed:
            return
        confirmed = self._waiting.get(channel)
        if confirmed is None:
            confirmed = self._waiting[channel] = asyncio.get_running_loop().create_future()
            if self._link is not None:
                self._link.send(b"SUBSCRIBE", channel.encode())
        try:
            async with asyncio.timeout(_CONFIRM_TIMEOUT_S):
                await asyncio.shield(confirmed)
        except TimeoutError:
            raise Unavailable("unavailable", "The room's events can't be had now.", retry_after_ms=1000) from None

    def unsubscribe(self, channel: str) -> None:
        """Stop receiving the channel."""
        self._desired.discard(channel)
        self._confirmed.discard(channel)
        self._waiting.pop(channel, None)
        if self._link is not None:
            self._link.send(b"UNSUBSCRIBE", channel.encode())

    async def run(self) -> None:
        """Keep one live connection until cancelled."""
        attempt = 0
        first = True
        while True:
            try:
                async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                    link = await self._connect()
            except (OSError, TimeoutError, hiredis.HiredisError) as error:
                log.warning("subscriber_connect_failed", error=type(error).__name__)
                await asyncio.sleep(_BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)])
                attempt += 1
                continue
            attempt = 0
            reason = await self._live(link, announce=not first)
            first = False
            metrics.SUBSCRIBER_RECONNECTS.labels(reason).inc()
            log.warning("subscriber_lost", reason=reason)

    async def _connect(self) -> _Link:
        loop = asyncio.get_running_loop()
        where = parse_url(self._url)
        if "path" in where:
            _, link = await loop.create_unix_connection(lambda: _Link(self._on_reply), where["path"])
        else:
            is_tls = self._url.startswith("rediss")
            host, port = where.get("host", "localhost"), where.get("port", 6379)
            _, link = await loop.create_connection(lambda: _Link(self._on_reply), host, port, ssl=is_tls or None)
        if where.get("password"):
            user = [where["username"].encode()] if where.get("username") else []
            link.send(b"AUTH", *user, where["password"].encode())
        return link

    async def _live(self, link: _Link, *, announce: bool) -> str:
        loop = asyncio.get_running_loop()
        self._confirmed.clear()
        self._all_confirmed.clear()
        self._link = link
        self._heard_at = loop.time()
        for batch in _batches(sorted(self._desired), _BATCH):
            link.send(b"SUBSCRIBE", *(channel.encode() for channel in batch))
        try:
            if announce:
                restored = asyncio.ensure_future(self._all_confirmed.wait())
                await asyncio.wait((restored, link.lost), timeout=_CONFIRM_TIMEOUT_S, return_when="FIRST_COMPLETED")
                if not restored.done():
                    restored.cancel()
                    return "unconfirmed"
                self._on_restored()
            return await self._watch(link)
        finally:
            self._link = None
            if link.transport is not None:
                link.transport.abort()

    async def _watch(self, link: _Link) -> str:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            prober = tasks.create_task(self._keep_probing())
            try:
                while not link.lost.done():
                    await asyncio.wait((link.lost,), timeout=PROBE_EVERY_S / 2)
                    if loop.time() - self._heard_at > DEAF_AFTER_S:
                        return "deaf"
                return "closed"
            finally:
                prober.cancel()

    async def _keep_probing(self) -> None:
        while True:
            try:
                await self._probe(self._probe_channel)
            except Unavailable:
                log.info("probe_failed")
            await asyncio.sleep(PROBE_EVERY_S)

    def _on_reply(self, reply: Any) -> None:
        match reply:
            case [b"message", channel, data]:
                if channel == self._probe_channel.encode():
                    self._heard_at = asyncio.get_running_loop().time()
                else:
                    self._on_message(channel.decode(), data)
            case [b"subscribe", channel, _]:
                self._confirm(channel.decode())
            case hiredis.ReplyError():
                log.error("subscriber_refused", error=str(reply))
                if self._link is not None and self._link.transport is not None:
                    self._link.transport.abort()
            case _:
                pass

    def _confirm(self, channel: str) -> None:
        if channel in self._desired:
            self._confirmed.add(channel)
        waiting = self._waiting.pop(channel, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        if self._desired <= self._confirmed:
            self._all_confirmed.set()


def _batches(channels: Iterable[str], size: int) -> Iterable[list[str]]:
    rest = iter(channels)
    while batch := list(islice(rest, size)):
        yield batch
