"""A browser with our extension in it, as people have it: the build that is shipped, loaded from its folder."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

from playwright.async_api import BrowserContext, CDPSession, Page, Worker, async_playwright

from tests.support import page
from tests.support.node import ROOT
from tests.support.popup import Popup

FOLDER: Final = ROOT / "extension" / "dist" / "chrome"


def extension_id(folder: Path) -> str:
    """The id that Chromium gives to an extension that was loaded from a folder."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:32]
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest)


class Extended:
    """A profile of its own in a Chromium of its own."""

    def __init__(self, context: BrowserContext, browser: CDPSession, extension: str) -> None:
        self.context = context
        self.id = extension
        self.said: list[str] = []
        self._browser = browser
        context.on("console", lambda entry: self.said.append(entry.text))

    async def page(self, url: str) -> Page:
        """A new tab."""
        opened = await self.context.new_page()
        await opened.goto(url)
        return opened

    async def popup(self, over: Page) -> Popup:
        """Press the extension's button while `over` is in front."""
        return await Popup.open(self._browser, over, self.id)

    async def worker(self) -> Worker:
        """The extension's background, if it runs."""
        return self.context.service_workers[0]

    async def stored(self) -> str:
        """Everything that the extension has in its storage, as JSON."""
        found = await (await self.worker()).evaluate("async () => JSON.stringify(await chrome.storage.local.get())")
        return str(found)

    async def kill_worker(self) -> None:
        """End the background, as the browser does with those that rest. Whatever happens next may begin another.

        :raises TimeoutError: if it has not ended within 10 seconds.
        """
        ended = await self._workers()
        for worker in ended:
            await self._browser.send("Target.closeTarget", {"targetId": worker})
        deadline = asyncio.get_running_loop().time() + 10
        while ended & await self._workers():
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError("the background runs on")
            await asyncio.sleep(0.05)

    async def _workers(self) -> set[str]:
        targets = await self._browser.send("Target.getTargets")
        return {
            target["targetId"]
            for target in targets["targetInfos"]
            if target["type"] == "service_worker" and target["url"].startswith(f"chrome-extension://{self.id}/")
        }


@asynccontextmanager
async def extended(profile: Path, *, granted: Iterable[str] = (), language: str = "en-US") -> AsyncIterator[Extended]:
    """Chromium with the extension in a fresh profile, in a language.

    `granted`: match patterns that its person has granted before and the extension gave back. Chromium's question for
    them is a window that no protocol reaches; for what was granted once it does not ask again. So the build, its
    manifest and its request are those of everybody, and nothing is open to it before it asks.
    """
    if not (FOLDER / "manifest.json").is_file():
        raise FileNotFoundError("the extension is not built: make extension")
    name = extension_id(FOLDER)
    _remember(profile, name, list(granted))
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=page.chromium(),
            headless=True,
            locale=language,
            env={**os.environ, "LANGUAGE": language},
            args=[
                *page.ARGUMENTS,
                f"--lang={language}",
                f"--load-extension={FOLDER}",
                f"--disable-extensions-except={FOLDER}",
                # For pressing its button.
                "--enable-unsafe-extension-debugging",
            ],
            ignore_default_args=["--disable-extensions"],
        )
        try:
            if not context.service_workers:
                await context.wait_for_event("serviceworker")
            browser = context.browser
            assert browser is not None
            yield Extended(context, await browser.new_browser_cdp_session(), name)
        finally:
            await context.close()


def _remember(profile: Path, extension: str, patterns: list[str]) -> None:
    folder = profile / "Default"
    folder.mkdir(parents=True)
    hosts = {"api": [], "explicit_host": patterns, "manifest_permissions": [], "scriptable_host": []}
    settings = cast(dict[str, Any], {extension: {"runtime_granted_permissions": hosts}})
    (folder / "Preferences").write_text(json.dumps({"extensions": {"settings": settings}}), encoding="utf-8")
