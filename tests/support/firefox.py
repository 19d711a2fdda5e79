"""Firefox with our extension in it, headless, by WebDriver BiDi: the build that is shipped, installed from its zip."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

from tests.support.node import ROOT
from tests.support.waiting import says

_EXTENSION: Final = "watch-together@watch-together.invalid"
_WAIT_S: Final = 30.0
_PREFERENCES: Final[Mapping[str, object]] = {
    # The browser's own question is no part of a page. Nothing is granted that is not asked for in a press.
    "extensions.webextOptionalPermissionPrompts": False,
    "intl.locale.requested": "en-US",
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
}
# By accessible name, as `tests.support.popup` looks.
_FIND: Final = """(name) => [...document.querySelectorAll('button, input, summary')].find(
  (each) => (each.getAttribute('aria-label') ?? each.textContent).trim() === name)"""


@cache
def missing() -> str:
    """What this machine lacks, or "" if it has a Firefox that takes our extension."""
    program = _program()
    if program is None:
        return "no Firefox on this machine: apt-get install firefox-esr"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60).stdout
    found = re.search(r"\d+", told)
    return "" if found and int(found[0]) >= 142 else f"Firefox 142 or newer is wanted, not {told.strip()!r}"


def _program() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Tab:
    """One tab."""

    def __init__(self, browser: Firefox, context: str) -> None:
        self._browser = browser
        self._context = context

    async def goto(self, url: str) -> None:
        """Open an address, and wait until it is there."""
        await self._browser.ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression, which may be a promise; through JSON.

        :raises RuntimeError: if it throws.
        """
        answer = await self._browser.ask(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({expression})) ?? null))()",
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    async def fetch(self, path: str, body: str | None = None) -> Any:
        """What the page's server answers to the page: to a POST, if there is a body."""
        how = json.dumps({} if body is None else {"method": "POST", "body": body})
        return await self.evaluate(f"fetch({json.dumps(path)}, {how}).then((answer) => answer.json())")

    async def text(self) -> str:
        """What it says."""
        return str(await self.evaluate("document.body.innerText"))

    async def shows(self, text: str, *, timeout_s: float = 20) -> None:
        """Wait until it says `text`.

        :raises TimeoutError: with what it says instead.
        """
        await says(self.text, text, timeout_s)

    async def click(self, name: str) -> None:
        """Press a button or a switch by its accessible name, with the mouse: only that may ask for permissions."""
        await self._there(name)
        where = (
            f"(() => {{ const found = ({_FIND})({json.dumps(name)}); found.scrollIntoView({{ block: 'center' }}); "
            "const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        x, y = await self.evaluate(where)
        moves: list[dict[str, object]] = [
            {"type": "pointerMove", "x": round(x), "y": round(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "actions": moves}
        await self._browser.ask("input.performActions", context=self._context, actions=[mouse])

    async def fill(self, name: str, text: str) -> None:
        """Write into a field."""
        await self._there(name)
        await self.evaluate(f"void (({_FIND})({json.dumps(name)}).value = {json.dumps(text)})")

    async def _there(self, name: str) -> None:
        deadline = time.monotonic() + 10
        while not await self.evaluate(f"({_FIND})({json.dumps(name)}) !== undefined"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"there is no {name!r} in: {await self.text()}")
            await asyncio.sleep(0.05)


class Firefox:
    """A profile of its own. Use `firefox`."""

    def __init__(self, socket: ClientConnection, uuid_: str) -> None:
        self._socket = socket
        self._uuid = uuid_
        self._ids = 0

    async def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of the protocol; one at a time.

        :raises RuntimeError: with the browser's words, if it refuses.
        """
        self._ids += 1
        await self._socket.send(json.dumps({"id": self._ids, "method": method, "params": parameters}))
        async with asyncio.timeout(_WAIT_S):
            while (answer := json.loads(await self._socket.recv())).get("id") != self._ids:
                pass
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        return dict(answer["result"])

    async def tab(self, url: str) -> Tab:
        """A new tab with an address."""
        made = await self.ask("browsingContext.create", type="tab")
        tab = Tab(self, made["context"])
        await tab.goto(url)
        return tab

    async def popup(self) -> Tab:
        """The extension's window, in a tab."""
        return await self.tab(f"moz-extension://{self._uuid}/popup.html")


@asynccontextmanager
async def firefox(profile: Path, **preferences: object) -> AsyncIterator[Firefox]:
    """Firefox with the extension in a fresh profile."""
    (package,) = (ROOT / "extension" / "dist").glob("watch-together-firefox-*.zip")
    known = str(uuid.uuid4())
    process = await asyncio.to_thread(_start, profile, known, preferences)
    try:
        address = await asyncio.to_thread(_address, profile / "log")
        async with connect(f"{address}/session", max_size=None) as socket:
            browser = Firefox(socket, known)
            await browser.ask("session.new", capabilities={})
            await browser.ask("webExtension.install", extensionData={"type": "archivePath", "path": str(package)})
            yield browser
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def _start(profile: Path, known: str, preferences: Mapping[str, object]) -> subprocess.Popen[bytes]:
    uuids = {"extensions.webextensions.uuids": json.dumps({_EXTENSION: known})}
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});"
        for name, value in {**_PREFERENCES, **uuids, **preferences}.items()
    ]
    profile.mkdir(parents=True)
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    program = _program()
    assert program is not None
    command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port=0"]
    with (profile / "log").open("wb") as log:
        # Pages of extensions are none of the web's: they want this access.
        return subprocess.Popen([*command, "--remote-allow-system-access"], stdout=log, stderr=log)


def _address(log: Path) -> str:
    """Where it listens, once it does.

    :raises TimeoutError: with what it said instead.
    """
    deadline = time.monotonic() + _WAIT_S
    while (found := re.search(r"BiDi listening on (ws://\S+)", log.read_text(errors="replace"))) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Firefox does not listen: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
    return found[1]
