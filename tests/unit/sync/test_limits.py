from services.common.bucket import TokenBucket
from services.sync.limits import Limits


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
    limits = Limits(0.0)
    while limits.take("queue", 0.0) == 0:
        pass
    assert limits.take("playback", 0.0) == 0


def test_all_kinds_together_have_a_limit() -> None:
    limits = Limits(0.0)
    passed = sum(limits.take("all", 0.0) == 0 for _ in range(100))
    assert passed == 60
