from services.common.wire.client import Seek
from services.sync.seeks import SeekBatch, Seeks


def seek(id_: str, timestamp: float = 1.0) -> Seek:
    return Seek(id=id_, timestamp=timestamp)


def test_the_first_seek_goes_at_once() -> None:
    assert Seeks().take(seek("a"), 0.0) == SeekBatch(seek("a"))


def test_of_seeks_in_quick_succession_the_last_one_goes_and_answers_for_the_others() -> None:
    seeks = Seeks()
    seeks.take(seek("a"), 0.0)
    assert [seeks.take(seek(name, n), 0.05) for n, name in enumerate("bcd")] == [None, None, None]
    assert seeks.due_at == 0.15
    assert seeks.flush(0.15) == SeekBatch(seek("d", 2), ("b", "c"))
    assert seeks.flush(0.15) is None


def test_after_a_coalesced_seek_the_next_window_begins() -> None:
    seeks = Seeks()
    seeks.take(seek("a"), 0.0)
    seeks.take(seek("b"), 0.1)
    seeks.flush(0.15)
    assert seeks.take(seek("c"), 0.2) is None
    assert seeks.flush(0.3) == SeekBatch(seek("c"))


def test_seeks_with_time_between_them_all_go_at_once() -> None:
    seeks = Seeks()
    assert all(seeks.take(seek(str(n)), n * 0.2) is not None for n in range(5))
