from services.common.cluster import parse_slots, slot_of
from services.common.keys import Keys
from services.common.topology import Address


def test_all_keys_of_a_room_have_one_slot() -> None:
    keys = Keys("wt")
    assert len({slot_of(key) for key in [*keys.room_keys("film"), keys.events("film")]}) == 1


def test_slots_are_read_with_their_masters_and_every_node() -> None:
    answer = [
        [8192, 16383, [b"10.0.0.2", 7001, b"id2"]],
        [0, 8191, [b"10.0.0.1", 7000, b"id1"], [b"10.0.0.3", 7002, b"id3"]],
    ]
    ranges, nodes = parse_slots(answer, Address("seed", 1))
    assert ranges == ((0, 8191, Address("10.0.0.1", 7000)), (8192, 16383, Address("10.0.0.2", 7001)))
    assert set(nodes) == {Address("10.0.0.1", 7000), Address("10.0.0.2", 7001), Address("10.0.0.3", 7002)}


def test_a_node_that_does_not_know_its_own_host_is_where_it_was_asked() -> None:
    ranges, _ = parse_slots([[0, 16383, [b"", 7000, b"id"]]], Address("seed", 7000))
    assert ranges == ((0, 16383, Address("seed", 7000)),)
