from __future__ import annotations

import secrets

from tests.chaos.torture import torture
from tests.support.crooked import DEFECTS


async def test_no_reader_of_a_crooked_origin_gets_a_wrong_byte_though_proxies_are_killed() -> None:
    assert len(DEFECTS) >= 25
    seed = secrets.token_hex(4)
    print("seed", seed)  # noqa: T201 - to run the same again
    told = await torture(12, seed)
    assert told.kills
    assert told.outcomes["206"]
    assert told.outcomes["200"]
    assert told.read_bytes > 1_000_000
