"""Tells how this worker is, and tries the operator's canary links."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import structlog

from services.common.errors import Unavailable, WatchTogetherError
from services.common.vitals import TOLD_EVERY_S, Canary, VitalsStore, WorkerHealth
from services.resolver import metrics
from services.resolver.provider import Provider
from services.resolver.versions import Versions
from services.resolver.watch import WatchedExtractor

log = structlog.get_logger(__name__)


class Reporter:
    """One worker's voice in `GET /api/resolver/health`."""

    def __init__(
        self,
        store: VitalsStore,
        extractor: WatchedExtractor,
        provider: Provider,
        versions: Versions,
        *,
        worker: str,
        node: str,
        canaries: Sequence[str],
        canary_s: float,
    ) -> None:
        """:param node: the version of Node.js, '' for none."""
        self._store = store
        self._extractor = extractor
        self._provider = provider
        self._versions = versions
        self._worker = worker
        self._node = node
        self._urls = canaries
        self._canary_s = canary_s
        self._canaries: dict[str, Canary] = {}
        age_days = versions.age_days(datetime.now(UTC).date())
        metrics.YTDLP.info({"version": versions.ytdlp, "ejs": versions.ejs, "node": node or "none"})
        metrics.YTDLP_AGE.set_function(lambda: float(versions.age_days(datetime.now(UTC).date()) or 0))
        log.info("versions", ytdlp=versions.ytdlp, ejs=versions.ejs, node=node or "none", age_days=age_days)
        if not versions.ejs:
            log.warning("no_ytdlp_ejs", effect="YouTube will not resolve", needs="yt-dlp-ejs")

    async def run(self) -> None:
        """Tell and try until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._provider.run())
            tasks.create_task(self._try_canaries())
            while True:
                await self.tell()
                await asyncio.sleep(TOLD_EVERY_S)

    async def tell(self) -> None:
        """Say once how this worker is."""
        sites = await self._extractor.health()
        metrics.SITES_OPEN.set(sum(site.state != "closed" for site in sites))
        health = WorkerHealth(
            ytdlp=self._versions.ytdlp,
            ytdlp_ejs=self._versions.ejs,
            age_days=self._versions.age_days(datetime.now(UTC).date()),
            node=self._node,
            provider=self._provider.state,
            running=metrics.running(),
            sites=sites,
            canaries=list(self._canaries.values()),
        )
        try:
            await self._store.tell(self._worker, health)
        except Unavailable:
            log.info("health_not_told")

    async def _try_canaries(self) -> None:
        while self._urls:
            for url in self._urls:
                await self._try(url)
            await self.tell()
            await asyncio.sleep(self._canary_s)

    async def _try(self, url: str) -> None:
        site, begun, code = urlsplit(url).hostname or "", time.monotonic(), ""
        try:
            await self._extractor.probe(url)
        except WatchTogetherError as error:
            code = error.code
            log.warning("canary_failed", site=site, code=code)
        metrics.CANARIES.labels("failed" if code else "ok").inc()
        self._canaries[url] = Canary(site=site, code=code, at=time.time(), seconds=round(time.monotonic() - begun, 3))
