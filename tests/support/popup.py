"""The window under an extension's button, opened as a press on the button opens it, and worked by mouse and keys.

Playwright knows tabs only: this speaks the DevTools protocol with the window itself.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final, Self

from playwright.async_api import CDPSession, Page

from tests.support.waiting import says

_WAIT_S: Final = 10.0
# Of the first element with this accessible name: buttons by their words, switches and fields by their label.
_FIND: Final = """(name) => [...document.querySelectorAll('button, input, summary')].find(
  (each) => (each.getAttribute('aria-label') ?? each.textContent).trim() === name)"""


class Popup:
    """Use `open`. It ends by itself when something else is clicked, as popups do."""

    def __init__(self, browser: CDPSession, session: str) -> None:
        self._browser = browser
        self._session = session
        self._ids = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        browser.on("Target.receivedMessageFromTarget", self._take)

    @classmethod
    async def open(cls, browser: CDPSession, page: Page, extension: str) -> Self:
        """Press the extension's button while `page` is in front.

        :raises TimeoutError: if no window opens.
        """
        await page.bring_to_front()
        before = await _windows(browser, extension)
        tabs = await browser.send("Target.getTargets", {"filter": [{"type": "tab", "exclude": False}]})
        front = next(tab for tab in tabs["targetInfos"] if tab["embedderData"]["tabActive"])
        assert front["url"] == page.url
        await browser.send("Extensions.triggerAction", {"id": extension, "targetId": front["targetId"]})
        deadline = time.monotonic() + _WAIT_S
        while not (opened := await _windows(browser, extension) - before):
            if time.monotonic() > deadline:
                raise TimeoutError("the extension's window did not open")
            await asyncio.sleep(0.05)
        # Not flattened: else the messages would be of a session that Playwright does not know.
        attached = await browser.send("Target.attachToTarget", {"targetId": opened.pop(), "flatten": False})
        return cls(browser, attached["sessionId"])

    async def evaluate(self, expression: str, *, awaits: bool = True) -> Any:
        """The value of a JavaScript expression there.

        :raises RuntimeError: if it throws.
        """
        answer = await self._send(
            "Runtime.evaluate", {"expression": expression, "awaitPromise": awaits, "returnByValue": True}
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def text(self) -> str:
        """What it says."""
        return str(await self.evaluate("document.body?.innerText ?? ''"))

    async def html(self) -> str:
        """Its elements, attributes and all."""
        return str(await self.evaluate("document.documentElement.outerHTML"))

    async def shows(self, text: str, *, timeout_s: float = 15) -> None:
        """Wait until it says `text`.

        :raises TimeoutError: with what it says instead.
        """
        await says(self.text, text, timeout_s)

    async def click(self, name: str) -> None:
        """Press a button, switch or field by its accessible name, with the mouse."""
        deadline = time.monotonic() + _WAIT_S
        where = f"(() => {{ const found = ({_FIND})({json.dumps(name)}); if (!found) return null; "
        where += "found.scrollIntoView({ block: 'center' }); const box = found.getBoundingClientRect(); "
        where += "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        while (at := await self.evaluate(where)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"there is no {name!r} in: {await self.text()}")
            await asyncio.sleep(0.05)
        for kind in ("mousePressed", "mouseReleased"):
            event = {"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1}
            await self._send("Input.dispatchMouseEvent", event)

    async def fill(self, name: str, text: str) -> None:
        """Type into a field."""
        await self.click(name)
        await self._send("Input.insertText", {"text": text})

    async def is_on(self, name: str) -> bool:
        """Whether a switch is on."""
        return bool(await self.evaluate(f"({_FIND})({json.dumps(name)})?.getAttribute('aria-checked') === 'true'"))

    async def close(self) -> None:
        """Close the window."""
        await self.evaluate("setTimeout(() => window.close()), 0")

    async def _send(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._ids += 1
        answer = self._answers[self._ids] = asyncio.get_running_loop().create_future()
        message = json.dumps({"id": self._ids, "method": method, "params": parameters})
        await self._browser.send("Target.sendMessageToTarget", {"message": message, "sessionId": self._session})
        found = await asyncio.wait_for(answer, _WAIT_S)
        if "error" in found:
            raise RuntimeError(f"{method}: {found['error']}")
        return dict(found["result"])

    def _take(self, event: dict[str, Any]) -> None:
        if event["sessionId"] != self._session:
            return
        message = json.loads(event["message"])
        waiting = self._answers.pop(message.get("id", 0), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)


async def _windows(browser: CDPSession, extension: str) -> set[str]:
    """The targets of an extension's pages."""
    targets = await browser.send("Target.getTargets")
    base = f"chrome-extension://{extension}/"
    return {
        each["targetId"] for each in targets["targetInfos"] if each["type"] == "page" and each["url"].startswith(base)
    }
