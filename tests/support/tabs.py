"""Tabs that are truly put behind others, frozen, and put to sleep with their browser.

Playwright has every page believe that it is in front. So this is a Chromium of its own, spoken to by its debugging
protocol, with the little that such tests need.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import tempfile
from types import TracebackType
from typing import Any, Final, Self

from websockets.asyncio.client import ClientConnection, connect

from tests.support import page

START_TIMEOUT_S: Final = 20.0
# What makes Playwright's pages go on behind others is what is looked at here.
_LEFT_OUT: Final = ("--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding")


class TabBrowser:
    """A Chromium with tabs in one window. Use it as an asynchronous context manager."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tabs-", ignore_cleanup_errors=True)
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """:raises TimeoutError: if Chromium is not there within twenty seconds."""
        arguments = [argument for argument in page.ARGUMENTS if argument not in _LEFT_OUT]
        self._process = await asyncio.create_subprocess_exec(
            page.chromium() or "chromium", "--headless=new", *arguments, "--remote-debugging-port=0",
            f"--user-data-dir={self._folder.name}", "about:blank",
            stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        async with asyncio.timeout(START_TIMEOUT_S):
            self._socket = await connect(await self._address(), max_size=None, ping_interval=None)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket is not None:
            self._socket.transport.abort()
        if self._process is not None:
            self.sleep(is_asleep=False)
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        self._folder.cleanup()

    async def open(self, url: str) -> Tab:
        """A new tab, in front of the others."""
        target = (await self.call("Target.createTarget", url=url))["targetId"]
        session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        return Tab(self, target, session)

    def sleep(self, *, is_asleep: bool = True) -> None:
        """Stop every process of the browser, or let them go on: the laptop is closed, or opened."""
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGSTOP if is_asleep else signal.SIGCONT)

    async def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol.

        :raises RuntimeError: with what Chromium says against it.
        """
        assert self._socket is not None
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        said = await answer
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']['message']}")
        found: dict[str, Any] = said["result"]
        return found

    async def _address(self) -> str:
        assert self._process is not None
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            if b"ws://" in line:
                return line.split()[-1].decode()
        raise RuntimeError("Chromium ended")

    async def _read(self) -> None:
        assert self._socket is not None
        async for text in self._socket:
            message = json.loads(text)
            if answer := self._answers.pop(message.get("id", 0), None):
                answer.set_result(message)


class Tab:
    """A page in a tab."""

    def __init__(self, browser: TabBrowser, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    async def show(self) -> None:
        """Put it in front of the others."""
        await self._browser.call("Target.activateTarget", targetId=self._target)

    async def freeze(self, *, is_frozen: bool = True) -> None:
        """Do as Chromium does with a hidden tab to save power: no timer runs, nothing is read. Minimizes the window."""
        window = (await self._browser.call("Browser.getWindowForTarget", targetId=self._target))["windowId"]
        state = {"windowState": "minimized" if is_frozen else "normal"}
        if is_frozen:
            await self._browser.call("Browser.setWindowBounds", windowId=window, bounds=state)
        await self._call("Page.setWebLifecycleState", state="frozen" if is_frozen else "active")
        if not is_frozen:
            await self._browser.call("Browser.setWindowBounds", windowId=window, bounds=state)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression.

        :raises RuntimeError: if it throws.
        """
        found = await self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    async def until(self, condition: str, timeout_s: float = 20.0) -> None:
        """Wait until a JavaScript condition holds.

        :raises TimeoutError: naming the condition.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not await self.evaluate(condition):  # noqa: ASYNC110 - it happens in the page
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(condition) from None

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self._browser.call(method, self._session, **parameters)
