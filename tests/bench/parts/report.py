"""`python -m tests.bench.parts.report`: figures of `make bench`, as tables and charts, into `docs/benchmarks.md`.

The page is written by people; between `<!-- figures: NAME -->` and `<!-- end -->` stands what the run of that name
found, by `docs/benchmarks/NAME.json`. Charts are files beside it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pygal
from pygal.style import Style

from tests.bench.parts.figures import Curve, Results, read, table
from tests.support.node import ROOT

# For maps, which nobody draws here, pygal 3.1 puts a finder without `find_spec` among Python's own: who asks them one
# by one after that, as pytest does, fails.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]

PAGE: Final = ROOT / "docs" / "benchmarks.md"
FOLDER: Final = ROOT / "docs" / "benchmarks"
_PLACE: Final = re.compile(r"(<!-- figures: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
# Readable on a white page and on a dark one.
_STYLE: Final = Style(
    background="transparent",
    plot_background="transparent",
    foreground="#7d8590",
    foreground_strong="#7d8590",
    foreground_subtle="#7d859060",
    colors=("#e5534b", "#4184e4", "#57ab5a", "#c69026", "#986ee2"),
    font_family="system-ui, sans-serif",
    legend_font_size=13,
    label_font_size=12,
    major_label_font_size=12,
    value_font_size=11,
    title_font_size=15,
)
_TICKS: Final = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
# One look for all, and nothing that is fetched.
_PLAIN: Final = {"style": _STYLE, "js": (), "width": 860, "legend_at_bottom": True, "truncate_label": -1}


def filled(page: str, folder: Path) -> str:
    """The page with what `folder` has of each run; a place whose run it has not stays as it is."""

    def fill(place: re.Match[str]) -> str:
        path = folder / f"{place[2]}.json"
        return f"{place[1]}{section(read(path), folder)}{place[3]}" if path.exists() else place[0]

    return _PLACE.sub(fill, page)


def section(results: Results, folder: Path) -> str:
    """A run in words, figures and charts; the charts are written into `folder`."""
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    load = " to ".join(f"{load:.1f}" for load in results.load)
    parts = [f"{results.at[:10]}, {results.machine}, load {load}. {versions}."]
    parts += [table(results)] if results.figures else []
    for name, title, chart in charts(results):
        (folder / f"{name}.svg").write_bytes(chart)
        parts.append(f"![{title}]({folder.name}/{name}.svg)")
    return "\n\n".join(parts) + "\n"


def charts(results: Results) -> Iterator[tuple[str, str, bytes]]:
    """Of each chart of a run a name for its file, what it shows, and the SVG."""
    if results.peers:
        yield f"{results.bench}-ratios", f"{results.bench}: times better than its peers", _ratios(results)
    for number, curve in enumerate(results.curves, start=1):
        yield f"{results.bench}-{number}", curve.title, _curve(curve)


def _ratios(results: Results) -> bytes:
    compared = [figure for figure in results.figures if any(figure.ratio(peer) for peer in results.peers)]
    chart = pygal.HorizontalBar(
        title=f"Times better than its peers ({results.bench}; 1 is even)",
        logarithmic=True,
        height=90 + 26 * len(compared) * len(results.peers),
        value_formatter=lambda ratio: f"{ratio:.1f}×",
        print_values=True,
        **_PLAIN,
    )
    # It draws from the bottom up.
    chart.x_labels = [figure.name for figure in reversed(compared)]
    for peer in results.peers:
        chart.add(f"against {peer}", [figure.ratio(peer) for figure in reversed(compared)])
    found = [ratio for figure in compared for peer in results.peers if (ratio := figure.ratio(peer))]
    # By itself it writes so many that they stand on each other.
    chart.y_labels = [tick for tick in _TICKS if min(found) / 2 <= tick <= max(found) * 2]
    return _drawn(chart, "ratios")


def _curve(curve: Curve) -> bytes:
    chart = pygal.XY(title=curve.title, x_title=curve.x, y_title=curve.y, height=420, include_x_axis=True, **_PLAIN)
    for name, points in curve.lines.items():
        chart.add(name, list(points))
    return _drawn(chart, "curve")


def _drawn(chart: pygal.graph.graph.Graph, name: str) -> bytes:
    # It makes one up: a chart of the same figures is to be the same file.
    chart.uuid = name
    return bytes(chart.render())


def main() -> None:
    """Fill the page."""
    PAGE.write_text(filled(PAGE.read_text(), FOLDER))


if __name__ == "__main__":
    main()
