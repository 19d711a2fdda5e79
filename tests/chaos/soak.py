"""A long quiet evening: `python -m tests.chaos.soak [--minutes 30] [--seed N]`.

People talk, come and go, look around and watch streams on two replicas, a resolver beside them opens links, and nothing
goes wrong. Memory, descriptors and keys in Redis must be flat: what they are in the last third is held against what
they were after the first. So are tasks, and what the replicas hold by the names of classes and attributes: a leak is
told by what grows.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Final

from tests.chaos import census
from tests.chaos.crowd import Crowd
from tests.chaos.errands import Errands
from tests.chaos.fuzz import descriptors, memory
from tests.chaos.ground import complaints_of
from tests.chaos.opening import PREFIX, Opening, opening
from tests.chaos.stage import Stage
from tests.support.invariants import broken_promises
from tests.support.origin import Origin

SETTINGS: Final = {
    "WT_HEARTBEAT_S": "1",
    "WT_LEASE_S": "10",
    "WT_REFRESH_S": "3",
    "WT_LOG_LEVEL": "warning",
    # All of them come from one address.
    "WT_NEW_GUESTS_PER_MINUTE": "0",
    "WT_LIBRARY_CHANGES_PER_MINUTE": "0",
}
# Room for noise: caches that fill, keys that are about to expire, and connections to Redis that were not needed before:
# each replica may follow 24 links that are being opened, with one each.
MOST_MEMORY: Final = 1.15
MOST_DESCRIPTORS: Final = 2 * 24
MOST_KEYS: Final = 40
# What is kept of each person who ever came, for a year: that there is more of it is no leak.
OF_PEOPLE: Final = frozenset({"party:user:{*}:history", "party:user:{*}:history:entries"})
_IDS: Final = re.compile(r"guest-[a-z0-9]+|[0-9a-f]{12,}|(?<=room-)\d+|user-[0-9a-f]+")
# Each replica may follow 24 links, and each of the sockets has some.
MOST_TASKS: Final = 60
# Fewer objects of a kind are no leak yet.
LEAST_GROWTH: Final = 100
# Nobody opens what the rooms have: each such link has a job, which waits for as long as it lives.
LINKS: Final = 10
REPLACE_EVERY_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Sample:
    """`at` in seconds from the start; the replicas' resident bytes and descriptors; keys in Redis; what they hold."""

    at: float
    memory: int
    descriptors: int
    keys: int
    held: Counter[str]

    @property
    def tasks(self) -> int:
        """How many tasks wait."""
        return self.held[census.TASKS]


