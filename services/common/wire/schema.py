"""Writes what the wire structs say for others to read: a JSON Schema for the page, tables for people.

python -m services.common.wire.schema --out web/src/wire/wire.schema.json --protocol PROTOCOL.md
"""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from services.common.errors import CloseCode
from services.common.wire import client, models, rest, server

CLIENT: Final[tuple[type, ...]] = get_args(client.AnyClientMessage)
COMMANDS: Final[tuple[type, ...]] = get_args(client.AnyCommand)
SERVER: Final[tuple[type, ...]] = get_args(server.AnyServerMessage)
REST: Final[tuple[type, ...]] = (
    rest.ResolveRequest,
    rest.SessionRequest,
    rest.Session,
    rest.CreateRoomRequest,
    rest.JoinRequest,
    rest.CreatedRoom,
    rest.RoomList,
    rest.BanList,
    rest.CookieList,
    rest.PairingCode,
    rest.PairRequest,
    rest.Paired,
    rest.BrowserList,
    rest.CreatePlaylistRequest,
    rest.ChangePlaylistRequest,
    rest.ExtendPlaylistRequest,
    rest.Playlist,
    rest.PlaylistList,
    rest.History,
    rest.HistoryRequest,
    rest.ClientConfig,
    rest.Doctor,
    rest.ErrorBody,
)
VALUES: Final[tuple[type, ...]] = (
    models.Room,
    models.RoomSettings,
    models.Permissions,
    models.Member,
    models.MemberStatus,
    models.Banned,
    models.ChatMessage,
    models.LogEntry,
    models.QueueItem,
    models.Attempt,
    models.VideoState,
    models.QualityOption,
    models.AudioTrack,
    models.Subtitle,
    models.You,
    models.RoomSummary,
    rest.CookieSite,
    rest.CookieProblem,
    rest.PairedBrowser,
    rest.NewPlaylistItem,
    rest.PlaylistItem,
    rest.PlaylistSummary,
    rest.HistoryEntry,
    rest.ErrorDetail,
)

_REF: Final = "#/definitions/"

_PREAMBLE: Final = """\
# Room protocol

Written by `make wire` from `services/common/wire`: change it there.

JSON text frames over `WS /ws/{room_id}`; `?name=Ana` names a guest. Room ids are 1 to 64 letters, digits, `-` and
`_`. Media times are float seconds; `server_time` and `starts_at` are float Unix seconds on the room's clock. Unknown
fields are ignored; an unknown type is answered with an `error`, and the socket goes on.

A **command** that carries an `id` is applied once however often it is sent, and answered with `ack` or `error`. Every
event that changes the room carries `version` and `prev`, the version before it: an event whose `prev` is not the
version last seen means that one was missed, and `resync` asks for a whole `room_state`. Another `run` means the same.
`ping` wants a `pong`.

The room's position is `timestamp + rate × (now − server_time)` while it plays, and `timestamp` while it does not.
`play`, `pause` and `seek` are acted on at `starts_at`, so that everyone moves together.

A live stream's positions (`is_live`) are the dates of its pictures, Unix seconds: EXT-X-PROGRAM-DATE-TIME, which the
proxy adds to playlists that have none, or what follows from `availabilityStartTime`. A player says in `status` what the
stream offers (`window`); what is sought or resumed is moved into that, and so is a room that is where no pictures are.
Where nobody sees dates everyone plays at the edge, and `seek` is refused with `live`; so is `set_rate` in any live
stream, which begins at the speed of the clock.

`ended` moves the room on when it is within two seconds of the end; where nobody knows the end, when most members have
said it since somebody moved the room, not counting those who are hidden or whose player stands.

Who may play, queue, chat and change settings is said by role: `owner`, `moderator`, `member`, `viewer`. A room starts
open. A command that is not allowed is answered with the code `forbidden`. When the owner leaves, the moderator, else
the member, who has been there longest stands in until they are back.

Where the room's policy says so, it waits for members whose player has run dry: `waiting` stops the position, `resumed`
sets it going again, and so does any `play`, `pause` or `seek`. It waits ten seconds at most, for nobody who has just
joined, and not for somebody who stalled three times in two minutes. Heartbeats say `is_playing: false` meanwhile.

A connection may send 8 playback commands a second (12 at once), 3 queue commands (10), 2 chat messages or reactions
(6), 2 that change settings, names, roles or who may be there (6), 4 `clock` or `resync` (8), and 30 messages in all
(60); beyond that the answer is `too_many_requests` with `retry_after_ms`. `undo` and `ended` count as playback. Seeks
within 150 ms become the last of them, which answers for all. A frame has at most 32 KiB.

One person may have 10 sockets at a replica, one address (of IPv6 a /64) 500; then the next is closed with 4504 or 4505.
"""

