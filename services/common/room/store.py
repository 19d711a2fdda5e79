"""Rooms in Redis. Every change is one atomic script that checks, applies, numbers and publishes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from services.common import codec
from services.common.errors import Broken, Refused, Unavailable
from services.common.keys import Keys
from services.common.metrics import PIPE_FALLBACKS
from services.common.pipe import NoAnswerError
from services.common.redis import ONLY, Pipes, is_cluster, master_of, masters
from services.common.room.script import ScriptName, source
from services.common.room.snapshot import RoomRecord, for_strangers, read_record
from services.common.wire.models import Attempt, LiveWindow, QueueItem, Role, RoomSummary

PlaybackKind = Literal["play", "pause", "seek", "set_rate"]

MOST_ITEMS: Final = 500
# How many entries of a playlist enter a room at a time.
AT_A_TIME: Final = 50
# How long a room is remembered as told to `keys.rooms()`, so that a busy room doesn't write there on every command.
_TOUCH_EVERY_S: Final = 20.0

_REASONS: Final[dict[str, str]] = {
    "nothing_playing": "Nothing is playing yet.",
    "live": "A live stream goes at its own speed, and can be sought in only where its pictures have dates.",
    "no_such_item": "That item is no longer in the queue.",
    "no_such_room": "There is no room of that name.",
    "not_lent": "Their cookies may not serve this item any more.",
    "queue_full": f"The queue is full ({MOST_ITEMS} items).",
    "not_at_end": "The video is not over yet.",
    "nobody_present": "Nobody is in the room.",
    "not_a_member": "You are not in this room.",
    "forbidden": "You may not do that in this room.",
    "banned": "You are banned from this room.",
    "locked": "This room is locked: nobody new comes in.",
    "password_required": "This room has a password.",
    "no_such_member": "They are not in this room any more.",
    "too_late": "It is too late to undo that.",
    "not_undoable": "That can't be undone.",
    "not_waiting": "The room does not wait for this.",
    "excused": "The room does not wait for somebody who stalls so often.",
    "snapshot_needed": "Too much has happened since.",
}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a command comes from. `command` is its id, by which a repeat is known; '' applies it every time."""

    member: str
    connection: str = ""
    command: str = ""


SYSTEM: Final = Sender("")