@dataclass(slots=True)
class Soak:
    """The samples, and what was not flat, as sentences."""

    seed: int
    samples: list[Sample] = field(default_factory=list)
    # What people asked for beside rooms.
    answered: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def judge(self) -> None:
        """Compare the second third with the last."""
        third = len(self.samples) // 3
        middle, late = self.samples[third : 2 * third], self.samples[2 * third :]
        for name, limit in (
            ("memory", None),
            ("descriptors", MOST_DESCRIPTORS),
            ("keys", MOST_KEYS),
            ("tasks", MOST_TASKS),
        ):
            before = median(getattr(sample, name) for sample in middle)
            after = median(getattr(sample, name) for sample in late)
            most = before * MOST_MEMORY if limit is None else before + limit
            if after > most:
                self.failures.append(f"{name} went from {before:.0f} to {after:.0f}")
        self.failures += [f"more and more: {words}" for words in growing(middle, late)]

    def table(self) -> str:
        """The samples for people, ten of them at most."""
        rows = [f"seed {self.seed}", f"{'at':>8}{'memory':>12}{'descriptors':>13}{'keys':>7}{'tasks':>7}"]
        for sample in self.samples[:: max(1, len(self.samples) // 10)]:
            kib = f"{sample.memory / 1024:.0f} KiB"
            rows.append(f"{sample.at:>6.0f} s{kib:>12}{sample.descriptors:>13}{sample.keys:>7}{sample.tasks:>7}")
        rows += [f"{count} times {what}" for what, count in self.answered.most_common()]
        return "\n".join([*rows, *(f"  FAILED: {failure}" for failure in self.failures)])


def growing(middle: Sequence[Sample], late: Sequence[Sample]) -> list[str]:
    """What there was more of in each half of the time, as sentences, the greatest growth first.

    A cache that fills goes up and stops: what leaks is more at the end of every half than at its beginning, and more in
    the last half than noise explains.
    """
    quarters = [part for each in (middle, late) for part in (each[: len(each) // 2], each[len(each) // 2 :]) if part]
    names = {name for sample in (*middle, *late) for name in sample.held}
    found = []
    for name in names:
        levels = [median(sample.held[name] for sample in part) for part in quarters]
        gained = levels[-1] - levels[0]
        if all(b > a for a, b in pairwise(levels)) and gained > max(LEAST_GROWTH, levels[0] * (MOST_MEMORY - 1)):
            found.append((gained, f"{name} went from {levels[0]:.0f} to {levels[-1]:.0f}"))
    return [words for _, words in sorted(found, reverse=True)[:10]]


async def run(seconds: float, seed: int) -> Soak:
    """Soak for so long."""
    soak = Soak(seed)
    with Origin() as origin:
        await _soak(soak, seconds, origin)
    soak.judge()
    return soak


async def _soak(soak: Soak, seconds: float, origin: Origin) -> None:
    seed, dice = soak.seed, random.Random(soak.seed)
    settings = {**SETTINGS, "WT_ALLOWED_PRIVATE_HOSTS": origin.address}
    async with Stage(2, settings, seed=seed, append="everysec", is_counted=True, module="services.combined") as stage:
        crowds = [Crowd(stage, f"room-{number}", 4, seed, links=LINKS) for number in range(3)]
        for crowd in crowds:
            await crowd.arrive()
        errands = Errands(stage.addresses, origin, crowds[0].room, seed)
        async with opening(stage.redis_url, stage.folder, origin, seed, settings) as links:
            works = (*(crowd.chatter() for crowd in crowds), errands.run(), links.run())
            talking = [asyncio.create_task(work) for work in works]
            began = time.monotonic()
            try:
                while (passed := time.monotonic() - began) < seconds:
                    soak.samples.append(await _sample(stage, links, passed))
                    await dice.choice(crowds).replace(dice)
                    await asyncio.sleep(REPLACE_EVERY_S)
            finally:
                for task in talking:
                    task.cancel()
                outcomes = await asyncio.gather(*talking, return_exceptions=True)
                soak.failures += [repr(each) for each in outcomes if isinstance(each, Exception)]
                await asyncio.gather(*(crowd.go_home() for crowd in crowds))
        for crowd in crowds:
            soak.failures += broken_promises([*crowd.viewers, *crowd.former])
        soak.failures += stage.complaints() + complaints_of([links.node])
        soak.failures += [f"{count} times {what}" for what, count in (errands.failures + links.failures).items()]
        soak.answered = errands.done + links.done


async def _sample(stage: Stage, links: Opening, at: float) -> Sample:
    pids = [*(node.process.pid for node in stage.nodes if node.process is not None), *links.pids()]
    found = [kind_of(key.decode()) async for key in stage.client.scan_iter(count=1000)]
    kinds = Counter(kind for kind in found if kind not in OF_PEOPLE and not kind.startswith(f"{PREFIX}:"))
    held = await stage.count() + await links.count() + Counter({f"keys {kind}": count for kind, count in kinds.items()})
    return Sample(at, _sum(memory, pids), _sum(descriptors, pids), kinds.total(), held)


def _sum(read: Callable[[int], int], pids: Sequence[int]) -> int:
    """Of the processes that are still there: nurseries come and go."""
    total = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += read(pid)
    return total


def kind_of(key: str) -> str:
    """A key's name without whom or what it is of."""
    return _IDS.sub("*", key)


def main(argv: list[str]) -> int:
    """The command. Gives 0 if everything was flat."""
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=30.0)
    arguments.add_argument("--seed", type=int, default=None)
    options = arguments.parse_args(argv)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    soak = asyncio.run(run(options.minutes * 60, seed))
    sys.stdout.write(f"{soak.table()}\n")
    return 1 if soak.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
