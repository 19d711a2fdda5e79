"""One connection per replica that receives every hosted room's events.

Our own actor, because redis-py's pub/sub loses messages silently on reconnect, never notices a hung link, must not be
changed while it is read, and costs 10 to 40 times more per message.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from itertools import islice
from typing import Any, Final

import hiredis
import structlog

from services.common.errors import Unavailable
from services.common.link import Link, ask, dial
from services.common.pipe import Lane
from services.common.redis import Whereabouts
from services.common.topology import Address, Topology
from services.sync import metrics

PROBE_EVERY_S: Final = 0.5
# Without our own probe for so long the link is hung: noticed within 2.5 s of the last that came.
DEAF_AFTER_S: Final = 2.5
# A master that is not heard for so long is away; a fail-over is mostly over by then.
AWAY_AFTER_S: Final = 4.0
# How often a Sentinel service's master is asked whether it still is one.
ROLE_EVERY_S: Final = 2.0
_CONNECT_TIMEOUT_S: Final = 1.0
_CONFIRM_TIMEOUT_S: Final = 3.0
_BATCH: Final = 512
# What a server says to HELLO that knows the old protocol alone.
_NO_PUSHES: Final = ("NOPROTO", "ERR unknown command")
# A refused connection; one that timed out has waited already.
_BACKOFF_S: Final = (0.05, 0.1, 0.2, 0.4)

log = structlog.get_logger()


class Subscriber:
    """Holds the desired set of channels and the confirmed one, and makes them equal, also after a reconnect.

    `on_message(channel, data)` is called for every message. `on_restored()` is called after a lost connection is back
    and every channel is confirmed again: what was published meanwhile is lost, so each room must be read anew.
    `probe(channel, took)` publishes on this replica's own channel through every master, and calls `took` with the name
    of each that took it; each message must be the name of its master.

    Where to connect is asked of `whereabouts` each time. When it says that a master was replaced, the connection is
    left at once; a hung one is noticed by the probes that don't come.
    """

    def __init__(
        self,
        topology: Topology,
        whereabouts: Whereabouts,
        probe_channel: str,
        *,
        on_message: Callable[[str, bytes], None],
        on_restored: Callable[[], None],
        probe: Callable[[str, Callable[[str], None]], Awaitable[None]],
        lane: Lane | None = None,
    ) -> None:
        """:param lane: the commands that may go by this connection, too. With a command's answer comes the event that
        it made, and a replica wakes once for both, where waking costs more than what is then done.
        """
        self._topology = topology
        self._whereabouts = whereabouts
        self._probe_channel = probe_channel
        self._probe_bytes = probe_channel.encode()
        self._on_message = on_message
        self._on_restored = on_restored
        self._probe = probe
        self._lane = lane
        self._published: type[list[Any]] = list if lane is None else hiredis.PushNotification
        self._on_answer: Callable[[Any], None] | None = None
        self._desired: set[str] = {probe_channel}
        self._confirmed: set[str] = set()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._all_confirmed = asyncio.Event()
        self._moved = asyncio.Event()
        self._link: Link | None = None
        self._address: Address | None = None
        self._heard_at = float("-inf")
        self._live_since = float("inf")
        # By master: when its last probe came, and since when one that it took has not.
        self._heard: dict[str, float] = {}
        self._unheard: dict[str, float] = {}
        # By master: when its last probe came, whatever became of the connection since.
        self._reached: dict[str, float] = {}
        whereabouts.on_change(self._moved.set)

    @property
    def is_hearing(self) -> bool:
        """Whether this replica's own probe came back lately."""
        return asyncio.get_running_loop().time() - self._heard_at < DEAF_AFTER_S

    def reaches(self, master: str) -> bool:
        """Whether a master is there, or was a moment ago. One that was never asked about counts as there."""
        now = asyncio.get_running_loop().time()
        return now - self._reached.setdefault(master, now) < AWAY_AFTER_S

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
        async with asyncio.TaskGroup() as tasks:
            # Not a task of each connection: redis-py may swallow a cancellation (Python 3.11's `wait_for` does), and
            # leaving a hung connection must not wait for a probe that hangs too.
            tasks.create_task(self._keep_probing())
            if self._topology.kind == "sentinel":
                tasks.create_task(self._keep_to_master())
            await self._keep_linked()

    async def _keep_linked(self) -> None:
        attempt = 0
        first = True
        while True:
            self._moved.clear()
            try:
                async with self._linked() as link:
                    reason = await self._live(link, announce=not first)
                first = first and reason == "unconfirmed"
                metrics.SUBSCRIBER_RECONNECTS.labels(reason).inc()
                log.warning("subscriber_lost", reason=reason)
                if self._all_confirmed.is_set():
                    attempt = 0
                    continue
            except TimeoutError:
                log.warning("subscriber_connect_failed", error="TimeoutError")
                continue
            except (OSError, hiredis.HiredisError) as error:
                log.warning("subscriber_connect_failed", error=type(error).__name__)
            # Nobody listens, or whoever does takes nobody in: too many are there already, or it is but a balancer.
            await asyncio.sleep(_BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)])
            attempt += 1

    @contextlib.asynccontextmanager
    async def _linked(self) -> AsyncIterator[Link]:
        topology = self._topology
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            address = await self._whereabouts.locate()
            if topology.kind == "sentinel" and not await self._is_master(address):
                raise ConnectionError(f"{address} is no master")
            link = await dial(
                address, self._on_reply,
                tls=topology.tls, username=topology.username, password=topology.password,
                has_pushes=self._lane is not None,
            )  # fmt: skip
            self._address = address
        try:
            yield link
        finally:
            self._link = self._on_answer = None
            self._live_since = float("inf")
            link.abort()

    async def _live(self, link: Link, *, announce: bool) -> str:
        """Subscribe, and read until the connection is no good any more. Answers why."""
        self._confirmed.clear()
        self._all_confirmed.clear()
        self._unheard.clear()
        self._heard.clear()
        self._link = link
        if self._lane is not None and self._topology.db:
            # What is published is of every database, what is commanded of one.
            link.send(b"SELECT", str(self._topology.db))
        for batch in _batches(sorted(self._desired), _BATCH):
            link.send(b"SUBSCRIBE", *(channel.encode() for channel in batch))
        if reason := await self._until(link, self._all_confirmed, _CONFIRM_TIMEOUT_S):
            return reason
        if not self._all_confirmed.is_set():
            return "unconfirmed"
        if self._lane is not None:
            self._on_answer = self._lane.use(link)
        if announce:
            self._on_restored()
        return await self._watch(link)

    async def _watch(self, link: Link) -> str:
        loop = asyncio.get_running_loop()
        self._heard_at = self._live_since = loop.time()
        never = asyncio.Event()
        while (left := self._deaf_at() - loop.time()) > 0:
            if reason := await self._until(link, never, left):
                return reason
        return "deaf"

    def _deaf_at(self) -> float:
        """When, as things are, the link counts as hung: no probe at all, or none of a master that took one."""
        return min([self._heard_at, *self._unheard.values()]) + DEAF_AFTER_S

    async def _until(self, link: Link, event: asyncio.Event, timeout_s: float) -> str:
        """Wait for an event. Answers '' when it came or the time is over, else why the link ended."""
        tasks = [asyncio.create_task(each.wait()) for each in (event, self._moved)]
        futures: list[asyncio.Future[Any]] = [*tasks, link.lost]
        try:
            await asyncio.wait(futures, timeout=timeout_s, return_when="FIRST_COMPLETED")
        finally:
            for task in tasks:
                task.cancel()
        if link.lost.done():
            return "closed"
        return "moved" if self._moved.is_set() else ""

    async def _keep_to_master(self) -> None:
        """Leave a master that became a replica without anybody telling us: what it says comes late, or not at all."""
        while True:
            await asyncio.sleep(ROLE_EVERY_S)
            address = self._address
            if self._link is None or address is None:
                continue
            try:
                async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                    is_master = await self._is_master(address)
            except (OSError, TimeoutError, hiredis.HiredisError):
                # Whether it is alive is the probes' business.
                continue
            if not is_master and address == self._address:
                self._moved.set()

    async def _is_master(self, address: Address) -> bool:
        topology = self._topology
        role = await ask(address, b"ROLE", tls=topology.tls, username=topology.username, password=topology.password)
        return bool(role[0] == b"master")

    async def _keep_probing(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                # Beside each other: a master that hangs must not keep the others' probes back.
                tasks.create_task(self._probe_once())
                await asyncio.sleep(PROBE_EVERY_S)

    async def _probe_once(self) -> None:
        sent_at = asyncio.get_running_loop().time()

        def took(master: str) -> None:
            if self._live_since <= sent_at and self._heard.get(master, float("-inf")) < sent_at:
                self._unheard.setdefault(master, sent_at)

        try:
            async with asyncio.timeout(DEAF_AFTER_S):
                await self._probe(self._probe_channel, took)
        except (Unavailable, TimeoutError):
            log.info("probe_failed")

    def _on_reply(self, reply: Any) -> None:
        if type(reply) is self._published:
            if reply[0] == b"message":
                self._on_published(reply[1], reply[2])
            elif reply[0] == b"subscribe":
                self._confirm(reply[1].decode())
        elif self._on_answer is not None:
            self._on_answer(reply)
        elif isinstance(reply, hiredis.ReplyError):
            self._on_refused(str(reply))

    def _on_refused(self, error: str) -> None:
        log.error("subscriber_refused", error=error)
        if error.startswith(_NO_PUSHES):
            # Something between us and Redis: the next connection is for events alone.
            self._lane, self._published = None, list
        if self._link is not None:
            self._link.abort()

    def _on_published(self, channel: bytes, data: bytes) -> None:
        if channel == self._probe_bytes:
            master = data.decode()
            self._heard_at = self._heard[master] = self._reached[master] = asyncio.get_running_loop().time()
            self._unheard.pop(master, None)
        else:
            self._on_message(channel.decode(), data)

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
