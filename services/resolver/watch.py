"""The extractor under observation: sites that fail every time are left alone, and what happens is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

import structlog

from services.common.errors import WatchTogetherError
from services.common.vitals import SiteHealth
from services.resolver import metrics
from services.resolver.breaker import Breaker
from services.resolver.breakers import Breakers
from services.resolver.errors import blames_site, left_alone, may_mend
from services.resolver.info import Info, Listed
from services.resolver.renditions import GENERIC
from services.resolver.sites import Sites

log = structlog.get_logger(__name__)


class Extracts(Protocol):
    """What opens links."""

    async def extract(self, url: str, cookies: str = "", listed: Listed | None = None) -> Info:
        """:raises WatchTogetherError: with a code of `errors.Code`."""


class WatchedExtractor:
    """An extractor that tells how each site is, and leaves those alone that fail every time."""

    def __init__(self, extractor: Extracts, breakers: Breakers, *, clock: Callable[[], float] = time.time) -> None:
        """:param clock: of everybody who shares `breakers`."""
        self._extractor = extractor
        self._breakers = breakers
        self._clock = clock
        self._sites = Sites()

    async def extract(self, url: str, cookies: str = "", listed: Listed | None = None) -> Info:
        """Open a link, unless its site fails every time; then one link in a while finds out.

        :raises WatchTogetherError: with a code of `errors.Code`.
        """
        site, now = await self._site(url), self._clock()
        if wait_s := await self._breakers.change(site, lambda breaker: breaker.admit(now)):
            metrics.SITES_LEFT_ALONE.inc()
            raise left_alone(site, wait_s)
        return await self.probe(url, cookies, listed)

    async def probe(self, url: str, cookies: str = "", listed: Listed | None = None) -> Info:
        """As `extract`, whatever is known of the site."""
        host, site, begun = _host(url), await self._site(url), self._clock()
        try:
            info = await self._extractor.extract(url, cookies, listed)
        except asyncio.CancelledError:
            await asyncio.shield(self._breakers.change(site, Breaker.abandoned))
            raise
        except WatchTogetherError as error:
            # What somebody's own cookies met says nothing of how the site is to others.
            if blames_site(error) and not (cookies and may_mend(error)):
                await self._failed(site, begun, is_extractor=site != host)
                metrics.WATCHED.labels("site_failed").inc()
            else:
                await self._succeeded(site, begun, is_extractor=site != host)
                metrics.WATCHED.labels("refused").inc()
            raise
        if info.extractor not in ("", GENERIC) and info.extractor != site:
            await self._breakers.learn(host, info.extractor)
            await self._breakers.change(site, Breaker.succeeded)
            site = info.extractor
        await self._succeeded(site, begun, is_extractor=site != host)
        metrics.WATCHED.labels("ok").inc()
        return info

    async def health(self) -> list[SiteHealth]:
        """Every extractor with an outcome in the last hour."""
        now = self._clock()
        states = {
            site: await self._breakers.change(site, lambda breaker: breaker.state(now)) for site in self._sites.named
        }
        return self._sites.health(now, states)

    async def _site(self, url: str) -> str:
        """The extractor of a link, known before a child is asked; its host where that tells nothing."""
        host = _host(url)
        return await self._breakers.name(host) or host

    async def _succeeded(self, site: str, begun: float, *, is_extractor: bool) -> None:
        now = self._clock()
        await self._breakers.change(site, Breaker.succeeded)
        self._sites.note(site, (now, now - begun, True), is_extractor=is_extractor)

    async def _failed(self, site: str, begun: float, *, is_extractor: bool) -> None:
        now = self._clock()
        await self._breakers.change(site, lambda breaker: breaker.failed(now))
        self._sites.note(site, (now, now - begun, False), is_extractor=is_extractor)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
