"""Frames that no honest client sends: the protocol's own, bent by grammar and by bytes. Repeatable by seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from services.common.wire import client

FIXTURES: Final = Path(__file__).resolve().parents[1] / "fixtures" / "wire"
SHAPES: Final = get_args(client.AnyClientMessage)
FIELDS: Final = sorted({field for shape in SHAPES for field in shape.__struct_fields__} - {"id"})
ODD_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, -1e308, 5e-324, 2**31, 2**53 + 1, 2**64, 10**40, "", "0", "NaN",
    "a" * 65, "x" * 5_000, "\u0000", "\u202e\u2066", "\U0001f3ac", "ä" * 600, "' OR 1=1 --", "../../etc/passwd",
    "${jndi:ldap://x}", "javascript:alert(1)", "http://93.184.216.34/x.mp4", "http://127.0.0.1/", "http://[::1]:6379/",
    "file:///etc/passwd", "http://" + "a" * 3000, [], {}, [[]], [None] * 600, ["x"] * 501, {"a": {"b": {"c": []}}},
    {"type": "play"}, [1, "2", None, {}], "\r\nPUBLISH x y", "*3\r\n$3\r\nSET", "redis.call('FLUSHALL')",
)  # fmt: skip
ODD_TEXTS: Final = (
    "", " ", "null", "0", '"x"', "[]", "{}", "{", "[" * 3000, '{"a":' * 2000, '{"type":"seek","timestamp":NaN}',
    '{"type":"seek","timestamp":1e999}', '{"type":"seek","timestamp":-Infinity}', '{"type":null}', '{"type":[]}',
    '{"type":"pong","type":"dance"}', '{"type":"chat","text":"\\ud800"}', '{"type":"room_state"}', "\ufeff{}",
    '{"type":"clock","client_time":' + "9" * 400 + "}", "x" * 40_000, '{"type":"ack","id":"1","version":1}',
)  # fmt: skip


def frames(seed: int) -> Iterator[str | bytes]:
    """Frames without end: a string is sent as text, bytes as a text frame whatever they hold."""
    dice = random.Random(seed)
    corpus = [path.read_bytes() for path in sorted(FIXTURES.glob("*/client/*.json"))]
    while True:
        match dice.choices(("grammar", "bytes", "splice", "odd", "valid"), (10, 6, 2, 1, 2))[0]:
            case "grammar":
                yield json.dumps(_bent(dice))
            case "bytes":
                yield _text_or_bytes(_mutated(dice.choice(corpus), dice), dice)
            case "splice":
                one, other = dice.choice(corpus), dice.choice(corpus)
                cut, to = dice.randrange(len(one) + 1), dice.randrange(len(other) + 1)
                yield (one[:cut] + other[to:]).decode(errors="replace")
            case "odd":
                yield dice.choice(ODD_TEXTS)
            case _:
                yield dice.choice(corpus).decode(errors="replace")


def _bent(dice: random.Random) -> dict[str, Any]:
    """A message of a known type, some of whose fields are not what they should be."""
    shape = dice.choice(SHAPES)
    message: dict[str, Any] = {"type": shape.__struct_config__.tag}
    for field in msgspec.structs.fields(shape):
        if dice.random() < 0.8:
            message[field.name] = _plausible(field.name, dice) if dice.random() < 0.5 else dice.choice(ODD_VALUES)
    if dice.random() < 0.2:
        message[dice.choice(FIELDS)] = dice.choice(ODD_VALUES)
    if dice.random() < 0.05:
        message["type"] = dice.choice(ODD_VALUES)
    if dice.random() < 0.3:
        message["id"] = dice.choice(["same", f"id-{dice.randrange(1000)}", *ODD_VALUES])
    return message


def _plausible(name: str, dice: random.Random) -> Any:
    match name:
        case "timestamp" | "position" | "client_time" | "drift" | "buffered" | "rtt":
            return dice.uniform(0, 1000)
        case "url":
            return f"http://93.184.216.34/{dice.randrange(100)}.mp4"
        case "version":
            return dice.randrange(2_000_000_000_000)
        case "rate":
            return dice.uniform(0, 5)
        case "state":
            return dice.choice(["ready", "buffering", "stalled", "hidden"])
        case "queue":
            return [f"{dice.randrange(16**6):x}" for _ in range(dice.randrange(20))]
        case _:
            return f"{name}-{dice.randrange(100)}"


def _mutated(raw: bytes, dice: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(dice.choice((1, 1, 2, 4, 8))):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(5):
            case 0 if at < len(data):
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 5)))
            case 2:
                del data[at : at + dice.randrange(1, 9)]
            case 3:
                data[at:at] = data[at : at + dice.randrange(1, 30)]
            case _:
                del data[at:]
    return bytes(data)


def _text_or_bytes(raw: bytes, dice: random.Random) -> str | bytes:
    """Bytes that are no UTF-8 cost a connection each, so that most of them are made text."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw if dice.random() < 0.02 else raw.decode(errors="replace")
