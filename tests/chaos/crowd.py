"""The people of one room at a party: viewers that talk, and some that leave for others to come."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import dataclass, field

from tests.chaos.ground import Ground
from tests.chaos.ledger import Ledger
from tests.support import rooms
from tests.support.outbox import Command
from tests.support.timepiece import Timepiece
from tests.support.viewer import Viewer

NAMES = ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gil", "Hana")
# The queue is kept about so long.
QUEUE_LENGTH = 12
SILENCE_S = 6.0


@dataclass(slots=True)
class Crowd:
    """`gone` maps members who left for good to when (monotonic seconds). `links`: so many are pasted again and again; 0
    is a new one each time, by which one applied twice can be told."""

    ground: Ground
    room: str
    size: int
    seed: int
    links: int = 0
    viewers: list[Viewer] = field(default_factory=list)
    former: list[Viewer] = field(default_factory=list)
    gone: dict[str, float] = field(default_factory=dict)
    is_quiet: bool = False
    ledger: Ledger = field(init=False)
    _judged: set[str] = field(default_factory=set)
    _serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.room)

    async def arrive(self) -> None:
        """Everybody comes in, and a film that outlasts the party begins."""
        for number in range(self.size):
            await self._enter(number)
        await asyncio.gather(*(viewer.joined() for viewer in self.viewers))
        await rooms.start(self.ground.store, self.viewers[0], duration=36_000)

    async def chatter(self) -> None:
        """Talk until cancelled."""
        await asyncio.gather(*(self._talk(number) for number in range(self.size)))

    async def go_home(self) -> None:
        await asyncio.gather(*(viewer.leave() for viewer in self.viewers))

    async def replace(self, dice: random.Random) -> None:
        """One leaves, by a goodbye or without, and somebody new takes the place."""
        number = dice.randrange(self.size)
        leaver = self.viewers[number]
        await leaver.leave(says_goodbye=dice.random() < 0.5)
        self.former.append(leaver)
        if leaver.id:
            self.gone[leaver.id] = time.monotonic()
        await self._enter(number)

    def newly_done(self) -> list[Command]:
        """Commands whose fate was sealed since the last call."""
        found = [
            command
            for viewer in [*self.viewers, *self.former]
            for command in viewer.box.done
            if command.id not in self._judged
        ]
        self._judged.update(command.id for command in found)
        return found

    def pending(self) -> int:
        """How many commands wait for an answer."""
        return sum(len(viewer.box.waiting) for viewer in self.viewers)

    def ghosts(self, after_s: float) -> list[str]:
        """Members shown in the room who left longer than `after_s` ago.

        Somebody whom no viewer knows to be is one whose handshake's answer was lost, and the session with it: they have
        left when they are first seen here.
        """
        here = {viewer.id for viewer in self.viewers}
        now = time.monotonic()
        strangers = [member for member in self.viewers[0].picture.members if member not in here]
        return [member for member in strangers if now - self.gone.setdefault(member, now) > after_s]

    def missing(self) -> list[str]:
        """Viewers who are not shown as members of the room they are in."""
        return [viewer.name for viewer in self.viewers if viewer.id not in self.viewers[0].picture.members]

    def given_up(self) -> list[tuple[float, float]]:
        """Who was announced gone and was on the way back: when (Unix seconds), and how long they had been away then."""
        here = {viewer.id: viewer for viewer in self.viewers}
        return [
            (at, here[member].away_s(at))
            for member, at in self.ledger.left
            if member in here and any(since > at for since, _ in here[member].stays)
        ]

    async def _enter(self, number: int) -> None:
        serial = next(self._serial)
        dice = random.Random(f"{self.seed}-{self.room}-{serial}")
        clock = Timepiece(skew_s=dice.uniform(-10, 10), drift=dice.uniform(-1e-4, 1e-4))
        name = f"{NAMES[number % len(NAMES)]}{serial}"
        viewer = Viewer(
            self.ground.addresses, self.room, name, clock=clock, silence_s=SILENCE_S, seed=self.seed + serial
        )
        await viewer.__aenter__()
        if number < len(self.viewers):
            self.viewers[number] = viewer
        else:
            self.viewers.append(viewer)

    async def _talk(self, number: int) -> None:
        dice = random.Random(f"{self.seed}-{self.room}-talk-{number}")
        while True:
            await asyncio.sleep(dice.uniform(0.3, 1.5))
            if not self.is_quiet:
                self._say(self.viewers[number], dice)

    def _say(self, viewer: Viewer, dice: random.Random) -> None:
        picture, serial = viewer.picture, next(self._serial)
        others = [item["id"] for item in picture.queue if item["id"] != picture.item]
        match dice.choices(("seek", "play", "pause", "set_rate", "queue", "reorder", "chat"), (4, 2, 1, 1, 4, 1, 2))[0]:
            case "seek":
                # No two alike, so that one applied twice can be told.
                viewer.command("seek", timestamp=round(dice.uniform(0, 30_000)) + serial / 1e5)
            case "play" | "pause" as kind:
                viewer.command(kind, timestamp=float(dice.randrange(30_000)))
            case "set_rate":
                viewer.command("set_rate", rate=dice.choice([1.0, 1.25, 0.5]))
            case "queue" if len(others) >= QUEUE_LENGTH:
                viewer.command("queue_remove", item_id=dice.choice(others))
            case "queue":
                link = serial % self.links if self.links else serial
                viewer.command("queue_add", url=f"{self.ground.link}?{self.room}={link}", next=dice.random() < 0.3)
            case "reorder":
                viewer.command("queue_reorder", queue=dice.sample(others, len(others)))
            case _:
                viewer.command("chat", text=f"{viewer.name} says {serial}")
