"""What members say, carried into the room."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, assert_never

from services.common import passwords
from services.common.errors import Refused
from services.common.guard import parse_url
from services.common.keys import url_digest
from services.common.playlist import Adding, queued
from services.common.playlists import Playlists
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.tracing import item_span
from services.common.wire import client
from services.common.wire.models import QueueItem
from services.sync.connection import Connection
from services.sync.limits import LimitName

# How far before the known end a member's `ended` is believed.
ENDED_SLACK_S: Final = 2.0

_LIMITS: Final[dict[type, LimitName]] = {
    client.Play: "playback",
    client.Pause: "playback",
    client.Seek: "playback",
    client.SetRate: "playback",
    client.Undo: "playback",
    client.Ended: "playback",
    client.Clock: "clock",
    client.Resync: "clock",
    client.Chat: "chat",
    client.React: "chat",
    client.QueueAdd: "queue",
    client.QueueAddPlaylist: "queue",
    client.QueueRemove: "queue",
    client.QueueReorder: "queue",
    client.QueuePlay: "queue",
    client.QueueRetry: "queue",
    client.QueueLend: "queue",
    client.QueueClear: "queue",
    client.QueueVote: "queue",
    client.SetSettings: "people",
    client.SetRole: "people",
    client.Kick: "people",
    client.Ban: "people",
    client.Unban: "people",
    client.Rename: "people",
}


def limit_of(message: client.AnyClientMessage) -> LimitName:
    """Which token bucket a message takes from, beside the common one."""
    return _LIMITS.get(type(message), "all")


async def run(
    store: RoomStore,
    playlists: Playlists,
    connection: Connection,
    command: client.AnyCommand,
    superseded: Sequence[str] = (),
    *,
    blind: Sequence[str] = (),
) -> int:
    """Apply a command to the connection's room. Answers the version it was applied as.

    `superseded`: ids of the seeks that this one replaces. `blind`: members who see no end now.

    :raises Refused: if the room, or the command itself, does not allow it.
    :raises Unavailable: if Redis does not answer; repeating the same command id is safe.
    """
    room = connection.room
    sender = Sender(connection.identity.id, connection.id, command.id or connection.mint_command())
    match command:
        case client.Play():
            return await store.playback(room, sender, "play", command.timestamp)
        case client.Pause():
            return await store.playback(room, sender, "pause", command.timestamp)
        case client.Seek():
            return await store.playback(room, sender, "seek", command.timestamp, superseded=superseded)
        case client.SetRate():
            return await store.playback(room, sender, "set_rate", command.rate)
        case client.QueueAdd():
            item = new_item(command, sender)
            with item_span("queue_add", item.id):
                return await store.add_item(room, sender, item, next=command.next)
        case client.QueueAddPlaylist():
            return await _add_playlist(store, playlists, room, sender, command)
        case client.QueueRemove():
            return await store.remove_item(room, sender, command.item_id)
        case client.QueueReorder():
            return await store.reorder(room, sender, command.queue)
        case client.QueuePlay():
            return await store.play_item(room, sender, command.item_id, lend=command.lend)
        case client.QueueRetry():
            return await store.retry_item(room, sender, command.item_id, lend=command.lend)
        case client.QueueLend():
            return await store.lend(room, sender, command.item_id, lend=command.lend)
        case client.QueueClear():
            return await store.clear_queue(room, sender)
        case client.QueueVote():
            return await store.vote(room, sender, command.item_id)
        case client.SetSettings():
            return await _change_settings(store, room, sender, command)
        case client.SetRole():
            return await store.set_role(room, sender, command.member, command.role)
        case client.Kick():
            return await store.send_out(room, sender, command.member)
        case client.Ban():
            return await store.send_out(room, sender, command.member, banned=True, address=command.address)
        case client.Unban():
            return await store.unban(room, sender, command.ban)
        case client.Chat():
            return await store.chat(room, sender, _derived_id(sender), _text(command.text))
        case client.React():
            return await store.react(room, sender, command.emoji)
        case client.Undo():
            return await store.undo(room, sender, command.version)
        case client.Ended():
            return await store.advance(room, sender, command.item_id, short_by_s=ENDED_SLACK_S, blind=blind)
        case client.Rename():
            return await store.rename(room, sender, command.name)
        case _:
            assert_never(command)


async def _add_playlist(
    store: RoomStore, playlists: Playlists, room: str, sender: Sender, command: client.QueueAddPlaylist
) -> int:
    chosen = await playlists.get(sender.member, command.playlist)
    first, *following = queued(chosen, _derived_id(sender), Adding(sender.member, time.time(), lend=command.lend))
    version = await store.add_item(room, sender, first)
    await store.follow(room, first.id, following)
    return version


def new_item(command: client.QueueAdd, sender: Sender) -> QueueItem:
    """The queue item of a pasted link. Its id follows from the command's, so that a repeat adds nothing.

    :raises Refused: `bad_url` or `refused_target` if the link can't be one.
    """
    url = command.url.strip()
    if not url.isprintable():
        raise Refused("bad_url", "That is not a link.")
    parse_url(url)
    return QueueItem(
        id=_derived_id(sender),
        url=url,
        title=url[:200],
        added_by=sender.member,
        added_at=time.time(),
        lenders=[sender.member] if command.lend else [],
    )


async def _change_settings(store: RoomStore, room: str, sender: Sender, command: client.SetSettings) -> int:
    named = {
        "buffering": command.buffering,
        "tight_sync": command.tight_sync,
        "is_locked": command.is_locked,
        "permissions": command.permissions or None,
    }
    change = {name: value for name, value in named.items() if value is not None}
    match command.password:
        case None:
            password_hash = ""
        case "":
            password_hash = "-"
        case password:
            password_hash = await passwords.digest(password)
    return await store.change_settings(room, sender, change, unlisted=command.is_unlisted, password_hash=password_hash)


def _derived_id(sender: Sender) -> str:
    """An id that a repeat of the same command gives again."""
    return url_digest(f"{sender.member}|{sender.command}")[:12]


def _text(text: str) -> str:
    """What is shown of a chat message: no control characters, no blank one.

    :raises Refused: `invalid` if nothing is left.
    """
    shown = "".join(character for character in text if character.isprintable() or character == "\n").strip()
    if not shown:
        raise Refused("invalid", "An empty message.")
    return shown
