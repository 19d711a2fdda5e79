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


class Wire:
    """Takes what is written at once, while it is open."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.is_open = True

    def write(self, frame: str) -> bool:
        if self.is_open:
            self.written.append(frame)
        return self.is_open


async def test_what_is_put_while_nothing_waits_is_written_at_once() -> None:
    wire = Wire()
    outbox = Outbox(wire.write)
    taking = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.put("event")
    outbox.put_answer("answer")
    outbox.put_heartbeat("heartbeat")
    assert wire.written == ["event", "answer", "heartbeat"]
    assert len(outbox) == 0
    outbox.put_snapshot()
    assert await taking is Mark.SNAPSHOT


async def test_nothing_is_written_past_a_frame_that_was_taken_and_is_still_being_sent() -> None:
    wire = Wire()
    outbox = Outbox(wire.write)
    outbox.put("taken")
    assert await outbox.take() == "taken"
    outbox.put("behind it")
    assert wire.written == []
    assert await drained(outbox) == ["behind it"]


async def test_nothing_is_written_past_what_waits_for_a_socket_that_took_no_more() -> None:
    wire = Wire()
    outbox = Outbox(wire.write)
    taking = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    wire.is_open = False
    outbox.put("waits")
    wire.is_open = True
    outbox.put("behind it")
    outbox.put_heartbeat("last")
    assert wire.written == []
    assert await taking == "waits"
    assert await drained(outbox) == ["behind it", "last"]


async def test_nothing_is_written_past_a_snapshot_that_was_asked_for() -> None:
    wire = Wire()
    outbox = Outbox(wire.write)
    taking = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.put_snapshot()
    outbox.put("covered by the snapshot")
    outbox.put_answer("answer")
    assert wire.written == []
    assert await taking is Mark.SNAPSHOT
    assert await drained(outbox) == ["answer"]


async def test_once_all_that_waited_is_taken_frames_are_written_at_once_again() -> None:
    wire = Wire()
    outbox = Outbox(wire.write)
    outbox.put("first")
    assert await outbox.take() == "first"
    taking = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.put("second")
    assert wire.written == ["second"]
    taking.cancel()


async def test_an_answer_can_be_had_before_a_snapshot_that_can_not_be_made_yet() -> None:
    outbox = Outbox()
    outbox.put("event")
    outbox.put_answer("answer")
    outbox.put_snapshot()
    assert (outbox.take_answer(), outbox.take_answer()) == ("answer", None)
    assert await drained(outbox) == [Mark.SNAPSHOT]


async def test_an_event_is_no_answer() -> None:
    outbox = Outbox()
    outbox.put("event")
    assert outbox.take_answer() is None
    assert await drained(outbox) == ["event"]
