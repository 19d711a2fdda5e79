from __future__ import annotations

import pytest

from services.proxy.memory import FIRST_TTL_S, LAST_TTL_S, MAX_ENTRIES, MAX_ENTRY_BYTES, CacheKey, Entry, Memory, Shelf


def key(name: object, scope: str = "public") -> CacheKey:
    return CacheKey(scope, str(name))


def entry(size: int = 10, shelf: Shelf = Shelf.VIDEO, ttl_s: float | None = None) -> Entry:
    return Entry(bytes(size), "video/mp4", shelf, ttl_s=ttl_s)


def test_what_was_put_is_found_under_its_scope_alone() -> None:
    memory = Memory(1000)
    kept = entry()
    assert memory.put(key("a"), kept, 0)
    assert memory.get(key("a"), 1) is kept
    assert memory.get(key("a", "owner"), 1) is None


@pytest.mark.parametrize(("shelf", "most"), [(Shelf.AUDIO, 500), (Shelf.VIDEO, 200)])
def test_each_kind_holds_so_many_entries(shelf: Shelf, most: int) -> None:
    memory = Memory(1 << 30)
    for number in range(most + 1):
        memory.put(key(number), entry(shelf=shelf), 0)
    assert MAX_ENTRIES[shelf] == most == memory.count(shelf)
    assert memory.get(key(0), 0) is None
    assert memory.get(key(1), 0) is not None


def test_video_does_not_push_audio_out() -> None:
    memory = Memory(1 << 30)
    memory.put(key("audio"), entry(shelf=Shelf.AUDIO), 0)
    for number in range(300):
        memory.put(key(number), entry(), 1)
    assert memory.get(key("audio"), 1) is not None


def test_an_entry_of_25_megabytes_is_too_large() -> None:
    memory = Memory(1 << 30)
    assert not memory.put(key("a"), entry(MAX_ENTRY_BYTES), 0)
    assert memory.put(key("a"), entry(MAX_ENTRY_BYTES - 1), 0)


def test_the_least_recently_read_leaves_when_bytes_run_out() -> None:
    memory = Memory(30)
    for number, name in enumerate("abc"):
        memory.put(key(name), entry(shelf=Shelf.AUDIO if name == "b" else Shelf.VIDEO), number)
    memory.get(key("a"), 5)
    memory.put(key("d"), entry(), 6)
    assert memory.get(key("b"), 7) is None
    assert all(memory.get(key(name), 7) for name in "acd")
    assert memory.held_bytes == 30


def test_putting_again_replaces() -> None:
    memory = Memory(100)
    memory.put(key("a"), entry(40), 0)
    memory.put(key("a"), entry(20, Shelf.TEXT), 0)
    assert memory.held_bytes == 20
    assert len(memory) == 1


def test_an_unread_entry_expires_soon() -> None:
    memory = Memory(100)
    memory.put(key("a"), entry(), 0)
    assert memory.get(key("a"), FIRST_TTL_S) is None
    assert memory.held_bytes == 0


def test_each_read_lets_an_entry_live_longer_up_to_an_hour() -> None:
    memory = Memory(100)
    kept = entry()
    memory.put(key("a"), kept, 0)
    lives = []
    for _ in range(12):
        memory.get(key("a"), 1)
        lives.append(kept.expires_at - 1)
    assert lives[:3] == [2 * FIRST_TTL_S, 4 * FIRST_TTL_S, 8 * FIRST_TTL_S]
    assert lives[-1] == LAST_TTL_S


def test_an_entry_with_a_life_of_its_own_is_not_prolonged() -> None:
    memory = Memory(100)
    memory.put(key("a"), entry(ttl_s=1.0), 0)
    assert memory.get(key("a"), 0.9) is not None
    assert memory.get(key("a"), 1.0) is None


def test_sweeping_forgets_what_expired() -> None:
    memory = Memory(100)
    memory.put(key("a"), entry(ttl_s=1.0), 0)
    memory.put(key("b"), entry(), 0)
    memory.sweep(2)
    assert (len(memory), memory.held_bytes) == (1, 10)


def test_no_room_at_all_keeps_nothing() -> None:
    memory = Memory(0)
    assert not memory.put(key("a"), entry(), 0)
    assert memory.get(key("a"), 0) is None


def trial(size: int = 10) -> Entry:
    return Entry(bytes(size), "video/mp4", Shelf.VIDEO, is_on_trial=True)


def test_what_nobody_has_read_pushes_out_nothing_that_was() -> None:
    memory = Memory(1000)
    for name in range(9):
        assert memory.put(key(name), entry(100), 0)
    assert memory.put(key("guess"), trial(100), 1)
    # There is no room for another one but in the place of the first.
    assert memory.put(key("next"), trial(100), 2)
    assert memory.peek(key("guess")) is None
    assert not memory.put(key("large"), trial(300), 3)
    assert all(memory.peek(key(name)) for name in range(9))
    assert memory.held_bytes == 900


def test_what_nobody_has_read_is_the_first_to_go() -> None:
    memory = Memory(1000)
    memory.put(key("old"), entry(400), 0)
    memory.put(key("guess"), trial(200), 5)
    memory.put(key("new"), entry(500), 9)
    assert (memory.peek(key("guess")), memory.held_bytes) == (None, 900)
    assert memory.peek(key("old")) is not None


def test_a_guess_that_was_right_is_kept_like_everything_else() -> None:
    memory = Memory(1000)
    memory.put(key("guess"), trial(200), 0)
    assert memory.get(key("guess"), 1) is not None
    for number in range(4):
        memory.put(key(number), trial(200), 2)
    assert memory.get(key("guess"), 3) is not None
    assert memory.held_bytes <= 1000


def test_guesses_take_a_quarter_of_a_shelf_and_of_the_bytes() -> None:
    memory = Memory(1000)
    for number in range(100):
        memory.put(key(number), trial(100), number)
    assert memory.held_bytes == 200
    memory = Memory(1 << 30)
    for number in range(300):
        memory.put(key(number), trial(), number)
    assert memory.count(Shelf.VIDEO) == MAX_ENTRIES[Shelf.VIDEO] // 4
    for number in range(1000, 1000 + MAX_ENTRIES[Shelf.VIDEO]):
        memory.put(key(number), entry(), number)
    assert memory.count(Shelf.VIDEO) == MAX_ENTRIES[Shelf.VIDEO]
    assert not memory.put(key("guess"), trial(), 2000)
