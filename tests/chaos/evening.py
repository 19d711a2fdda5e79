"""An evening at a house that falls apart: `python -m tests.chaos.evening [--minutes 20] [--seed N]`.

People in rooms talk all the time and players watch, behind the shipped nginx, while replicas of every service, Redis,
its sentinels, networks, disks and clocks fail. After every round what must hold is checked: one order, nothing that was
acknowledged is lost but in the second before a master dies, no ghosts, no wrong byte, players together ten seconds on.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from functools import partial

from tests.bench.parts import counter
from tests.chaos.calamities import CALAMITIES
from tests.chaos.cinema import Cinema
from tests.chaos.house import House
from tests.chaos.party import SETTINGS, Party, Report


async def run(seconds: float, seed: int, *, rooms: int, people: int, players: int, progress: bool = True) -> Report:
    """Hold it for so long."""
    film = await asyncio.to_thread(counter.clip)
    async with counter.serving(film) as address:
        house = House({**SETTINGS, "WT_LOG_LEVEL": "warning"}, hosts=(address,), seed=seed)
        cinema = Cinema(house, address, players=players, seed=seed) if players else None
        calamities = {name: partial(calamity, house) for name, calamity in CALAMITIES.items()}
        party = Party(seed, house, calamities, rooms=rooms, size=max(2, people // rooms), audience=cinema)
        return await party.run(seconds, progress=progress)


def main(argv: list[str]) -> int:
    """The command. Gives 0 if nothing failed."""
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos.evening", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=20.0)
    arguments.add_argument("--seed", type=int, default=None)
    arguments.add_argument("--rooms", type=int, default=12)
    arguments.add_argument("--people", type=int, default=60, help="in all rooms together")
    arguments.add_argument("--players", type=int, default=6, help="pages in Chromium; 0 is none")
    options = arguments.parse_args(argv)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    report = asyncio.run(
        run(options.minutes * 60, seed, rooms=options.rooms, people=options.people, players=options.players)
    )
    sys.stdout.write(f"{report.table()}\n")
    for complaint, times in report.complaints.most_common(20):
        sys.stdout.write(f"  logged {times} times: {complaint}\n")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
