"""`/api/cookies`: bring cookies, see of which sites, take them back. No value ever goes out again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from services.common.cookies import MAX_BYTES, Cookie, read_cookies
from services.common.keys import MemberId
from services.common.loans import Loans
from services.common.recall import Recall
from services.common.room.store import RoomStore
from services.common.vault import Site, Vault
from services.common.wire.rest import CookieList, CookieSite
from services.gateway import metrics

__all__ = ["COOKIE_TEXT", "MAX_BYTES", "CookieDesk"]

COOKIE_TEXT: Final = "A cookies.txt (Netscape format), or a JSON list as browsers' extensions write it; at most 1 MiB."


class CookieDesk:
    """What people may do with their cookies. Every method raises `Unavailable` when Redis does not answer."""

    def __init__(self, vault: Vault, loans: Loans, store: RoomStore) -> None:
        self._vault = vault
        self._recall = Recall(vault, loans, store)

    async def bring(self, owner: MemberId, body: bytes) -> CookieList:
        """Store what a person uploads; of the sites in it nothing older stays.

        :raises Refused: `bad_cookies` naming the wrong lines, `too_large`, `forbidden`.
        """
        # A megabyte of lines takes a tenth of a second.
        cookies: list[Cookie] = await asyncio.to_thread(read_cookies, body, time.time())
        sites = await self._vault.put(owner, cookies)
        metrics.COOKIES.labels("stored").inc()
        return _told(sites)

    async def list(self, owner: MemberId) -> CookieList:
        """Of which sites a person's cookies are here, and until when they live."""
        return _told(await self._vault.sites(owner))

    async def take_back(self, owner: MemberId, domain: str) -> None:
        """Delete a person's cookies, of one site or ('') all, and end whatever they opened.

        :raises Refused: `not_found` if there are none.
        """
        await self._recall.take_back(owner, domain)
        metrics.COOKIES.labels("deleted").inc()


def _told(sites: Mapping[str, Site]) -> CookieList:
    return CookieList(
        sites=[CookieSite(domain=site, expires_at=known.expires or None) for site, known in sorted(sites.items())]
    )
