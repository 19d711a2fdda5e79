"""Taking cookies back: they, and whatever they opened, end together."""

from __future__ import annotations

import structlog

from services.common.chain import item_of
from services.common.cookies import site_of
from services.common.errors import Refused
from services.common.loans import Loans
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.vault import Vault

log = structlog.get_logger(__name__)


class Recall:
    """Every method raises `Unavailable` when Redis does not answer; repeating it is safe."""

    def __init__(self, vault: Vault, loans: Loans, store: RoomStore) -> None:
        self._vault = vault
        self._loans = loans
        self._store = store

    async def take_back(self, owner: str, domain: str = "") -> None:
        """Delete a person's cookies, of one site or ('') all, and end whatever they opened.

        :raises Refused: `not_found` if there are none.
        """
        host = domain.strip().lower().removeprefix(".")
        # The cookies first: an opening that is under way looks again when it is done.
        if not await self._vault.forget(owner, host):
            raise Refused("not_found", "You have no cookies of that site here.")
        audiences = await self._loans.drop(owner, site=(site_of(host) or host) if host else None)
        for room, item in map(item_of, audiences):
            if room:
                await self._unlend(owner, room, item)

    async def _unlend(self, owner: str, room: str, item: str) -> None:
        try:
            await self._store.lend(room, Sender(owner), item, lend=False)
        except Refused as refusal:
            # The item or the room is gone already.
            log.info("loan_over", code=refusal.code)
