import asyncio

from services.sync.outbox import MOST_BYTES, MOST_FRAMES, Mark, Outbox


async def drained(outbox: Outbox) -> list[str | Mark]:
    taken: list[str | Mark] = []
    while True:
        try:
            async with asyncio.timeout(0.01):
                taken.append(await outbox.take())
        except TimeoutError:
            return taken


async def test_events_are_written_in_the_order_they_were_put() -> None:
    outbox = Outbox()
    for frame in "abc":
        outbox.put(frame)
    assert await drained(outbox) == ["a", "b", "c"]


async def test_of_several_heartbeats_only_the_latest_is_written_and_behind_the_events() -> None:
    outbox = Outbox()
    outbox.put_heartbeat("old")
    outbox.put_heartbeat("new")
    outbox.put("event")
    assert await drained(outbox) == ["event", "new"]


async def test_a_full_queue_is_replaced_by_one_snapshot() -> None:
    outbox = Outbox()
    results = [outbox.put("x") for _ in range(MOST_FRAMES + 5)]
    assert results.index(False) == MOST_FRAMES
    assert await drained(outbox) == [Mark.SNAPSHOT]


async def test_too_many_bytes_are_replaced_by_one_snapshot() -> None:
    outbox = Outbox()
    assert outbox.put("x" * MOST_BYTES)
    assert not outbox.put("x")
    assert await drained(outbox) == [Mark.SNAPSHOT]


async def test_events_after_the_snapshot_was_taken_are_queued_again() -> None:
    outbox = Outbox()
    outbox.put_snapshot()
    outbox.put("covered by the snapshot")
    assert await outbox.take() is Mark.SNAPSHOT
    outbox.put("after")
    assert await drained(outbox) == ["after"]


async def test_an_answer_is_written_though_a_snapshot_replaces_the_events_around_it() -> None:
    outbox = Outbox()
    outbox.put("event")
    outbox.put_answer("first answer")
    outbox.put_snapshot()
    outbox.put("another event")
    outbox.put_answer("second answer")
    assert await drained(outbox) == [Mark.SNAPSHOT, "first answer", "second answer"]


async def test_who_asks_without_reading_is_refused_in_the_end() -> None:
    outbox = Outbox()
    results = [outbox.put_answer("x") for _ in range(MOST_FRAMES + 1)]
    assert results == [True] * MOST_FRAMES + [False]
