"""Runs the room's scripts where the room is, and makes Redis' errors ours."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from services.common.errors import Broken, Refused, Unavailable
from services.common.keys import Keys
from services.common.metrics import PIPE_FALLBACKS
from services.common.pipe import Lane, NoAnswerError
from services.common.redis import Pipes
from services.common.room.reasons import REASONS
from services.common.room.script import ScriptName, source
from services.common.room.sender import Sender

# What a server says that is a replica, starts, is full, can't write, has lost its replicas or is busy with another's
# script: nothing was done.
_NOT_NOW: Final = frozenset(
    ("READONLY", "LOADING", "MASTERDOWN", "OOM", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN", "BUSY")
)


# What goes by a connection of its own. Large answers: Redis cuts a subscriber that has too much to read. And what is
# done at intervals: no subscription is to be given up for it.
_BESIDE: Final = frozenset(("snapshot", "summary", "catchup", "bans", "join", "leave", "refresh", "reap"))


def unavailable() -> Unavailable:
    """What is said when Redis does not answer."""
    return Unavailable("unavailable", "The room store does not answer. Playback goes on.", retry_after_ms=1000)


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """Talk to Redis.

    :raises Unavailable: in place of what redis-py raises when there is no answer.
    """
    try:
        yield
    except (RedisError, OSError) as error:
        raise unavailable() from error


class ScriptRunner:
    """Runs one script at a time, by a pipe where there is one, else by redis-py, which knows how long to try."""

    def __init__(self, redis: Redis, keys: Keys, pipes: Pipes | None) -> None:
        self._redis = redis
        self._keys = keys
        self._pipes = pipes

    async def run(self, name: ScriptName, room: str, run: str, sender: Sender, *args: str) -> list[Any]:
        """A script's answer, its first word included. `run`: the Redis history that its events name.

        :raises Refused: when the room says no.
        :raises Unavailable: if Redis does not answer; what changes a room may then have been done.
        :raises Broken: if the script itself fails.
        """
        keys = self._keys.room_keys(room)
        argv = (self._keys.events(room), run, sender.member, sender.command, sender.connection, *args)
        try:
            answer: list[Any]
            try:
                if self._pipes is None or (lane := self._lane(name, keys[0])) is None:
                    raise NoAnswerError
                text, digest = _script(name)
                command = ("EVALSHA", digest, str(len(keys)), *keys, *argv)
                try:
                    answer = await lane.ask(*command)
                except NoScriptError:
                    lane.load(text)
                    answer = await lane.ask(*command)
            except (NoAnswerError, NoScriptError):
                # redis-py knows how to find the right server, and how long to try.
                if self._pipes is not None:
                    PIPE_FALLBACKS.add()
                answer = await self._evaluate(name, keys, argv)
        except ResponseError as error:
            if _is_not_now(error):
                raise unavailable() from error
            # Anything else is a script of ours gone wrong.
            raise Broken("broken", f"room script {name}: {error}") from error
        except (RedisError, OSError) as error:
            raise unavailable() from error
        if answer[0] == b"refused":
            code = answer[1].decode()
            raise Refused(code, REASONS.get(code, code))
        return answer

    async def ask(self, key: str, *command: str | bytes) -> None:
        """Run a command on the master of its key, whatever it answers.

        :raises Unavailable: if Redis does not answer, or refuses it.
        """
        with reaching():
            if self._pipes is not None and (pipe := self._pipes.to(key)) is not None:
                with contextlib.suppress(NoAnswerError):
                    await pipe.ask(*command)
                    return
            await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]

    def _lane(self, name: ScriptName, key: str) -> Lane | None:
        if self._pipes is None:
            return None
        lane = self._pipes.lane
        return lane if lane is not None and name not in _BESIDE and lane.is_open else self._pipes.to(key)

    async def _evaluate(self, name: ScriptName, keys: tuple[str, ...], argv: tuple[str, ...]) -> list[Any]:
        text, digest = _script(name)
        answer: list[Any]
        try:
            answer = await self._redis.evalsha(digest, len(keys), *keys, *argv)  # type: ignore[misc]
        except NoScriptError:
            # Another master has other scripts; EVAL brings this one to the master that needs it.
            answer = await self._redis.eval(text, len(keys), *keys, *argv)  # type: ignore[misc]
        return answer


def _is_not_now(error: ResponseError) -> bool:
    # redis-py takes the first word away where it has a class of its own.
    return isinstance(error, OutOfMemoryError | ReadOnlyError) or str(error).split(" ", 1)[0] in _NOT_NOW


@cache
def _script(name: ScriptName) -> tuple[str, str]:
    text = source(name)
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
