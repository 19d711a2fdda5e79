"""What this worker learnt of each extractor: how often it succeeds, and how long it takes. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Final

from services.common.vitals import SiteHealth
from services.resolver.breaker import State
from services.resolver.renditions import GENERIC

WINDOW_S: Final = 3600.0
MOST_SITES: Final = 500
MOST_OUTCOMES: Final = 500

# (when, seconds, whether it answered)
Outcome = tuple[float, float, bool]


class Sites:
    """Sites by name (an extractor; of the generic one, a host), those that were not asked for longest forgotten first.

    Times are seconds on one clock.
    """

    def __init__(self) -> None:
        self._outcomes: OrderedDict[str, deque[Outcome]] = OrderedDict()
        self._extractors: set[str] = set()

    def note(self, site: str, outcome: Outcome, *, is_extractor: bool) -> None:
        """A link of a site was opened or refused, or the site failed."""
        known = self._outcomes.pop(site, None) or deque(maxlen=MOST_OUTCOMES)
        known.append(outcome)
        self._outcomes[site] = known
        if is_extractor:
            self._extractors.add(site)
        if len(self._outcomes) > MOST_SITES:
            self._extractors.discard(self._outcomes.popitem(last=False)[0])

    @property
    def named(self) -> set[str]:
        """The extractors that may be told by name."""
        return set(self._extractors)

    def health(self, now: float, states: Mapping[str, State]) -> list[SiteHealth]:
        """Every site with an outcome in the last hour; `states`: what the next link to an extractor meets.

        Hosts without an extractor of their own are told as `Generic`: what people watch there is nobody's business.
        """
        found = []
        for name, outcomes in self._outcomes.items():
            recent = [outcome for outcome in outcomes if now - outcome[0] < WINDOW_S]
            if recent:
                good = sum(is_good for _, _, is_good in recent)
                is_named = name in self._extractors
                found.append(
                    SiteHealth(
                        extractor=name if is_named else GENERIC,
                        succeeded=good,
                        failed=len(recent) - good,
                        mean_s=round(sum(seconds for _, seconds, _ in recent) / len(recent), 3),
                        state=states.get(name, "closed") if is_named else "closed",
                    )
                )
        return found
