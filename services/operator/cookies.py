"""`cookies`: whose there are, of which sites, until when; and their end. No value is ever read."""

from __future__ import annotations

import time
from typing import Any

from services.common.errors import Refused
from services.common.recall import Recall
from services.operator.answer import Answer, ago, span, table
from services.operator.stores import Stores, names


async def list_cookies(stores: Stores, now: float | None = None) -> Answer:
    """All people's, by site.

    :raises SettingsError: without the secret that they were encrypted under.
    """
    now = time.time() if now is None else now
    vault, start = stores.vault(), stores.keys.cookies("")
    people: set[str] = set()
    async for page in names(stores.rooms_redis, start):
        people |= {name.removeprefix(start) for name in page}
    lines: list[dict[str, Any]] = []
    unread = []
    for person in sorted(people):
        sites = await vault.sites(person)
        if not sites:
            unread.append(person)
        lines += [
            {
                "person": person,
                "site": site,
                "cookies": known.count,
                "expires_at": known.expires or None,
                "stored_at": known.stored_at,
            }
            for site, known in sorted(sites.items())
        ]
    rows = [
        (line["person"], line["site"], line["cookies"], _until(line["expires_at"], now), ago(line["stored_at"], now))
        for line in lines
    ]
    text = table(("PERSON", "SITE", "COOKIES", "EXPIRE", "STORED"), rows, "Nobody keeps cookies here.")
    if unread:
        text += "\nKept under another secret, so of no use: " + ", ".join(unread)
    return Answer({"cookies": lines, "unreadable": unread}, text)


async def delete(stores: Stores, person: str, site: str) -> Answer:
    """Delete a person's cookies, of one site or ('') all, and end what they opened.

    :raises Refused: `not_found`.
    """
    recall = Recall(stores.vault(), stores.loans(), stores.rooms)
    try:
        await recall.take_back(person, site)
    except Refused as refusal:
        if refusal.code != "not_found":
            raise
        of_site = f" of {site}" if site else ""
        raise Refused("not_found", f"{person} keeps no cookies{of_site} here.") from None
    text = (
        f"Deleted the cookies{f' of {site}' if site else ''} of {person}; what they opened is over, "
        "proxies notice within half a minute."
    )
    return Answer({"deleted": person, "site": site or None}, text)


def _until(expires: float | None, now: float) -> str:
    if expires is None:
        return "with the session"
    return f"in {span(expires - now)}" if expires > now else "are over"
