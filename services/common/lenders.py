"""Who opens a link: from the people who let their cookies serve it to the chain of ways that are tried."""

from __future__ import annotations

from collections.abc import Iterable

from services.common.chain import ANONYMOUS, Link, scope_of
from services.common.guard import page_url, parse_url
from services.common.keys import url_digest
from services.common.vault import Vault


async def links_of(vault: Vault, url: str, lenders: Iterable[str], audience: str = "") -> list[Link]:
    """The ways to open a link: with the cookies of each lender who has some for its site, then without any.

    :param audience: for whom; '' is the lender alone.
    :raises Refused: `bad_url` or `refused_target`.
    :raises Unavailable: if Redis does not answer.
    """
    target, digest = parse_url(url), url_digest(page_url(url))
    salts = [(owner, await vault.salt(owner, target.host)) for owner in dict.fromkeys(lenders)]
    with_cookies = [
        Link(scope=scope_of(salt, owner, audience, digest), owner=owner, audience=audience)
        for owner, salt in salts
        if salt
    ]
    return [*with_cookies, ANONYMOUS]
