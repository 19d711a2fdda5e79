"""Turns at an origin: how many at a time, in which order, and what becomes of those who stop waiting."""

from __future__ import annotations

import asyncio

import pytest

from services.common.errors import Unavailable
from services.proxy.turns import Turns

HERE = ("origin.example", 443)
THERE = ("other.example", 443)


async def test_no_more_than_so_many_at_a_time_and_other_origins_go_on() -> None:
    turns = Turns(2, 0.05)
    held = [await turns.take(HERE, "a") for _ in range(2)]
    with pytest.raises(Unavailable) as failed:
        await turns.take(HERE, "a")
    assert (failed.value.code, failed.value.retry_after_ms) == ("unavailable", 2000)
    other = await turns.take(THERE, "a")
    for turn in (*held, other):
        turn.release()
        turn.release()
    assert turns.taken == 0


async def test_a_stream_with_one_request_does_not_wait_behind_another_ones_crowd() -> None:
    turns = Turns(1, 5)
    first = await turns.take(HERE, "crowd")
    order: list[str] = []

    async def one(whose: str) -> None:
        turn = await turns.take(HERE, whose)
        order.append(whose)
        await asyncio.sleep(0)
        turn.release()

    waiting = [asyncio.create_task(one(whose)) for whose in ("crowd",) * 5 + ("single",)]
    await asyncio.sleep(0.01)
    first.release()
    await asyncio.gather(*waiting)
    assert order.index("single") <= 1
    assert turns.taken == 0


async def test_who_stops_waiting_leaves_the_turn_to_the_next() -> None:
    turns = Turns(1, 5)
    first = await turns.take(HERE, "a")
    leaving, staying = (asyncio.create_task(turns.take(HERE, whose)) for whose in ("b", "c"))
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    first.release()
    (await staying).release()
    assert turns.taken == 0


async def test_a_turn_that_comes_just_as_its_taker_leaves_is_not_lost() -> None:
    turns = Turns(1, 5)
    first = await turns.take(HERE, "a")
    leaving = asyncio.create_task(turns.take(HERE, "b"))
    await asyncio.sleep(0.01)
    first.release()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert turns.taken == 0


async def test_an_origin_is_busy_when_half_of_its_turns_are_taken() -> None:
    turns = Turns(4, 5)
    first = await turns.take(HERE, "a")
    assert not turns.is_busy(HERE)
    second = await turns.take(HERE, "a")
    assert turns.is_busy(HERE)
    assert not turns.is_busy(THERE)
    first.release()
    second.release()
    assert not turns.is_busy(HERE)
