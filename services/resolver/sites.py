"""What is known of each extractor: how often it succeeds, how long it takes, and whether it is left alone. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from services.common.vitals import SiteHealth
from services.resolver.breaker import Breaker
from services.resolver.renditions import GENERIC

WINDOW_S: Final = 3600.0
MOST_SITES: Final = 500
MOST_OUTCOMES: Final = 500


@dataclass(slots=True)
class Site:
    """One extractor; of the generic one, one host. `outcomes` are (when, seconds, whether it answered)."""

    breaker: Breaker = field(default_factory=Breaker)
    outcomes: deque[tuple[float, float, bool]] = field(default_factory=lambda: deque(maxlen=MOST_OUTCOMES))


class Sites:
    """Sites by name, those that were not asked for longest forgotten first. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._sites: OrderedDict[str, Site] = OrderedDict()
        # Which extractor took a host's links last: known before a child is asked.
        self._extractors: OrderedDict[str, str] = OrderedDict()

    def admit(self, host: str, now: float) -> float:
        """Let a link of `host` pass (0.0), or how many seconds to wait."""
        return self._site(self.name_of(host)).breaker.admit(now)

    def succeeded(self, host: str, extractor: str, seconds: float, now: float) -> None:
        """A link of `host` was opened, or refused for a reason of its own ('': by which extractor is not known)."""
        self._learn(host, extractor)
        site = self._site(self.name_of(host))
        site.breaker.succeeded()
        site.outcomes.append((now, seconds, True))

    def failed(self, host: str, seconds: float, now: float) -> None:
        """The site, or its extractor, failed."""
        site = self._site(self.name_of(host))
        site.breaker.failed(now)
        site.outcomes.append((now, seconds, False))

    def abandoned(self, host: str) -> None:
        """Nobody waited for the end."""
        self._site(self.name_of(host)).breaker.abandoned()

    def name_of(self, host: str) -> str:
        """The extractor of a host's links, or the host where that is not known or tells nothing."""
        return self._extractors.get(host, host)

    def health(self, now: float) -> list[SiteHealth]:
        """Every extractor with an outcome in the last hour.

        Hosts without one of their own are told as `Generic`: what people watch there is nobody's business.
        """
        found = []
        extractors = set(self._extractors.values())
        for name, site in self._sites.items():
            recent = [outcome for outcome in site.outcomes if now - outcome[0] < WINDOW_S]
            if recent:
                good = sum(is_good for _, _, is_good in recent)
                mean_s = round(sum(seconds for _, seconds, _ in recent) / len(recent), 3)
                is_named = name in extractors
                found.append(
                    SiteHealth(
                        extractor=name if is_named else GENERIC,
                        succeeded=good,
                        failed=len(recent) - good,
                        mean_s=mean_s,
                        state=site.breaker.state(now) if is_named else "closed",
                    )
                )
        return found

    def _learn(self, host: str, extractor: str) -> None:
        if extractor and extractor != GENERIC:
            self._extractors[host] = extractor
            if len(self._extractors) > MOST_SITES:
                self._extractors.popitem(last=False)

    def _site(self, name: str) -> Site:
        site = self._sites.pop(name, None) or Site()
        self._sites[name] = site
        if len(self._sites) > MOST_SITES:
            self._sites.popitem(last=False)
        return site
