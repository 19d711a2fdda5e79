"""What of the prelude stands before a script."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from services.common.room.script import ScriptName, source

DEFINITION = re.compile(r"^local (?:function )?(\w+)", re.MULTILINE)


def defined(name: ScriptName) -> set[str]:
    return set(DEFINITION.findall(source(name)))


def test_a_script_brings_what_it_names_and_what_that_needs() -> None:
    # `applied` is named, needs `keep`, which needs `renew_ttl`.
    assert {"applied", "keep", "renew_ttl", "emit", "set", "get", "NOW"} <= defined("chat")


def test_a_script_brings_nothing_that_it_does_not_use() -> None:
    assert not {"send_out", "play_next", "live_window", "adopt_bans"} & defined("react")
    assert len(source("react")) < len(source("playback")) / 2


@pytest.mark.parametrize("name", get_args(ScriptName))
def test_nothing_that_a_script_calls_is_missing(name: ScriptName) -> None:
    ours = {word for each in get_args(ScriptName) for word in defined(each)}
    called = set(re.findall(r"\b\w+(?=\()", source(name)))
    assert called & ours <= defined(name)
