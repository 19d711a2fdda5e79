from typing import Final, get_args

from services.common.bucket import TokenBucket
from services.common.wire import client
from services.sync.commands import limit_of
from services.sync.limits import Limits
from tests.support.node import ROOT

FRAMES: Final = sorted((ROOT / "tests" / "fixtures" / "wire" / "good" / "client").glob("*.json"))


def test_a_burst_passes_and_the_next_one_is_told_when_to_retry() -> None:
    bucket = TokenBucket(8, 12, 12, 0.0)
    assert [bucket.take(0.0) for _ in range(12)] == [0] * 12
    assert bucket.take(0.0) == 125


def test_waiting_as_told_is_enough() -> None:
    bucket = TokenBucket(8, 1, 1, 0.0)
    bucket.take(0.0)
    wait_ms = bucket.take(0.0)
    assert bucket.take(wait_ms / 1000) == 0


def test_one_kind_of_message_can_not_use_up_anothers_bucket() -> None:
    limits = Limits()
    while limits.take("queue", 0.0) == 0:
        pass
    assert limits.take("playback", 0.0) == 0


def test_all_kinds_together_have_a_limit() -> None:
    limits = Limits()
    passed = sum(limits.take("all", 0.0) == 0 for _ in range(100))
    assert passed == 60


def test_what_is_dear_to_everybody_has_a_limit_of_its_own() -> None:
    dear = [each for path in FRAMES for each in [client.read(path.read_text())] if isinstance(each, client.Command)]
    assert {type(each) for each in dear} == set(get_args(client.AnyCommand))
    assert [each for each in (*dear, client.Resync()) if limit_of(each) == "all"] == []
    limits = Limits()
    assert sum(limits.take("people", 0.0) == 0 for _ in range(30)) == 6
