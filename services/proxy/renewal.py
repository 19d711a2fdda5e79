"""When an upstream refuses a stream: today's URL of it, for the stream itself and for what its manifest lists."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from services.common.chain import Link
from services.common.errors import Refused, Unavailable
from services.common.guard import Target, page_url, parse_url
from services.common.renewal import Renewals
from services.proxy import metrics
from services.proxy.streams import Known, Streams

# A player waits about as long for a segment before it gives up.
WAIT_S: Final = 20.0
LOOK_S: Final = 0.25


class Renewal:
    """Has contexts renewed, one wait for everybody who meets the same refusal."""

    def __init__(self, streams: Streams, renewals: Renewals) -> None:
        self._streams = streams
        self._renewals = renewals
        self._waiting: dict[str, asyncio.Task[Known | None]] = {}

    async def renew(self, context: str, seen: Known) -> Known | None:
        """What stands in the place of `seen`; None if nothing new came in time."""
        task = self._waiting.get(context)
        if task is None:
            task = self._waiting[context] = asyncio.create_task(self._renew(context, seen))
            task.add_done_callback(lambda _: self._waiting.pop(context, None))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End all waiting."""
        for task in list(self._waiting.values()):
            task.cancel()
        await asyncio.gather(*self._waiting.values(), return_exceptions=True)

    async def _renew(self, context: str, seen: Known) -> Known | None:
        known, fresh = seen.context, None
        link = Link(scope=known.scope, owner=known.owner, audience=known.audience)
        with contextlib.suppress(Refused, Unavailable, TimeoutError):
            page = page_url(known.page_url)
            await self._renewals.ask(page, link)
            async with asyncio.timeout(WAIT_S):
                is_done = False
                while fresh is None and not is_done:
                    await asyncio.sleep(LOOK_S)
                    # In this order: contexts are written before the result.
                    is_done = await self._renewals.is_done(page, known.scope)
                    fresh = await self._streams.reread(context, seen, every_s=0)
        metrics.RENEWALS.labels("renewed" if fresh else "in_vain").inc()
        return fresh


def rebased(url: str, earlier: Sequence[str], today: str) -> Target:
    """`url`, which a manifest at one of the addresses `earlier` listed, as the manifest of `today` would list it.

    What the manifest's address had in common with it, folder or query, is replaced by what it is today.

    :raises Refused: if that is no URL.
    """
    for former in reversed(earlier):
        old, new, child = urlsplit(former), urlsplit(today), urlsplit(url)
        if old.netloc != child.netloc or former == today:
            continue
        old_folder, new_folder = old.path.rpartition("/")[0] + "/", new.path.rpartition("/")[0] + "/"
        path, query = child.path, child.query
        shares_query = bool(old.query) and query == old.query
        # A folder that all files of a host share tells nothing.
        shares_folder = path.startswith(old_folder) and (len(old_folder) > 1 or old.netloc == new.netloc)
        if not (shares_folder or shares_query):
            continue
        if shares_folder:
            path = new_folder + path[len(old_folder) :]
        if shares_query:
            query = new.query
        moved = child._replace(scheme=new.scheme, netloc=new.netloc, path=path, query=query).geturl()
        with contextlib.suppress(Refused):
            return parse_url(moved)
    return parse_url(url)
