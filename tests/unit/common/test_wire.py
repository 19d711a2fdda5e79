from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from services.common.codec import MalformedError, decode, decode_as, to_builtins
from services.common.wire import client, schema
from services.common.wire.client import AnyClientMessage
from services.common.wire.models import Permissions
from services.common.wire.server import AnyServerMessage

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "tests" / "fixtures" / "wire"


def examples(quality: str, way: str) -> list[Path]:
    return sorted((EXAMPLES / quality / way).glob("*.json"))


def shapes_by_tag(union: object) -> dict[str, type]:
    return {msgspec.inspect.type_info(shape).tag: shape for shape in get_args(union)}  # type: ignore[attr-defined]


CLIENT, SERVER = shapes_by_tag(AnyClientMessage), shapes_by_tag(AnyServerMessage)


@pytest.mark.parametrize("path", examples("good", "client"), ids=lambda path: path.stem)
def test_a_good_client_frame_decodes_as_its_own_message(path: Path) -> None:
    message: object = decode_as(AnyClientMessage, path.read_bytes())  # type: ignore[arg-type]
    assert type(message) is CLIENT[path.stem]
    assert client.read(path.read_text()) == message


@pytest.mark.parametrize("path", examples("good", "server"), ids=lambda path: path.stem)
def test_a_good_server_frame_loses_nothing_on_its_way_through_the_struct(path: Path) -> None:
    frame = decode(path.read_bytes())
    message: object = decode_as(AnyServerMessage, path.read_bytes())  # type: ignore[arg-type]
    assert type(message) is SERVER[path.stem]
    encoded = to_builtins(message)
    assert {name: value for name, value in frame.items() if value is not None} == {
        name: value for name, value in encoded.items() if value is not None
    }


@pytest.mark.parametrize("path", examples("bad", "client"), ids=lambda path: path.stem)
def test_a_bad_client_frame_is_refused(path: Path) -> None:
    with pytest.raises(MalformedError):
        decode_as(AnyClientMessage, path.read_bytes())  # type: ignore[arg-type]
    assert client.read(path.read_text()) is None


@pytest.mark.parametrize("path", examples("bad", "server"), ids=lambda path: path.stem)
def test_a_bad_server_frame_is_refused(path: Path) -> None:
    with pytest.raises(MalformedError):
        decode_as(AnyServerMessage, path.read_bytes())  # type: ignore[arg-type]


def test_every_message_has_a_golden_example() -> None:
    assert {path.stem for path in examples("good", "client")} == set(CLIENT)
    assert {path.stem for path in examples("good", "server")} == set(SERVER)


def test_every_permission_can_be_given_by_its_name() -> None:
    assert get_args(client.PermissionName) == Permissions.__struct_fields__


def test_the_committed_schema_and_protocol_are_what_the_structs_say(tmp_path: Path) -> None:
    schema.main(["--out", str(tmp_path / "schema.json"), "--protocol", str(tmp_path / "PROTOCOL.md")])
    assert (tmp_path / "schema.json").read_text() == (ROOT / "web" / "src" / "wire" / "wire.schema.json").read_text()
    assert (tmp_path / "PROTOCOL.md").read_text() == (ROOT / "PROTOCOL.md").read_text()


@pytest.mark.parametrize("depth", [500, 5_000, 30_000])
def test_lists_in_lists_in_lists_are_refused_where_text_is_meant(depth: int) -> None:
    text = '{"type":"chat","text":' + "[" * depth + "]" * depth + "}"
    assert client.read(text) is None
    with pytest.raises(MalformedError):
        client.parse(decode(text))


@pytest.mark.parametrize("depth", [500, 5_000, 30_000])
def test_lists_in_lists_in_lists_break_nothing_where_nothing_is_meant(depth: int) -> None:
    client.read('{"type":"pong","more":' + "[" * depth + "]" * depth + "}")