class RoomStore:
    """Reads and changes rooms. `refresh_run` must have succeeded once before the first change.

    Every method raises `Refused` when the room says no, and `Unavailable` when Redis does not answer; a change may
    then have happened or not, and repeating it with the same command id is safe.
    """

    def __init__(self, redis: Redis, keys: Keys, pipes: Pipes | None = None) -> None:
        """:param pipes: the fast way to the same server, for who gives many commands."""
        self._redis = redis
        self._has_many_masters = is_cluster(redis)
        self._pipes = pipes
        self._keys = keys
        self._touched: dict[str, float] = {}
        self._refreshing: dict[str, asyncio.Task[None]] = {}
        # Which Redis history each master keeps, by the master's name.
        self.runs: dict[str, str] = {}

    def master_of(self, room: str) -> str:
        """The name of the master that holds a room; '' where there is one only."""
        return master_of(self._redis, self._keys.room(room)) if self._has_many_masters else ONLY

    def run_of(self, room: str) -> str:
        """The Redis history that a room is in: of the master that holds it."""
        return self.runs.get(self.master_of(room), "")

    async def masters(self) -> list[str]:
        """The names of the masters that hold rooms now."""
        return list(await self._masters())

    async def refresh_run(self) -> None:
        """Read which Redis history every master keeps: `runs` changes with another server, a restart, a fail-over.

        A master that does not answer keeps what it had.
        """
        outcomes = await asyncio.gather(
            *(self.refresh_run_at(name) for name in await self._masters()), return_exceptions=True
        )
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if len(failed) == len(outcomes):
            raise failed[0]

    async def refresh_run_at(self, master: str) -> None:
        """Read which Redis history one master keeps. Those who ask at one time share one reading."""
        task = self._refreshing.get(master)
        if task is None:
            task = self._refreshing[master] = asyncio.create_task(self._read_run(master))
            task.add_done_callback(lambda done: self._forget(master, done))
        await asyncio.shield(task)

    async def redis_time(self, master: str = "") -> float:
        """A master's clock, Unix seconds. '' is any."""
        try:
            whole, micros = await (await self._masters()).get(master, self._redis).time()
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        return float(whole) + float(micros) / 1e6

    async def probe(self, channel: str, took: Callable[[str], None]) -> None:
        """Publish a sign of life through every master: its name. `took` is called with each that took it."""

        async def one(name: str, node: Redis) -> None:
            await node.publish(channel, name)
            took(name)

        nodes = await self._masters()
        outcomes = await asyncio.gather(*(one(*node) for node in nodes.items()), return_exceptions=True)
        if all(isinstance(outcome, BaseException) for outcome in outcomes):
            raise _unavailable()

    async def snapshot(self, room: str) -> RoomRecord | None:
        """The whole room at one version, or None if there is no such room."""
        run = self.run_of(room)
        try:
            answer = await self._run("snapshot", room, SYSTEM)
        except Refused:
            return None
        return read_record(room, run, *answer[1:7])

    async def catch_up(self, room: str, version: int) -> list[bytes]:
        """The encoded events after `version`, all of them.

        :raises Refused: `snapshot_needed` if the log does not reach back so far.
        """
        answer = await self._run("catchup", room, SYSTEM, str(version))
        return list(answer[1:])

    async def join(
        self,
        room: str,
        sender: Sender,
        *,
        name: str,
        is_guest: bool,
        replica: str,
        lease_ms: int,
        unlisted: bool = False,
        address: str = "",
        judged_until: float | None = None,
    ) -> int:
        """Let a connection in, making the room if it is new. Answers the version at which it is in.

        In a room where every lease ended by `judged_until` (room clock; None is now) nobody was: it stood still.

        :raises Refused: `banned`, `locked`, `password_required`.
        """
        answer = await self._run(
            "join", room, sender, str(lease_ms), name, _flag(is_guest), replica, _flag(unlisted), address,
            _milliseconds(judged_until),
        )  # fmt: skip
        return int(answer[1])

    async def refresh(
        self, room: str, leases: Sequence[tuple[str, int]], *, replica: str = "", rtt_ms: int = 0
    ) -> tuple[int, list[str]]:
        """Renew leases (connection, ms), and tell how slow the slowest of them is.

        Answers the room's version and the connections that must join again.
        """
        flat = [part for connection, lease_ms in leases for part in (connection, str(lease_ms))]
        answer = await self._run("refresh", room, SYSTEM, replica, str(rtt_ms), *flat)
        return int(answer[1]), [connection.decode() for connection in answer[2:]]

    async def leave(self, room: str, connection: str, *, grace_ms: int) -> None:
        """Shorten a connection's lease; the member is gone when it ends."""
        await self._run("leave", room, Sender("", connection), str(grace_ms))

    async def reap(self, room: str, judged_until: float | None = None) -> float | None:
        """Remove connections whose lease ended by `judged_until` (room clock, seconds; None is now).

        Answers when the next one ends (room clock, ms), if there is one.
        """
        answer = await self._run("reap", room, SYSTEM, _milliseconds(judged_until))
        return float(answer[2]) if answer[2] else None

    async def reanchor(self, room: str, step_s: float) -> None:
        """Redis' wall clock was stepped by `step_s`: move the room's times with it. Once, whoever notices."""
        await self._run("reanchor", room, SYSTEM, f"{step_s:.6f}")

    async def playback(
        self, room: str, sender: Sender, kind: PlaybackKind, value: float, *, superseded: Sequence[str] = ()
    ) -> int:
        """Play, pause or seek at a position in seconds, or set the rate.

        `superseded`: ids of the sender's seeks that this one replaces; repeats of them get this one's answer.
        """
        return await self._change("playback", room, sender, kind, f"{value:.6f}", *superseded)

    async def add_item(
        self,
        room: str,
        sender: Sender,
        item: QueueItem,
        *,
        next: bool = False,
        create: bool = False,
        unlisted: bool = False,
    ) -> int:
        """Add an item; in an idle room it becomes the current one. Adding the same id again changes nothing."""
        return await self._change(
            "queue_add", room, sender,
            item.id, codec.encode_text(item), _flag(next), str(MOST_ITEMS), _flag(unlisted), _flag(create),
        )  # fmt: skip

    async def extend(self, room: str, item: str, entries: Sequence[QueueItem]) -> None:
        """Put the entries of a playlist behind the queue. Those that are there already, or for which there is no room
        in the queue, are left out; so are all if `item`, which named the playlist, is gone.
        """
        pairs = [text for entry in entries for text in (entry.id, codec.encode_text(entry))]
        try:
            await self._change("queue_extend", room, SYSTEM, item, str(MOST_ITEMS), *pairs)
        except Refused as refusal:
            if refusal.code != "no_such_item":
                raise

    async def follow(self, room: str, item: str, entries: Sequence[QueueItem]) -> None:
        """`extend` by parts: each time everybody gets the whole queue."""
        for start in range(0, len(entries), AT_A_TIME):
            await self.extend(room, item, entries[start : start + AT_A_TIME])

    async def item(self, room: str, item: str) -> QueueItem | None:
        """One item of a room's queue."""
        try:
            raw = await self._redis.hget(self._keys.items(room), item)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        try:
            return None if raw is None else codec.decode_as(QueueItem, raw)
        except codec.MalformedError:
            return None

    async def remove_item(self, room: str, sender: Sender, item: str) -> int:
        """Remove an item; when it is the current one, the next begins."""
        return await self._change("queue_remove", room, sender, item)

    async def reorder(self, room: str, sender: Sender, items: Sequence[str]) -> int:
        """Give the queue a new order. Unknown ids are skipped, unnamed items keep the end."""
        return await self._change("queue_reorder", room, sender, *items)

    async def play_item(self, room: str, sender: Sender, item: str, *, lend: bool = False) -> int:
        """Play an item now; it replaces the current one. `lend`: the sender's cookies may serve it here."""
        return await self._change("queue_play", room, sender, item, _flag(lend))

    async def retry_item(self, room: str, sender: Sender, item: str, *, lend: bool = False) -> int:
        """Mark a failed item as being resolved again. `lend`: the sender's cookies may serve it here."""
        return await self._change("queue_retry", room, sender, item, _flag(lend))

    async def lend(self, room: str, sender: Sender, item: str, *, lend: bool) -> int:
        """The sender's cookies may serve an item in this room, or may no longer."""
        return await self._change("queue_lend", room, sender, item, _flag(lend))

    async def clear_queue(self, room: str, sender: Sender) -> int:
        """Remove every item but the current one."""
        return await self._change("queue_clear", room, sender)

    async def vote(self, room: str, sender: Sender, item: str) -> int:
        """Vote for an item, or take the vote back; items with more votes come first."""
        return await self._change("queue_vote", room, sender, item)

    async def change_settings(
        self, room: str, sender: Sender, change: Mapping[str, object], *, unlisted: bool | None, password_hash: str
    ) -> int:
        """Change some settings. `password_hash`: '-' removes the password, '' leaves it."""
        listing = "" if unlisted is None else _flag(unlisted)
        return await self._change("settings", room, sender, codec.encode_text(change), listing, password_hash)

    async def set_role(self, room: str, sender: Sender, member: str, role: Role) -> int:
        """Give a member a role; to make somebody owner gives the room away."""
        return await self._change("set_role", room, sender, member, role)

    async def send_out(
        self, room: str, sender: Sender, member: str, *, banned: bool = False, address: bool = False
    ) -> int:
        """Kick a member, or ban them: by id, and with `address` everybody from their address."""
        return await self._change("send_out", room, sender, member, "banned" if banned else "kicked", _flag(address))

    async def chat(self, room: str, sender: Sender, message: str, text: str) -> int:
        """Say something; `message` is the new message's id."""
        return await self._change("chat", room, sender, message, text)

    async def react(self, room: str, sender: Sender, emoji: str) -> int:
        """Show everybody an emoji. Nothing is kept of it."""
        return await self._change("react", room, sender, emoji)

    async def undo(self, room: str, sender: Sender, version: int) -> int:
        """Take back a seek, or bring back a removed item.

        :raises Refused: `too_late`, `not_undoable`, `forbidden`.
        """
        if not 0 <= version < 2**53:
            raise Refused("too_late", _REASONS["too_late"])
        return await self._change("undo", room, sender, str(version))

    async def hold(self, room: str, member: str, *, most_ms: int) -> int:
        """Have the room wait for a member whose player has run dry, if its policy says so.

        :raises Refused: `not_waiting` if it does not, `excused` if that member stalls too often.
        """
        return await self._change("hold", room, SYSTEM, member, str(most_ms))

    async def release(self, room: str, member: str = "") -> int:
        """A member can play again; '' only looks whether the deadline is over."""
        return await self._change("release", room, SYSTEM, member)

    async def grant(self, room: str, member: str) -> None:
        """Let a member in who gave the right password."""
        await self._change("grant", room, Sender(member))

    async def password_hash(self, room: str) -> str | None:
        """The hash of a room's password; '' if it has none, None if there is no such room."""
        try:
            found = await self._redis.execute_command("HMGET", self._keys.room(room), "v", "password")  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        if found[0] is None:
            return None
        return (found[1] or b"").decode()

    async def publish(self, room: str, frame: bytes) -> None:
        """Tell every replica something that changes nothing and is not kept."""
        try:
            await self._ask(self._keys.room(room), "PUBLISH", self._keys.events(room), frame)
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def rename(self, room: str, sender: Sender, name: str) -> int:
        """Give a member another name."""
        return await self._change("rename", room, sender, name)

    async def advance(
        self, room: str, sender: Sender, item: str, *, short_by_s: float, blind: Sequence[str] = ()
    ) -> int:
        """The current item is over. Moves on once, however many say it.

        `short_by_s`: how far before the known end the room may be; negative: how far beyond it it must be. Where no
        end is known most members must have said so, of those who are not `blind` (hidden, or with a player that
        stands); until then the answer is the version that is.

        :raises Refused: `not_at_end`, `nobody_present`.
        """
        return await self._change("advance", room, sender, item, f"{short_by_s:.6f}", *blind)

    async def see_window(self, room: str, sender: Sender, item: str, window: LiveWindow) -> int:
        """What the live stream that plays offers, as the sender's player sees it. A room outside of it is moved in."""
        return await self._change(
            "window", room, sender, item, f"{window.start:.6f}", f"{window.end:.6f}", f"{window.segment:.6f}"
        )

    async def resolved(
        self,
        room: str,
        item: str,
        *,
        title: str = "",
        thumbnail: str = "",
        duration: float | None = None,
        video_json: str | None = None,
        code: str | None = None,
        message: str | None = None,
        attempts: Sequence[Attempt] = (),
        opened_with: str = "",
    ) -> bool:
        """Put a resolution's result into the room: a video, or the code and words of its failure. Idempotent.

        False if the item was removed meanwhile.

        :param opened_with: the member whose cookies opened it.
        :raises Refused: `not_lent` if they may not serve this item (any more).
        """
        is_live = False
        if video_json is not None:
            video = {**codec.decode(video_json), "item_id": item}
            is_live = bool(video.get("is_live"))
            length = f"{duration:.6f}" if duration and not is_live else ""
            args = ["ready", title[:200], thumbnail, length, codec.encode_text(video), "", ""]
        else:
            args = ["failed", "", "", "", "", code or "unavailable", message or "This link could not be opened."]
        try:
            await self._change(
                "resolved", room, SYSTEM,
                item, *args, codec.encode_text(list(attempts)), opened_with, _flag(is_live),
            )  # fmt: skip
        except Refused as refusal:
            if refusal.code != "no_such_item":
                raise
            return False
        return True

    async def has_item(self, room: str, item: str) -> bool:
        """Whether an item is in a room's queue."""
        try:
            return bool(await self._redis.hexists(self._keys.items(room), item))  # type: ignore[misc]
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def list_rooms(self, limit: int) -> list[RoomSummary]:
        """The listed rooms, last active first."""
        try:
            ids = [room.decode() for room in await self._redis.zrevrange(self._keys.rooms(), 0, limit - 1)]
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        records = [await self.snapshot(room) for room in ids]
        gone = [room for room, record in zip(ids, records, strict=True) if record is None]
        if gone:
            await self._redis.zrem(self._keys.rooms(), *gone)
        return [_summary(record) for record in records if record is not None and not record.is_unlisted]

    async def touch(self, room: str, now: float, *, listed: bool) -> None:
        """Tell the list of rooms that this one is active. A hint: a failure is of no consequence."""
        if now - self._touched.get(room, 0.0) < _TOUCH_EVERY_S:
            return
        self._touched[room] = now
        try:
            at_ms = f"{now * 1000:.0f}"
            if listed:
                await self._ask(self._keys.rooms(), "ZADD", self._keys.rooms(), at_ms, room)
            await self._ask(self._keys.rooms_due(), "ZADD", self._keys.rooms_due(), "NX", at_ms, room)
        except (RedisError, OSError):
            self._touched.pop(room, None)

    async def due(self, now_ms: float, limit: int = 100) -> list[str]:
        """Rooms whose earliest lease may be over: for the sweep of rooms that no replica hosts any more."""
        try:
            found = await self._redis.zrangebyscore(self._keys.rooms_due(), "-inf", now_ms, start=0, num=limit)
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        return [room.decode() for room in found]

    async def set_due(self, room: str, due_ms: float | None) -> None:
        """When the sweep must look at this room again; None: it is empty."""
        try:
            key = self._keys.rooms_due()
            if due_ms is None:
                await self._ask(key, "ZREM", key, room)
            else:
                await self._ask(key, "ZADD", key, f"{due_ms:.0f}", room)
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def _masters(self) -> Mapping[str, Redis]:
        try:
            return await masters(self._redis)
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def _read_run(self, master: str) -> None:
        try:
            info = await (await self._masters()).get(master, self._redis).info("replication")
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        self.runs[master] = str(info.get("master_replid", ""))[:8]

    def _forget(self, master: str, task: asyncio.Task[None]) -> None:
        self._refreshing.pop(master, None)
        if not task.cancelled():
            # Those who waited may be gone by then.
            task.exception()

    async def _change(self, name: ScriptName, room: str, sender: Sender, *args: str) -> int:
        return int((await self._run(name, room, sender, *args))[1])

    async def _run(self, name: ScriptName, room: str, sender: Sender, *args: str) -> list[Any]:
        keys = self._keys.room_keys(room)
        argv = (self._keys.events(room), self.run_of(room), sender.member, sender.command, sender.connection, *args)
        try:
            answer: list[Any]
            try:
                if self._pipes is None or (pipe := self._pipes.to(keys[0])) is None:
                    raise NoAnswerError
                text, digest = _script(name)
                command = ("EVALSHA", digest, str(len(keys)), *keys, *argv)
                try:
                    answer = await pipe.ask(*command)
                except NoScriptError:
                    pipe.load(text)
                    answer = await pipe.ask(*command)
            except (NoAnswerError, NoScriptError):
                # redis-py knows how to find the right server, and how long to try.
                if self._pipes is not None:
                    PIPE_FALLBACKS.add()
                answer = await self._evaluate(name, keys, argv)
        except ResponseError as error:
            # A replica, a full or a loading Redis answers in words; anything else is a script of ours gone wrong.
            if str(error).split(" ", 1)[0] in ("READONLY", "OOM", "LOADING", "MASTERDOWN", "MISCONF"):
                raise _unavailable() from error
            raise Broken("broken", f"room script {name}: {error}") from error
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        if answer[0] == b"refused":
            code = answer[1].decode()
            raise Refused(code, _REASONS.get(code, code))
        return answer

    async def _ask(self, key: str, *command: str | bytes) -> None:
        """Run a command on the master of its key, whatever it answers."""
        if self._pipes is not None and (pipe := self._pipes.to(key)) is not None:
            with contextlib.suppress(NoAnswerError):
                await pipe.ask(*command)
                return
        await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]

    async def _evaluate(self, name: ScriptName, keys: tuple[str, ...], argv: tuple[str, ...]) -> list[Any]:
        text, digest = _script(name)
        answer: list[Any]
        try:
            answer = await self._redis.evalsha(digest, len(keys), *keys, *argv)  # type: ignore[misc]
        except NoScriptError:
            # Another master has other scripts; EVAL brings this one to the master that needs it.
            answer = await self._redis.eval(text, len(keys), *keys, *argv)  # type: ignore[misc]
        return answer


def _unavailable() -> Unavailable:
    return Unavailable("unavailable", "The room store does not answer. Playback goes on.", retry_after_ms=1000)


@cache
def _script(name: ScriptName) -> tuple[str, str]:
    text = source(name)
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f}"


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _summary(record: RoomRecord) -> RoomSummary:
    current = None if record.settings.has_password else for_strangers(record.items.get(record.item_id))
    names = [] if record.settings.has_password else [member.name for member in record.members.values()]
    return RoomSummary(
        id=record.id,
        title=current.title if current else "",
        thumbnail=current.thumbnail if current else "",
        is_playing=record.anchor.is_playing,
        member_names=names,
        last_active=record.last_active,
    )
