"""Rooms in Redis. Every change is one atomic script that checks, applies, numbers and publishes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from redis.asyncio import Redis

from services.common import codec
from services.common.errors import Refused
from services.common.keys import Keys
from services.common.redis import Pipes
from services.common.room.directory import Directory
from services.common.room.masters import Masters
from services.common.room.reasons import MOST_ITEMS, MOST_MEMBERS, REASONS
from services.common.room.runner import ScriptRunner, reaching
from services.common.room.script import ScriptName
from services.common.room.sender import SYSTEM, Sender
from services.common.room.snapshot import RoomRecord, read_record
from services.common.wire.models import Attempt, Banned, LiveWindow, QueueItem, Role

PlaybackKind = Literal["play", "pause", "seek", "set_rate"]

# How many entries of a playlist enter a room at a time.
AT_A_TIME: Final = 50


class Renewed(NamedTuple):
    """What a replica learns when it renews its leases: the room's version, when the first lease in it ends (room clock,
    ms; None if nobody is there), and which of its connections must join again.
    """

    version: int
    first_end_ms: float | None
    unknown: list[str]


class RoomStore:
    """Reads and changes rooms. `masters.refresh` must have succeeded once before the first change.

    Every method raises `Refused` when the room says no, and `Unavailable` when Redis does not answer; a change may
    then have happened or not, and repeating it with the same command id is safe.
    """

    def __init__(self, redis: Redis, keys: Keys, pipes: Pipes | None = None) -> None:
        """:param pipes: the fast way to the same server, for who gives many commands."""
        self._redis = redis
        self._keys = keys
        self._runner = ScriptRunner(redis, keys, pipes)
        self.masters = Masters(redis, keys)
        self.directory = Directory(redis, keys, self._runner)

    async def snapshot(self, room: str) -> RoomRecord | None:
        """The whole room at one version, or None if there is no such room."""
        run = self.masters.run_of(room)
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
        most_members: int = MOST_MEMBERS,
    ) -> int:
        """Let a connection in, making the room if it is new. Answers the version at which it is in.

        In a room where every lease ended by `judged_until` (room clock; None is now) nobody was: it stood still.

        :raises Refused: `banned`, `locked`, `password_required`, `room_full`.
        """
        answer = await self._run(
            "join", room, sender, str(lease_ms), name, _flag(is_guest), replica, _flag(unlisted), address,
            _milliseconds(judged_until), str(most_members),
        )  # fmt: skip
        return int(answer[1])

    async def refresh(
        self, room: str, leases: Sequence[tuple[str, int]], *, replica: str = "", rtt_ms: int = 0
    ) -> Renewed:
        """Renew leases (connection, ms), and tell how slow the slowest of them is."""
        flat = [part for connection, lease_ms in leases for part in (connection, str(lease_ms))]
        answer = await self._run("refresh", room, SYSTEM, replica, str(rtt_ms), *flat)
        unknown = [connection.decode() for connection in answer[3:]]
        return Renewed(int(answer[1]), float(answer[2]) if answer[2] else None, unknown)

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
        with reaching():
            raw = await self._redis.hget(self._keys.items(room), item)  # type: ignore[misc]
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
        reason = "banned" if banned else "kicked"
        return await self._change("send_out", room, sender, member, reason, _flag(address), secrets.token_hex(16))

    async def bans(self, room: str, sender: Sender) -> list[Banned]:
        """Who is banned, the last one first, and whether `sender` may lift each ban.

        Names are '' where an older version wrote the ban, and `member` where only an address is left of it.

        :raises Refused: `no_such_room`; `not_a_member` or `forbidden` if the sender is no moderator who is here.
        """
        answer = await self._run("bans", room, sender, secrets.token_hex(16))
        found = [codec.decode_as(Banned, raw) for raw in answer[1:]]
        return sorted(found, key=lambda ban: ban.at, reverse=True)

    async def unban(self, room: str, sender: Sender, ban: str) -> int:
        """Lift a ban, by its id: the member and the addresses that it holds may come in again.

        An address that another ban holds, too, stays banned.

        :raises Refused: `no_such_ban`; `not_a_member` or `forbidden` if the sender could not have set it.
        """
        return await self._change("unban", room, sender, ban)

    async def chat(self, room: str, sender: Sender, message: str, text: str) -> int:
        """Say something; `message` is the new message's id."""
        return await self._change("chat", room, sender, message, text)

    async def react(self, room: str, sender: Sender, emoji: str) -> int:
        """Show everybody an emoji. Nothing is kept of it."""
        return await self._change("react", room, sender, emoji)

    async def undo(self, room: str, sender: Sender, version: int) -> int:
        """Take back a seek, or bring back a removed item.

        :raises Refused: `too_late`, `not_undoable`, `forbidden`, `queue_full`.
        """
        if not 0 <= version < 2**53:
            raise Refused("too_late", REASONS["too_late"])
        return await self._change("undo", room, sender, str(version), str(MOST_ITEMS))

    async def hold(self, room: str, member: str, *, most_ms: int) -> int:
        """Have the room wait for a member whose player has run dry, if its policy says so.

        :raises Refused: `not_waiting` if it does not, `excused` if that member stalls too often.
        """
        return await self._change("hold", room, SYSTEM, member, str(most_ms))

    async def release(self, room: str, member: str = "") -> int:
        """A member can play again; '' only looks whether the deadline is over."""
        return await self._change("release", room, SYSTEM, member)

    async def delete(self, room: str) -> None:
        """End a room: everybody in it is sent out, and nothing of it stays, bans and chat included.

        :raises Refused: `no_such_room`.
        """
        await self._run("delete", room, SYSTEM)
        await self.directory.drop(room)

    async def grant(self, room: str, member: str) -> None:
        """Let a member in who gave the right password."""
        await self._change("grant", room, Sender(member))

    async def password_hash(self, room: str) -> str | None:
        """The hash of a room's password; '' if it has none, None if there is no such room."""
        with reaching():
            found = await self._redis.execute_command("HMGET", self._keys.room(room), "v", "password")  # type: ignore[no-untyped-call]
        if found[0] is None:
            return None
        return (found[1] or b"").decode()

    async def publish(self, room: str, frame: bytes) -> None:
        """Tell every replica something that changes nothing and is not kept."""
        await self._runner.ask(self._keys.room(room), "PUBLISH", self._keys.events(room), frame)

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
        is_live, begin = False, ""
        if video_json is not None:
            video = {**codec.decode(video_json), "item_id": item}
            is_live = bool(video.get("is_live"))
            begin = f"{video['start']:.3f}" if video.get("start") else ""
            length = f"{duration:.6f}" if duration and not is_live else ""
            args = ["ready", title[:200], thumbnail, length, codec.encode_text(video), "", ""]
        else:
            args = ["failed", "", "", "", "", code or "unavailable", message or "This link could not be opened."]
        try:
            await self._change(
                "resolved", room, SYSTEM,
                item, *args, codec.encode_text(list(attempts)), opened_with, _flag(is_live), begin,
            )  # fmt: skip
        except Refused as refusal:
            if refusal.code != "no_such_item":
                raise
            return False
        return True

    async def has_item(self, room: str, item: str) -> bool:
        """Whether an item is in a room's queue."""
        with reaching():
            return bool(await self._redis.hexists(self._keys.items(room), item))  # type: ignore[misc]

    async def _change(self, name: ScriptName, room: str, sender: Sender, *args: str) -> int:
        return int((await self._run(name, room, sender, *args))[1])

    async def _run(self, name: ScriptName, room: str, sender: Sender, *args: str) -> list[Any]:
        return await self._runner.run(name, room, self.masters.run_of(room), sender, *args)


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f}"


def _flag(value: bool) -> str:
    return "1" if value else "0"
