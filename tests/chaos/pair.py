"""Two elements that must play as one: `python -m tests.chaos.pair [--minutes 10] [--seed N]`.

A real browser plays a pair of files by two elements, while its sound is stopped or thrown off at random times, as a
busy device does. Sound and picture must be 60 ms apart at most in the median, and never over 200 ms for five seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from tests.support import page
from tests.support.installation import Installation
from tests.support.node import ROOT
from tests.support.origin import Origin
from tests.support.page import Person

MOST_MEDIAN_S: Final = 0.06
FAR_S: Final = 0.2
MOST_FAR_FOR_S: Final = 5.0
EVERY_S: Final = 0.25
DISTURBED_EVERY_S: Final = (20.0, 40.0)
# The clip has 64 s.
TURN_AT_S: Final = 55.0

_SKEW: Final = """() => {
  const [video, audio] = ['video', 'audio'].map((name) => document.querySelector(`${name}[data-role^="stage"]`));
  return [audio.currentTime - video.currentTime, audio.paused || audio.seeking || video.seeking, video.currentTime];
}"""
# What happens to the sound: it stops by itself, it lags, it runs ahead.
_DISTURBANCES: Final = (
    "(audio) => audio.pause()",
    "(audio) => { audio.currentTime -= 0.6; }",
    "(audio) => { audio.currentTime += 0.5; }",
    "(audio) => { audio.currentTime -= 1.4; }",
)


@dataclass(slots=True)
class Together:
    """The distances of sound and picture, in seconds, while both were heard and seen."""

    seed: int
    distances: list[float] = field(default_factory=list)
    disturbances: int = 0
    longest_far_s: float = 0.0

    @property
    def failures(self) -> list[str]:
        """What was not as it must be."""
        found = []
        if not self.distances:
            return ["nothing was measured"]
        if median(self.distances) > MOST_MEDIAN_S:
            found.append(f"the median is {median(self.distances) * 1000:.0f} ms")
        if self.longest_far_s >= MOST_FAR_FOR_S:
            found.append(f"over {FAR_S * 1000:.0f} ms for {self.longest_far_s:.1f} s")
        return found

    def told(self) -> str:
        """For people."""
        typical = median(self.distances) * 1000 if self.distances else float("nan")
        figures = (
            f"seed {self.seed}: sound and picture are {typical:.0f} ms apart in the median of {len(self.distances)} "
            f"readings, over {FAR_S * 1000:.0f} ms for {self.longest_far_s:.1f} s at the longest; "
            f"{self.disturbances} disturbances"
        )
        return "\n".join([figures, *(f"  FAILED: {failure}" for failure in self.failures)])


async def watch(person: Person, seconds: float, seed: int) -> Together:
    """Measure and disturb for so long; `person` plays a pair by two elements."""
    dice = random.Random(seed)
    together = Together(seed)
    began = time.monotonic()
    disturb_at = began + dice.uniform(*DISTURBED_EVERY_S)
    far_since: float | None = None
    while (now := time.monotonic()) - began < seconds:
        skew, is_moving, position = await person.page.evaluate(_SKEW)
        if position > TURN_AT_S:
            await person.key("0")
            await person.near(1.5)
            await person.playing()
            continue
        if not is_moving:
            together.distances.append(abs(skew))
        # A sound that stopped counts as far: it has to come back.
        far_since = (far_since or now) if abs(skew) > FAR_S else None
        together.longest_far_s = max(together.longest_far_s, now - far_since if far_since else 0.0)
        if now > disturb_at:
            script = dice.choice(_DISTURBANCES)
            await person.page.evaluate(f"() => ({script})(document.querySelector('audio'))")
            together.disturbances += 1
            disturb_at = now + dice.uniform(*DISTURBED_EVERY_S)
        await asyncio.sleep(EVERY_S)
    return together


async def run(seconds: float, seed: int) -> Together:
    """An installation, a browser and one person, for so long."""
    with Origin() as origin, tempfile.TemporaryDirectory() as folder:
        settings = {
            "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
            "WT_YTDLP_PLUGIN_DIRS": str(ROOT / "tests" / "support"),
        }
        with Installation(Path(folder) / "data", settings=settings) as installation:
            async with page.browser() as browser:
                room = f"pair-{secrets.token_hex(4)}"
                prefs: dict[str, object] = {"joinsPairs": False}
                ana = await Person.enter(browser, installation.url(), room, "Ana", prefs=prefs)
                await ana.add(origin.url("watch/pair.soak"))
                await ana.playing()
                return await watch(ana, seconds, seed)


def main(argv: list[str]) -> int:
    """The command. Gives 0 if they stayed together."""
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos.pair", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--seed", type=int, default=None)
    options = arguments.parse_args(argv)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    together = asyncio.run(run(options.minutes * 60, seed))
    sys.stdout.write(f"{together.told()}\n")
    return 1 if together.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
