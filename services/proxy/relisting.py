"""Where a VOD's playlists list their pieces today: some sites sign each piece's URL by itself, and those end too.

What has become of such a URL follows from no other one: the playlist must be asked again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from services.common.errors import Refused, Unavailable
from services.common.guard import Target, parse_url
from services.proxy import metrics
from services.proxy.manifest.hls import uris
from services.proxy.manifest.links import joined
from services.proxy.streams import Known
from services.proxy.upstream import Upstream, read_body

# What was listed so lately is not asked for again: a piece that is refused then stays so.
ASKED_AGAIN_S: Final = 5.0
MOST_LISTS: Final = 32
# Renditions of one film, and what one playlist may weigh.
MOST_PLAYLISTS: Final = 24
MOST_BYTES: Final = 12 << 20


@dataclass(slots=True)
class Listing:
    """The URLs of a context's pieces by their paths, as listed `at` (monotonic seconds)."""

    at: float
    by_path: dict[str, str] = field(default_factory=dict)


class Relisting:
    """Keeps the listings of contexts whose pieces were refused."""

    def __init__(self, upstream: Upstream, gate: Callable[[Target], None], clock: Callable[[], float]) -> None:
        self._upstream = upstream
        self._gate = gate
        self._clock = clock
        self._listings: OrderedDict[str, Listing] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Listing]] = {}

    def today(self, context: str, url: str) -> Target | None:
        """Where a piece was listed last; None where that was never asked, or it is listed no more."""
        listing = self._listings.get(context)
        found = None if listing is None else listing.by_path.get(urlsplit(url).path)
        return None if found is None else parse_url(found)

    async def find(self, context: str, known: Known, url: str) -> Target | None:
        """Where a piece that is refused is listed now; None if it is listed no more, or as it was."""
        listing = self._listings.get(context)
        if listing is None or self._clock() - listing.at >= ASKED_AGAIN_S:
            asking = self._asking.get(context)
            if asking is None:
                asking = self._asking[context] = asyncio.create_task(self._list(context, known))
                asking.add_done_callback(lambda _: self._asking.pop(context, None))
            await asyncio.shield(asking)
        return self.today(context, url)

    def forget(self, context: str) -> None:
        """The stream was opened again: its playlists may be others."""
        self._listings.pop(context, None)

    async def close(self) -> None:
        """End all asking."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _list(self, context: str, known: Known) -> Listing:
        listing = Listing(self._clock())
        waiting, seen = [known.root.url], set[str]()
        while waiting and len(seen) < MOST_PLAYLISTS:
            url = waiting.pop(0)
            if url in seen:
                continue
            seen.add(url)
            base, text = await self._read(known, url)
            for found, is_playlist in _absolute(uris(text), base):
                listing.by_path[urlsplit(found).path] = found
                if is_playlist:
                    waiting.append(found)
        # Not before it is whole: who comes meanwhile waits for it.
        self._listings[context] = listing
        self._listings.move_to_end(context)
        if len(self._listings) > MOST_LISTS:
            self._listings.popitem(last=False)
        metrics.RELISTINGS.labels("listed" if listing.by_path else "in_vain").inc()
        return listing

    async def _read(self, known: Known, url: str) -> tuple[str, str]:
        """A playlist's final URL and text; '' for what can't be had, or is none."""
        with contextlib.suppress(Refused, Unavailable):
            target, now = parse_url(url), time.time()
            answer = await self._upstream.open(
                target,
                known.headers_for(target, now),
                gate=self._gate,
                jar=lambda hop: known.cookies_for(hop, now),
            )
            try:
                body = await read_body(answer, MOST_BYTES) if answer.status == 200 else None
            finally:
                answer.release()
            text = (body or b"").decode("utf-8", "replace").removeprefix("\ufeff")
            if text.startswith("#EXTM3U"):
                return answer.target.url, text
        return url, ""


def _absolute(listed: Iterable[tuple[str, bool]], base: str) -> Iterable[tuple[str, bool]]:
    for uri, is_playlist in listed:
        with contextlib.suppress(Refused, ValueError):
            yield parse_url(joined(base, uri)).url, is_playlist
