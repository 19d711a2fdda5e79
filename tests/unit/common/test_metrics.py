from prometheus_client import generate_latest

from services.common.metrics import Registry, Tally


def test_a_tally_is_told_as_a_counter_with_its_labels() -> None:
    tally = Tally("wt_test_things_total", "Things", "kind", "outcome")
    tally.add("cup", "broken")
    tally.add("cup", "broken", by=2)
    try:
        told = generate_latest(Registry).decode()
    finally:
        Registry.unregister(tally)
    assert '# TYPE wt_test_things_total counter\nwt_test_things_total{kind="cup",outcome="broken"} 3.0' in told


def test_a_tally_without_labels_begins_at_zero() -> None:
    tally = Tally("wt_test_others_total", "Others")
    try:
        assert "wt_test_others_total 0.0" in generate_latest(Registry).decode()
    finally:
        Registry.unregister(tally)
