"""A scripted viewer: a member that keeps the rules of PROTOCOL.md, on a clock and a player of its own.

It stays in its room over lost connections and dead replicas until it is told to leave, and keeps what is needed to say
afterwards whether the server kept its promises (`tests.support.invariants`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

from websockets.exceptions import WebSocketException

from tests.support.member import Member
from tests.support.outbox import Command, CommandBox
from tests.support.picture import Picture
from tests.support.player import Player
from tests.support.timepiece import RoomTime, Timepiece
from tests.support.waiting import until

BACKOFF_BASE_S: Final = 0.25
BACKOFF_CAP_S: Final = 10.0
CONNECT_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 2.0
RESYNC_AGAIN_S: Final = 2.0
QUICK_SAMPLES: Final = 5
QUICK_S: Final = 0.3
SAMPLE_S: Final = 15.0
STATUS_S: Final = 5.0
# No stamp that waited longer than this is still written.
LATE_S: Final = 12.0
TICK_S: Final = 0.05
# Close codes from here on say: do not come back by yourself.
FINAL_CODES: Final = 4500


class _Line(Member):
    """One connection of a viewer, which takes its messages."""

    def __init__(self, viewer: Viewer, address: str, headers: dict[str, str]) -> None:
        super().__init__(address, viewer.room, viewer.name, headers=headers)
        self._viewer = viewer

    async def take(self, message: dict[str, Any]) -> None:
        await self._viewer.take(self, message)


class Viewer:
    """Use it as a context manager; leaving closes its tab.

    `addresses` are base URLs to try in turn; one connection at a time. `silence_s`: after so long without a frame the
    line is dead. `seed` makes its choices repeatable.
    """

    _numbers = itertools.count(1)

    def __init__(
        self,
        addresses: Sequence[str],
        room: str,
        name: str = "Ana",
        *,
        clock: Timepiece | None = None,
        player: Player | None = None,
        silence_s: float = 12.0,
        seed: int = 0,
        cookie: str = "",
    ) -> None:
        self.addresses = list(addresses)
        self.room = room
        self.name = name
        self.clock = clock or Timepiece()
        self.time = RoomTime()
        self.player = player or Player()
        self.picture = Picture()
        self.box = CommandBox()
        self.cookie = cookie
        self.id = ""
        self.close_code: int | None = None
        self.connects = 0
        # When it was in the room and heard it: from and to, Unix seconds.
        self.stays: list[tuple[float, float]] = []
        self.resyncs = 0
        self.errors: list[str] = []
        self.notices: list[dict[str, Any]] = []
        self.is_hidden = False
        self._silence_s = silence_s
        self._random = random.Random(f"{seed}-{name}")
        self._line: _Line | None = None
        self._is_joined = False
        self._resync_at: float | None = None
        self._attempt = 0
        self._come_back_s: float | None = None
        self._heard_at = 0.0
        self._sample_at = 0.0
        self._samples = 0
        self._status_at = 0.0
        self._awake = asyncio.Event()
        self._awake.set()
        self._tasks: list[asyncio.Task[None]] = []
        self._prefix = f"{name}-{next(self._numbers)}-{seed}"
        self._commands = itertools.count(1)

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._stay()), asyncio.create_task(self._tend())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    @property
    def is_live(self) -> bool:
        """Whether it is connected and has the whole room."""
        return self._line is not None and self._is_joined and self._resync_at is None

    def room_now(self) -> float:
        """The room's clock as this viewer knows it, Unix seconds."""
        return self.time.at(self.clock.now())

    def away_s(self, at: float) -> float:
        """For how long it had heard nothing of the room at a time (Unix seconds)."""
        return at - max((min(until, at) for since, until in self.stays if since <= at), default=at)

    def off_by_s(self) -> float:
        """How far ahead of the room the picture on the screen is, seconds."""
        return self.player.position(self.clock.now()) - self.picture.position_at(self.room_now())

    async def joined(self, timeout_s: float = 15.0) -> Self:
        """Wait until it is live and knows the room's clock."""
        await until(lambda: self.is_live and self.time.is_known, timeout_s, f"{self.name} did not get in")
        return self

    def command(self, kind: str, **fields: Any) -> Command:
        """Make a command; it is sent now or when the line is back, once."""
        command = Command(f"{self._prefix}-{next(self._commands)}", kind, fields, self.clock.now())
        self.box.add(command)
        return command

    async def ask(self, kind: str, *, timeout_s: float = 15.0, **fields: Any) -> Command:
        """Make a command and wait for its fate."""
        command = self.command(kind, **fields)
        await until(lambda: command in self.box.done, timeout_s, f"{kind} of {self.name} was not answered")
        return command

    async def say(self, kind: str, **fields: Any) -> None:
        """Send what is worth nothing later."""
        if self._line is not None:
            with contextlib.suppress(WebSocketException, OSError):
                await self._line.send(kind, **fields)

    async def hide(self, is_hidden: bool = True) -> None:
        """Put the tab into the background, or back."""
        self.is_hidden = is_hidden
        await self.say("status", state="hidden" if is_hidden else "ready")
        if not is_hidden:
            await self._resync()

    def sleep(self) -> None:
        """Close the laptop: nothing is read, sent or answered."""
        self._awake.clear()

    def wake(self, slept_s: float = 0.0) -> None:
        """Open it again; its clock says that `slept_s` more have passed than did."""
        self.clock.sleep(slept_s)
        self.time.flush()
        self._sample_soon()
        self._awake.set()

    def drop(self) -> None:
        """Lose the connection without a word. It comes back by itself."""
        if self._line is not None:
            self._line.abort()

    async def leave(self, *, says_goodbye: bool = True) -> None:
        """Leave for good: by closing the tab, or by vanishing."""
        line, self._line = self._line, None
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
        if line is not None:
            if not says_goodbye:
                line.abort()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await line.__aexit__(None, None, None)
            line.abort()

    async def _stay(self) -> None:
        addresses = self.addresses[:]
        self._random.shuffle(addresses)
        for address in itertools.cycle(addresses):
            await self._visit(address)
            if self.close_code is not None and self.close_code >= FINAL_CODES:
                return
            ceiling = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(self._attempt, 16))
            wait_s = self._random.uniform(0, ceiling) if self._come_back_s is None else self._come_back_s
            self._come_back_s = None
            self._attempt += 1
            await asyncio.sleep(wait_s)

    async def _visit(self, address: str) -> None:
        """One connection, from handshake to end."""
        line = _Line(self, address, {"Cookie": self.cookie} if self.cookie else {})
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await line.__aenter__()
        except (OSError, WebSocketException, EOFError, TimeoutError):
            return
        self.cookie = self.cookie or line.cookie
        self._line, self._is_joined, self._resync_at = line, False, None
        self._heard_at = self.clock.now()
        self.connects += 1
        try:
            self.close_code = await line.closed(timeout_s=1e9)
        finally:
            if self._line is line:
                self._line = None
                line.abort()

    async def _tend(self) -> None:
        """What is due by the clock."""
        while True:
            await asyncio.sleep(TICK_S)
            await self._awake.wait()
            now = self.clock.now()
            self.box.expire(now)
            if self._line is None:
                continue
            if now - self._heard_at > self._silence_s:
                self._line.abort()
                continue
            if self._resync_at is not None and now - self._resync_at > RESYNC_AGAIN_S:
                await self._resync()
            if self._is_joined:
                await self._send_due(now)

    async def _send_due(self, now: float) -> None:
        for command in self.box.due(now):
            await self.say(command.kind, **{k: v for k, v in command.message().items() if k != "type"})
        if now >= self._sample_at:
            self._samples += 1
            self._sample_at = now + (QUICK_S if self._samples < QUICK_SAMPLES else SAMPLE_S)
            await self.say("clock", client_time=self.clock.now())
        if now >= self._status_at and self.time.is_known and not self.is_hidden:
            self._status_at = now + STATUS_S
            state = "buffering" if self.player.is_stalled(now) else "ready"
            position = max(0.0, self.player.position(now))
            await self.say("status", state=state, position=position, rtt=min(60.0, 2 * self.time.error_s))

    async def take(self, line: _Line, message: dict[str, Any]) -> None:
        """Take a message that came on a connection."""
        await self._awake.wait()
        if line is not self._line:
            return
        try:
            await self._take(line, message)
        except (KeyError, TypeError, ValueError) as error:
            self.picture.faults.append(f"unreadable: {error!r} in {message}")

    async def _take(self, line: _Line, message: dict[str, Any]) -> None:
        now = self._heard_at = self.clock.now()
        if self._is_joined:
            self.stays[-1] = (self.stays[-1][0], time.time())
        match message["type"]:
            case "ping":
                await line.send("pong")
            case "clock":
                self.time.add(message["client_time"], message["server_time"], now)
            case "goodbye":
                self._come_back_s = message["retry_after_ms"] / 1000
            case "ack":
                self.box.settle(message["id"], message["version"], now)
            case "error":
                self._refused(message, now)
            case "room_state":
                self._state(message, now)
            case _ if "version" in message:
                await self._event(message)
            case _:
                self.notices.append(message)

    def _refused(self, message: dict[str, Any], now: float) -> None:
        if message.get("id") is None:
            self.errors.append(message["code"])
        else:
            self.box.refuse(message["id"], message["code"], (message.get("retry_after_ms") or 500) / 1000, now)

    def _state(self, state: dict[str, Any], now: float) -> None:
        is_new_run = self.picture.run not in ("", state["run"])
        is_first = not self._is_joined
        self._look_at_stamp(state["server_time"])
        self.id = state["you"]["id"]
        self.picture.snapshot(state)
        self._is_joined, self._resync_at, self._attempt = True, None, 0
        if is_new_run:
            self.box.reopen(state["version"], now)
            self.time.flush()
        if is_first:
            self.stays.append((time.time(), time.time()))
            self.box.renew()
        if is_first or is_new_run:
            self._sample_soon()
        self._follow()

    async def _event(self, message: dict[str, Any]) -> None:
        if not self.is_live:
            return
        is_beat = message["type"] == "heartbeat"
        if is_beat:
            self._look_at_stamp(message["server_time"])
        verdict = self.picture.heartbeat(message) if is_beat else self.picture.event(message)
        if verdict == "gap":
            await self._resync()
        elif verdict == "applied":
            self._follow()

    async def _resync(self) -> None:
        """Ask for the whole room. What comes before it is not applied: it says no more than the snapshot will."""
        self.resyncs += 1
        self._resync_at = self.clock.now()
        await self.say("resync", version=self.picture.version)

    def _follow(self) -> None:
        if not self.time.is_known:
            return
        picture = self.picture
        self.player.follow(
            picture.position_at(self.room_now()),
            is_playing=picture.is_moving,
            rate=picture.rate,
            now=self.clock.now(),
        )

    def _look_at_stamp(self, server_time: float) -> None:
        """A stamp from the future or from long ago is of another clock: the room's was stepped."""
        if self.time.is_known:
            ahead_s = server_time - self.room_now()
            if ahead_s > 1 + self.time.error_s or ahead_s < -LATE_S:
                now = self.clock.now()
                self.time.flush()
                self.time.add(now, server_time, now)
                self.picture.stepped(ahead_s)
                self._sample_soon()

    def _sample_soon(self) -> None:
        self._samples, self._sample_at = 0, 0.0
