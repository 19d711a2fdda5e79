"""The page of figures, filled from what the benches kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.parts.figures import Curve, Figure, Results, table
from tests.bench.parts.report import filled

PAGE = "Words.\n\n<!-- figures: fanout -->\nold\n<!-- end -->\n\nMore.\n\n<!-- figures: rooms -->\nkept\n<!-- end -->\n"


def results() -> Results:
    found = Results.begin("fanout", {"Node": "20"})
    found.figures = [
        Figure("deliveries", 300, better="more", peers={"other": 100}),
        Figure("p99", 20.0, "ms", peers={"other": 10.0}),
        Figure("alone", 1.5, "s"),
    ]
    found.curves = [Curve("Cost", "sockets", "µs", {"1 replica": [(100, 30.0), (1000, 20.0)]})]
    return found


def test_a_ratio_above_one_is_in_our_favour_whichever_way_is_good() -> None:
    deliveries, p99, alone = results().figures
    assert (deliveries.ratio("other"), p99.ratio("other"), alone.ratio("other")) == (3.0, 0.5, None)
    assert "| p99, ms | 20 | 10 | 0.5× |" in table(results())


def test_what_rounds_differed_by_stands_beside_their_median() -> None:
    found = Results.begin("fanout")
    found.figures = [Figure("p99", 20.0, "ms", peers={"other": 10.0}, ranges={"": (18.0, 31.0), "other": (9.5, 10.0)})]
    assert "| p99, ms | 20 (18 to 31) | 10 (9.5 to 10) | 0.5× |" in table(found)


def test_a_place_is_filled_from_its_run_and_one_without_a_run_stays(tmp_path: Path) -> None:
    results().end(tmp_path / "fanout.json")
    page = filled(PAGE, tmp_path)
    assert "old" not in page
    assert "| deliveries | 300 | 100 | 3.0× |" in page
    assert "kept" in page
    assert filled(page, tmp_path) == page
    for chart in ("fanout-ratios.svg", "fanout-1.svg"):
        assert f"({tmp_path.name}/{chart})" in page
        assert "<svg" in (tmp_path / chart).read_text()


def test_a_chart_fetches_nothing_and_is_the_same_each_time(tmp_path: Path) -> None:
    results().end(tmp_path / "fanout.json")
    filled(PAGE, tmp_path)
    first = (tmp_path / "fanout-ratios.svg").read_bytes()
    filled(PAGE, tmp_path)
    assert (tmp_path / "fanout-ratios.svg").read_bytes() == first
    assert b"src=" not in first
    assert b'xlink:href="http' not in first
    assert b"@import" not in first


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fanout.json").write_text("[]")
    with pytest.raises(ValueError, match="object"):
        filled(PAGE, tmp_path)
