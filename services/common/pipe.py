"""Commands to one Redis server over one connection, each sent without waiting for the answers before it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import hiredis
import structlog
from redis.exceptions import NoScriptError, ResponseError

from services.common.link import Link, dial
from services.common.pool import COMMAND_TIMEOUT_S, CONNECT_TIMEOUT_S
from services.common.topology import Address, Topology

log = structlog.get_logger()

_AGAIN_S: Final = 0.3
# The answer in front is looked at so often in the time that a command may take.
_LOOKS: Final = 4
# Refusals of the server's, not the command's: nothing was done, another server or another moment may do it.
_ELSEWHERE: Final = frozenset(("READONLY", "LOADING", "MASTERDOWN", "NOAUTH"))
_NOT_HERE: Final = frozenset(("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"))


Answers = deque[asyncio.Future[Any]]


class NoAnswerError(Exception):
    """Not sent, sent to the wrong server, or lost before its answer: it may have been carried out or not."""


class Lane:
    """Commands over a connection that somebody else makes and gives it (`use`).

    Whatever goes wrong here ends in `NoAnswerError`; who asked then asks otherwise, with the same command id.
    """

    def __init__(self) -> None:
        self._link: Link | None = None
        # Of the connection that is in use: what is awaited, in order.
        self._answers: Answers = deque()
        self._loading: set[str] = set()
        self._watching: asyncio.TimerHandle | None = None

    def use(self, link: Link) -> Callable[[Any], None]:
        """Send by this connection from now on. Answers what takes its replies, those to our commands alone."""
        answers: Answers = deque()
        link.lost.add_done_callback(lambda _: self._lose(link, answers))
        self._link, self._answers = link, answers
        return partial(self._on_reply, answers)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection to send by."""
        return self._link is not None and not self._link.is_closing

    def ask(self, *command: str | bytes) -> asyncio.Future[Any]:
        """Send a command. Answers arrive in the order of the commands.

        The future raises `NoAnswerError`, or redis-py's `ResponseError` if the command itself was refused.

        :raises NoAnswerError: if there is no connection now.
        """
        link = self._link
        if link is None or link.is_closing:
            self._miss()
            raise NoAnswerError("not connected")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        link.send(*command)
        if self._watching is None:
            self._look(None, 0)
        return answer

    def load(self, script: str) -> None:
        """Bring a script, for the commands behind this; once for all who find it missing at one time.

        :raises NoAnswerError: if there is no connection now.
        """
        if script not in self._loading:
            loading = self.ask("SCRIPT", "LOAD", script)
            self._loading.add(script)
            loading.add_done_callback(partial(self._loaded, script))

    def abort(self) -> None:
        """Cut the connection: it leads to a server that is not the right one any more."""
        if self._link is not None:
            self._link.abort()
            self._lose(self._link, self._answers)

    def _on_reply(self, answers: Answers, reply: Any) -> None:
        if not answers:
            # Given up with their connection, whose last bytes may hold more of them.
            return
        answer = answers.popleft()
        if answer.done():
            # Whoever asked has gone.
            return
        if not isinstance(reply, hiredis.ReplyError):
            answer.set_result(reply)
            return
        kind = str(reply).split(" ", 1)[0]
        if kind in _ELSEWHERE or kind in _NOT_HERE:
            answer.set_exception(NoAnswerError(kind))
            if kind in _ELSEWHERE:
                self.abort()
        elif kind == "NOSCRIPT":
            answer.set_exception(NoScriptError(str(reply)))
        else:
            answer.set_exception(ResponseError(str(reply)))

    def _loaded(self, script: str, answer: asyncio.Future[Any]) -> None:
        self._loading.discard(script)
        if not answer.cancelled():
            # Whoever uses it notices.
            answer.exception()

    def _lose(self, link: Link, answers: Answers) -> None:
        if link is self._link:
            self._link = None
        while answers:
            answer = answers.popleft()
            if not answer.done():
                answer.set_exception(NoAnswerError("connection lost"))

    def _look(self, front: asyncio.Future[Any] | None, times: int) -> None:
        """Cut a connection whose answer in front does not come. Counts turns of the loop, not the clock alone: a
        process that stood still reads what has come meanwhile first."""
        now = self._answers[0] if self._answers else None
        if now is None:
            self._watching = None
            return
        times = times + 1 if now is front else 0
        if times >= _LOOKS:
            log.warning("pipe_silent")
            self._watching = None
            self.abort()
            return
        loop = asyncio.get_running_loop()
        self._watching = loop.call_later(COMMAND_TIMEOUT_S / _LOOKS, self._look, now, times)

    def _miss(self) -> None:
        """There is no connection."""


class Pipe(Lane):
    """A fast path beside redis-py, which costs ten times more for a command and knows what to do when one fails.

    It connects when it is first asked, and again when it has lost its connection; nothing waits for that. `locate`
    tells where to, `proves_master` makes sure that it is a master.
    """

    def __init__(
        self, locate: Callable[[], Awaitable[Address]], topology: Topology, *, proves_master: bool = False
    ) -> None:
        super().__init__()
        self._locate = locate
        self._topology = topology
        self._proves_master = proves_master
        self._connecting: asyncio.Task[None] | None = None

    async def connected(self) -> None:
        """Wait for the attempt to connect that is under way, or for one, if there is no connection."""
        if self._link is None:
            self._connect_soon()
            if self._connecting is not None:
                await asyncio.wait((self._connecting,))

    async def aclose(self) -> None:
        """Cut the connection, and connect no more."""
        self.abort()
        if self._watching is not None:
            self._watching.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)

    def _miss(self) -> None:
        self._connect_soon()

    def _connect_soon(self) -> None:
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        answers: Answers = deque()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                link = await self._dial(answers)
                try:
                    await self._greet(link, answers)
                except BaseException:
                    link.abort()
                    raise
        except (OSError, TimeoutError, hiredis.HiredisError, NoAnswerError, ResponseError) as error:
            log.info("pipe_not_connected", error=type(error).__name__)
            await asyncio.sleep(_AGAIN_S)
            return
        self._link, self._answers = link, answers

    async def _dial(self, answers: Answers) -> Link:
        topology = self._topology
        link = await dial(
            await self._locate(), partial(self._on_reply, answers),
            tls=topology.tls, username=topology.username, password=topology.password,
        )  # fmt: skip
        link.lost.add_done_callback(lambda _: self._lose(link, answers))
        return link

    async def _greet(self, link: Link, answers: Answers) -> None:
        """See to what must be said first on a connection.

        :raises NoAnswerError: if it is not the server that was meant.
        """
        greetings: list[tuple[str, ...]] = []
        if self._topology.db:
            greetings.append(("SELECT", str(self._topology.db)))
        if self._proves_master:
            greetings.append(("ROLE",))
        # `dial` has said who we are; this is the place of the answer.
        count = len(greetings) + bool(self._topology.password)
        answers.extend(asyncio.get_running_loop().create_future() for _ in range(count))
        for greeting in greetings:
            link.send(*greeting)
        said = await asyncio.gather(*answers)
        if self._proves_master and said[-1][0] != b"master":
            raise NoAnswerError("not the master")
