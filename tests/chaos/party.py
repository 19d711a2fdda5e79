"""A party at which everything goes wrong: `python -m tests.chaos.party [--minutes 30] [--seed N]`.

Viewers in rooms on several replicas talk all the time, while replicas are killed and frozen, Redis is paused and
killed, and networks are cut and made slow. After every round all faults end, and what must hold is checked: every
viewer has the same room, nothing acknowledged is lost or was applied twice, nobody who left is still shown.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from tests.chaos.crowd import Crowd
from tests.chaos.faults import FAULTS
from tests.chaos.ground import Ground
from tests.chaos.stage import Stage
from tests.support.invariants import broken_promises, divergence

# The page's lease would make every ghost check wait half a minute.
LEASE_S = 10.0
REFRESH_S = 3.0
SETTINGS = {
    "WT_HEARTBEAT_S": "1",
    "WT_LEASE_S": str(LEASE_S),
    "WT_HIDDEN_LEASE_S": "30",
    "WT_REFRESH_S": str(REFRESH_S),
    "WT_DRAIN_S": "2",
}
# A lease, a sweep, and once more a lease when an outage of Redis made everybody's run out.
GHOST_S = 2 * LEASE_S + 6
HEAL_LIMIT_S = 30.0
_STEP_S = 0.02
# The lease is the grace: whoever was heard this lately must not be given up, whatever else goes wrong.
LEAST_LEASE_S = LEASE_S - 1.05 * REFRESH_S - 0.5


@dataclass(slots=True)
class Report:
    """What a party showed. `heals` are seconds from the end of a round's faults to agreement, by fault."""

    seed: int
    seconds: float = 0.0
    rounds: int = 0
    heals: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    fates: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    # Lost where a second's commands may be, and events that went with a master.
    forgiven: list[str] = field(default_factory=list)
    rewound: int = 0
    rows: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    diverged: list[str] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    complaints: Counter[str] = field(default_factory=Counter)
    connects: int = 0
    resyncs: int = 0
    audits: int = 0
    given_up: list[str] = field(default_factory=list)
    unseen_events: int = 0
    clock_error_s: float = 0.0
    # Of this machine's own wall clock, by nobody's doing here: rooms are moved with it, and their viewers not told.
    steps: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """Everything that must not be, as sentences."""
        return [*self.lost, *self.twice, *self.diverged, *self.ghosts, *self.broken]

    def table(self) -> str:
        """The report for people."""
        rows = [f"{'fault':<26}{'times':>6}{'healed in, median':>20}{'at most':>10}"]
        for name, heals in sorted(self.heals.items()):
            middle = sorted(heals)[len(heals) // 2]
            rows.append(f"{name:<26}{len(heals):>6}{middle:>18.1f} s{max(heals):>8.1f} s")
        rows.append(
            f"seed {self.seed}: {self.seconds / 60:.1f} minutes, {self.rounds} rounds, {self.connects} connections, "
            f"{self.resyncs} resyncs, {self.audits} snapshots equal to what their viewers had"
        )
        rows.append("commands: " + ", ".join(f"{count} {fate}" for fate, count in sorted(self.fates.items())))
        rows.append(
            f"lost acknowledged commands: {len(self.lost)} (and with masters that died: {len(self.forgiven)} commands, "
            f"{self.rewound} events), applied twice: {len(self.twice)}, "
            f"diverged viewers: {len(self.diverged)}, ghosts: {len(self.ghosts)}, broken promises: {len(self.broken)}"
        )
        rows.append(
            f"announced gone while on the way back: {len(self.given_up)}, errors logged: {self.complaints.total()}, "
            f"worst clock: {1000 * self.clock_error_s:.0f} ms, events not seen in the log: {self.unseen_events}"
        )
        return "\n".join(
            [
                *rows,
                *self.steps,
                *self.rows,
                *self.given_up,
                *(f"  FAILED: {failure}" for failure in self.failures[:40]),
            ]
        )


class Audience(Protocol):
    """Others who are there, and must not suffer."""

    async def arrive(self) -> None:
        """Come in."""

    async def look(self, faults: str) -> list[str]:
        """What is wrong with them some seconds after these faults, as sentences."""

    async def go_home(self) -> None:
        """Leave."""

    def rows(self) -> list[str]:
        """What they saw, for people."""


Calamity = Callable[[random.Random], Awaitable[None]]


class Party:
    """`rooms` rooms of `size` viewers on a ground, to which `calamities` happen, by name; `audience` is beside them."""

    def __init__(
        self,
        seed: int,
        ground: Ground,
        calamities: Mapping[str, Calamity],
        *,
        rooms: int = 3,
        size: int = 4,
        audience: Audience | None = None,
    ) -> None:
        self._dice = random.Random(seed)
        self._ground = ground
        self._calamities = calamities
        self._audience = audience
        self._crowds = [Crowd(ground, f"room-{number}", size, seed) for number in range(rooms)]
        self.report = Report(seed)
        # When each round began, and its faults.
        self._rounds: list[tuple[float, str]] = []

    async def run(self, seconds: float, *, progress: bool = False) -> Report:
        """Go on for so long, then answer the report."""
        began = time.monotonic()
        async with self._ground:
            for crowd in self._crowds:
                await crowd.arrive()
            if self._audience is not None:
                await self._audience.arrive()
            talking = [asyncio.create_task(crowd.chatter()) for crowd in self._crowds]
            watching = asyncio.create_task(self._watch())
            try:
                names: list[str] = []
                while time.monotonic() - began < seconds:
                    names = names or self._dice.sample(sorted(self._calamities), len(self._calamities))
                    await self._round([names.pop() for _ in range(min(len(names), self._dice.choice((1, 1, 2))))])
                    if progress:
                        sys.stdout.write(f"{time.monotonic() - began:6.0f} s, round {self.report.rounds}\n")
                        sys.stdout.flush()
            finally:
                for task in (*talking, watching):
                    task.cancel()
                outcomes = await asyncio.gather(*talking, watching, return_exceptions=True)
                self.report.broken += [repr(each) for each in outcomes if isinstance(each, Exception)]
                await asyncio.gather(*(crowd.go_home() for crowd in self._crowds))
                if self._audience is not None:
                    self.report.rows += self._audience.rows()
                    await self._audience.go_home()
                self._sum_up(time.monotonic() - began)
        return self.report

    async def _round(self, names: list[str]) -> None:
        self.report.rounds += 1
        self._rounds.append((time.time(), " and ".join(names)))
        for crowd in self._crowds:
            crowd.is_quiet = False
        await asyncio.sleep(self._dice.uniform(0.5, 2))
        leaving = self._dice.random() < 0.3
        await asyncio.gather(
            *(self._calamities[name](random.Random(self._dice.random())) for name in names),
            *([self._dice.choice(self._crowds).replace(self._dice)] if leaving else []),
        )
        await asyncio.sleep(self._dice.uniform(0, 1))
        await self._ground.heal()
        healed_s, problems = await asyncio.gather(self._agree(names), self._look(names))
        self.report.broken += problems
        for name in names:
            self.report.heals[name].append(healed_s)

    async def _look(self, names: list[str]) -> list[str]:
        return [] if self._audience is None else await self._audience.look(" and ".join(names))

    async def _agree(self, names: list[str]) -> float:
        """Let everybody fall silent and wait until all agree; what they still disagree on then is a failure."""
        began = time.monotonic()
        for crowd in self._crowds:
            crowd.is_quiet = True
        problems = ["nobody looked"]
        agreed_at: float | None = None
        while time.monotonic() - began < HEAL_LIMIT_S:
            await asyncio.sleep(0.1)
            problems = [f"{crowd.room}: {text}" for crowd in self._crowds for text in self._unsettled(crowd)]
            if problems:
                agreed_at = None
            elif agreed_at is None:
                agreed_at = time.monotonic()
            elif time.monotonic() - agreed_at > 1.5:
                break
        self.report.diverged += [f"after {' and '.join(names)}, {problem}" for problem in problems]
        await self._check()
        return (agreed_at or time.monotonic()) - began

    def _unsettled(self, crowd: Crowd) -> list[str]:
        waiting = [f"{crowd.pending()} commands wait"] if crowd.pending() else []
        missing = [f"{name} is not among the members" for name in crowd.missing()]
        return [*divergence(crowd.viewers), *missing, *waiting]

    async def _check(self) -> None:
        for crowd in self._crowds:
            await crowd.ledger.read(self._ground)
            done = crowd.newly_done()
            crowd.ledger.judge(done)
            for command in done:
                fate = "expired" if command.is_expired else command.code or "acknowledged"
                self.report.fates[fate] += 1
            self.report.ghosts += [f"{crowd.room}: {ghost}" for ghost in crowd.ghosts(GHOST_S)]
            for viewer in crowd.viewers:
                await viewer.say("resync")
                if viewer.time.is_known:
                    off = abs(viewer.room_now() - time.time()) - viewer.time.error_s
                    self.report.clock_error_s = max(self.report.clock_error_s, off)

    async def _watch(self) -> None:
        """Follow the logs, which keep only the last events, and this machine's clock."""
        offset = _wall_offset()
        while True:
            before, offset = offset, _wall_offset()
            if abs(offset - before) > _STEP_S:
                self.report.steps.append(f"this machine's own clock was stepped by {offset - before:+.3f} s")
            for crowd in self._crowds:
                await crowd.ledger.read(self._ground)
            await asyncio.sleep(1)

    def _is_forgiven(self, version: int) -> bool:
        """Whether it was acknowledged within the second before a master was taken away."""
        return any(struck - 1 <= version / 1000 <= struck + 0.2 for struck in self._ground.struck)

    def _round_at(self, at: float) -> str:
        return next((names for began, names in reversed(self._rounds) if began <= at), "the beginning")

    def _sum_up(self, seconds: float) -> None:
        report = self.report
        report.seconds = seconds
        report.complaints = self._ground.complaints()
        if not report.fates["acknowledged"] or not report.rounds:
            report.broken.append("nobody's command was ever acknowledged, so that none could be lost")
        for crowd in self._crowds:
            for version, words in crowd.ledger.lost:
                (report.forgiven if self._is_forgiven(version) else report.lost).append(words)
            report.rewound += crowd.ledger.rewound
            report.twice += crowd.ledger.twice
            report.ghosts += crowd.ledger.presence
            report.unseen_events += crowd.ledger.missed
            for at, away_s in crowd.given_up():
                words = f"{crowd.room}: announced gone {away_s:.1f} s after it was last heard, in {self._round_at(at)}"
                (report.given_up if away_s >= LEAST_LEASE_S else report.broken).append(words)
            everybody = [*crowd.viewers, *crowd.former]
            report.broken += broken_promises(everybody)
            for viewer in everybody:
                report.connects += viewer.connects
                report.resyncs += viewer.resyncs
                report.audits += viewer.picture.audits


def _wall_offset() -> float:
    return time.time() - time.monotonic()


def on_a_stage(seed: int, *, replicas: int = 3, rooms: int = 3, size: int = 4) -> Party:
    """A party on sync replicas over one Redis."""
    stage = Stage(replicas, SETTINGS, seed=seed)
    return Party(seed, stage, {name: partial(fault, stage) for name, fault in FAULTS.items()}, rooms=rooms, size=size)


def main(argv: list[str]) -> int:
    """The command. Gives 0 if nothing failed."""
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos.party", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=30.0)
    arguments.add_argument("--seed", type=int, default=None)
    arguments.add_argument("--replicas", type=int, default=3)
    arguments.add_argument("--rooms", type=int, default=3)
    arguments.add_argument("--viewers", type=int, default=4, help="in each room")
    options = arguments.parse_args(argv)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    party = on_a_stage(seed, replicas=options.replicas, rooms=options.rooms, size=options.viewers)
    report = asyncio.run(party.run(options.minutes * 60, progress=True))
    sys.stdout.write(f"{report.table()}\n")
    for complaint, times in report.complaints.most_common(20):
        sys.stdout.write(f"  logged {times} times: {complaint}\n")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