_CLOSING: Final = """\
## Close codes

4000–4499: connect again, after a random wait of up to 10 s. 4500–4999: do not, by yourself.

| code | meaning |
|---|---|
"""


def schema() -> dict[str, Any]:
    """The JSON Schema of every message and REST body, under `definitions`, with the names that go each way."""
    _, definitions = msgspec.json.schema_components((*CLIENT, *SERVER, *REST), ref_template=_REF + "{name}")
    for definition in definitions.values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    return {
        "client": [shape.__name__ for shape in CLIENT],
        "commands": [shape.__name__ for shape in COMMANDS],
        "server": [shape.__name__ for shape in SERVER],
        "rest": [shape.__name__ for shape in REST],
        "definitions": definitions,
    }


def protocol() -> str:
    """`PROTOCOL.md`: a table for every message and value."""
    definitions = schema()["definitions"]
    others = [shape for shape in CLIENT if shape not in COMMANDS]
    return "\n".join(
        [
            _PREAMBLE,
            *_section("Client to server: commands", COMMANDS, definitions),
            *_section("Client to server: others", others, definitions),
            *_section("Server to client", SERVER, definitions),
            *_section("Values", VALUES, definitions),
            *_section("REST bodies", REST, definitions),
            _CLOSING + "\n".join(_close_codes()),
            "",
        ]
    )


def _section(title: str, shapes: Iterable[type], definitions: dict[str, Any]) -> Iterator[str]:
    yield f"## {title}\n"
    for shape in shapes:
        definition = definitions[shape.__name__]
        fields = dict(definition["properties"])
        tag = fields.pop("type", None)
        yield f"### `{tag['enum'][0]}`\n" if tag else f"### {shape.__name__}\n"
        if "description" in definition:
            yield definition["description"] + "\n"
        if fields:
            yield "\n".join(_table(fields)) + "\n"


def _table(fields: dict[str, Any]) -> Iterator[str]:
    yield "| field | type | default |"
    yield "|---|---|---|"
    for name, field in fields.items():
        default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
        yield f"| `{name}` | {_type_text(field)} | {default} |"


def _type_text(field: dict[str, Any]) -> str:
    """A type as people write it, with its bounds."""
    match field:
        case {"$ref": ref}:
            return str(ref).removeprefix(_REF)
        case {"anyOf": options}:
            return " or ".join(_type_text(option) for option in options)
        case {"enum": choices}:
            return ", ".join(f"`{choice}`" for choice in choices)
        case {"type": "array", "items": items}:
            return f"list of {_type_text(items)}{_bounds(field, 'Items')}"
        case {"type": "object", "additionalProperties": values} if values:
            return f"map of {_type_text(values)}"
        case {"type": "string"}:
            return f"string{_bounds(field, 'Length')}"
        case {"type": str(kind)}:
            return f"{kind}{_bounds(field, 'imum')}"
        case _:
            return "any"


def _bounds(field: dict[str, Any], suffix: str) -> str:
    low, high = field.get(f"min{suffix}"), field.get(f"max{suffix}")
    match low, high:
        case None, None:
            return ""
        case _, None:
            return f" ≥ {low}"
        case None, _:
            return f" ≤ {high}"
        case _:
            return f" {low}–{high}"


def _close_codes() -> Iterator[str]:
    for name, code in vars(CloseCode).items():
        if name.isupper():
            yield f"| {code} | {name.lower().replace('_', ' ')} |"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="write the JSON Schema here")
    parser.add_argument("--protocol", type=Path, help="write PROTOCOL.md here")
    options = parser.parse_args(arguments)
    if options.out:
        options.out.write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
    if options.protocol:
        options.protocol.write_text(protocol())


if __name__ == "__main__":
    main()
