"""Extractions from the parent's side: a process each, ended with its whole group whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from services.common import codec
from services.common.errors import WatchTogetherError
from services.resolver import metrics
from services.resolver.config import ResolverSettings
from services.resolver.egress import Egress, Pass
from services.resolver.errors import Failure, classify, deadline_exceeded, refused_on_the_way
from services.resolver.info import Entry, Info, Listed
from services.resolver.nursery import Child, Nurseries
from services.resolver.provider import Provider

log = structlog.get_logger(__name__)

# A shorter value says nothing, and stands in any sentence.
_TELLING_CHARS: Final = 4


class _Before(Struct, frozen=True):
    listed: list[Entry] | None = None


class Extractor:
    """Runs yt-dlp on links, each in a fresh child; a few children wait ready."""

    def __init__(self, settings: ResolverSettings, egress: Egress, node: str, provider: Provider | None = None) -> None:
        """:param node: the path of Node.js, '' for none."""
        self._provider = provider
        self._settings = settings
        self._egress = egress
        self._node = node
        plugin_dirs = [str(Path(folder).absolute()) for folder in settings.ytdlp_plugin_dirs]
        self._nurseries = Nurseries(settings.resolver_memory_bytes, plugin_dirs, settings.resolver_recycle)
        self._spares: list[Child] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._refill: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Prepare the nursery and the waiting children."""
        with contextlib.suppress(OSError):
            await self._nurseries.start()
        await self._fill()

    async def close(self) -> None:
        """End the waiting children; extractions that run are their callers' to cancel."""
        if self._refill is not None:
            self._refill.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refill
        while self._spares:
            await self._spares.pop().end()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self._nurseries.close()

    async def extract(self, url: str, cookies: str = "", listed: Listed | None = None) -> Info:
        """Extract a canonical URL, with a Netscape cookie file's text if there is one.

        :param listed: hears what a list names after its first video, before that is opened.
        :raises WatchTogetherError: with a code of `errors.Code`; always within the deadline and a few seconds.
        """
        child = await self._take()
        held = self._egress.admit()
        answer = b""
        try:
            with metrics.RUNNING.track_inprogress(), metrics.SECONDS.time():
                async with asyncio.timeout(self._settings.resolver_deadline_s):
                    answer = await child.run(await self._job(child, held, url, cookies))
                    while (entries := _named(answer)) is not None:
                        if listed is not None:
                            await listed(entries)
                        answer = await child.hear()
        except TimeoutError:
            raise deadline_exceeded() from None
        finally:
            self._egress.withdraw(held)
            ending = asyncio.create_task(child.end())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            if cookies or not answer:
                # What is private is gone before anything else happens; what runs wild has ended.
                await asyncio.shield(ending)
        return _read(answer, held, cookies)

    async def _job(self, child: Child, held: Pass, url: str, cookies: str) -> dict[str, object]:
        file = child.folder / "cookies.txt"
        if cookies:
            await asyncio.to_thread(_write_private, file, cookies)
        return {
            "url": url,
            "proxy": held.proxy_url,
            "node": self._node,
            "pot_url": self._provider.url if self._provider else "",
            "cookies": str(file) if cookies else "",
        }

    async def _take(self) -> Child:
        child = self._spares.pop() if self._spares else None
        if self._settings.resolver_warm and (self._refill is None or self._refill.done()):
            self._refill = asyncio.create_task(self._fill())
        if child is not None and child.is_alive:
            return child
        if child is not None:
            await child.end()
        return await self._nurseries.bear()

    async def _fill(self) -> None:
        while len(self._spares) < self._settings.resolver_warm:
            try:
                self._spares.append(await self._nurseries.bear())
            except OSError:
                # The next job tries for itself, and says so if it can't.
                log.warning("no_spare_child", exc_info=True)
                return


def _named(answer: bytes) -> list[Entry] | None:
    """What a child says before its answer; None for that."""
    # Looked for before the line is parsed: an answer may weigh a megabyte.
    if b'"listed":[' not in answer:
        return None
    try:
        named = codec.decode_as(_Before, answer)
    except codec.MalformedError:
        return None
    return named.listed


def _read(answer: bytes, held: Pass, cookies: str) -> Info:
    try:
        content = codec.decode_as(dict[str, object], answer)
        if content.get("info") is not None:
            return codec.convert(Info, content["info"])
        failure = _discreet(codec.convert(Failure, content.get("failure")), cookies)
    except codec.MalformedError:
        failure = Failure(["Crashed"], "")
    raise _error(failure, held)


def _error(failure: Failure, held: Pass) -> WatchTogetherError:
    if held.refused is not None:
        return refused_on_the_way(held.refused.code)
    return classify(failure)


def _discreet(failure: Failure, cookies: str) -> Failure:
    """A failure whose words repeat no cookie, whatever the site has put into them."""
    message = failure.message
    for line in cookies.splitlines():
        value = line.rpartition("\t")[2]
        if len(value) >= _TELLING_CHARS:
            message = message.replace(value, "…")
    return replace(failure, message=message)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
