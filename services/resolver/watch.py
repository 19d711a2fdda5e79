"""The extractor under observation: sites that fail every time are left alone, and what happens is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

import structlog

from services.common.errors import WatchTogetherError
from services.resolver import metrics
from services.resolver.errors import blames_site, left_alone, may_mend
from services.resolver.info import Info
from services.resolver.sites import Sites

log = structlog.get_logger(__name__)


class Extracts(Protocol):
    """What opens links."""

    async def extract(self, url: str, cookies: str = "") -> Info:
        """:raises WatchTogetherError: with a code of `errors.Code`."""


class WatchedExtractor:
    """An extractor that tells how each site is."""

    def __init__(self, extractor: Extracts, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._extractor = extractor
        self._clock = clock
        self.sites = Sites()

    async def extract(self, url: str, cookies: str = "") -> Info:
        """Open a link, unless its site fails every time; then one link in a while finds out.

        :raises WatchTogetherError: with a code of `errors.Code`.
        """
        host = urlsplit(url).hostname or ""
        if wait_s := self.sites.admit(host, self._clock()):
            metrics.SITES_LEFT_ALONE.inc()
            raise left_alone(self.sites.name_of(host), wait_s)
        return await self.probe(url, cookies)

    async def probe(self, url: str, cookies: str = "") -> Info:
        """As `extract`, whatever is known of the site."""
        host, begun = urlsplit(url).hostname or "", self._clock()
        try:
            info = await self._extractor.extract(url, cookies)
        except asyncio.CancelledError:
            self.sites.abandoned(host)
            raise
        except WatchTogetherError as error:
            now = self._clock()
            # What somebody's own cookies met says nothing of how the site is to others.
            if blames_site(error) and not (cookies and may_mend(error)):
                self.sites.failed(host, now - begun, now)
                metrics.WATCHED.labels("site_failed").inc()
            else:
                self.sites.succeeded(host, "", now - begun, now)
                metrics.WATCHED.labels("refused").inc()
            raise
        now = self._clock()
        self.sites.succeeded(host, info.extractor, now - begun, now)
        metrics.WATCHED.labels("ok").inc()
        return info
