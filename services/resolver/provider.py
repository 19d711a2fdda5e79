"""The PO-token provider: whether it answers. Links are opened without it while it does not."""

from __future__ import annotations

import asyncio
import urllib.request
from typing import Final, Literal

import structlog

from services.resolver import metrics

log = structlog.get_logger(__name__)

LOOK_S: Final = 15.0
TIMEOUT_S: Final = 3.0

State = Literal["none", "ok", "down"]


class Provider:
    """Looks at the provider at intervals. '' is no provider."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self.state: State = "down" if url else "none"

    @property
    def url(self) -> str:
        """Where a child asks for tokens; '' while nobody would answer, since waiting for that takes a link's time."""
        return self._url if self.state == "ok" else ""

    async def run(self) -> None:
        """Look until cancelled."""
        while self.state != "none":
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Ask once."""
        if self.state == "none":
            return
        before, self.state = self.state, "ok" if await asyncio.to_thread(_answers, f"{self._url}/ping") else "down"
        metrics.PROVIDER_UP.set(self.state == "ok")
        if before != self.state:
            log.warning("pot_provider", state=self.state)


def _answers(url: str) -> bool:
    # Past every proxy: it is our neighbour, and no page that a link leads to.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False
