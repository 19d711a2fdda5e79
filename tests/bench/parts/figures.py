"""What a bench finds: figures beside those of its peers, and curves. Printed as Markdown, kept as JSON."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from services.common import codec
from tests.bench.parts.processes import machine

Better = Literal["less", "more"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of ours; `peers` has what the same run found of others, `better` says which way is good.

    `ranges`: least and most over the rounds that `value` is the median of, by peer; ours by ''.
    """

    name: str
    value: float
    unit: str = ""
    better: Better = "less"
    peers: Mapping[str, float] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def ratio(self, peer: str) -> float | None:
        """How many times better ours is than a peer's; None where there is nothing to divide."""
        other = self.peers.get(peer)
        if not other or not self.value:
            return None
        return self.value / other if self.better == "more" else other / self.value


@dataclass(frozen=True, slots=True)
class Curve:
    """How something grows: `lines` are points (x, y) by what they are of; `x` and `y` name the axes, with units."""

    title: str
    x: str
    y: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


@dataclass(slots=True)
class Results:
    """What one run of a bench found. `load` is how many processes wanted a core: at its beginning, and at its end."""

    bench: str
    ours: str = "watch-together"
    machine: str = ""
    at: str = ""
    load: list[float] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)

    @classmethod
    def begin(cls, bench: str, versions: Mapping[str, str] | None = None) -> Results:
        """Of a run that begins now, on this machine."""
        return cls(
            bench,
            machine=machine(),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            load=[os.getloadavg()[0]],
            versions={"Python": platform.python_version(), **(versions or {})},
        )

    @property
    def peers(self) -> list[str]:
        """Everybody who was measured beside us, in the order in which they first appear."""
        return list(dict.fromkeys(peer for figure in self.figures for peer in figure.peers))

    def end(self, path: Path | None) -> None:
        """The run is over: keep it as JSON, if there is a path."""
        self.load.append(os.getloadavg()[0])
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(codec.encode(self) + b"\n")


def read(path: Path) -> Results:
    """What `Results.end` kept.

    :raises MalformedError: if the file is something else.
    """
    return codec.decode_as(Results, path.read_bytes())


def arguments(prog: str, description: str) -> argparse.ArgumentParser:
    """What every bench is told by: `--quick`, and `--json FILE` for `Results.end`."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.bench.{prog}", description=description)
    parser.add_argument("--quick", action="store_true", help="two minutes at most, for checking")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser


def table(results: Results) -> str:
    """The figures side by side, as Markdown. A ratio above 1 is in our favour."""
    peers = results.peers
    head = ["", results.ours, *peers, *(f"against {peer}" for peer in peers)]
    rows = [head, ["---", *("---:" for _ in head[1:])]]
    for figure in results.figures:
        name = f"{figure.name}, {figure.unit}" if figure.unit else figure.name
        theirs = [_cell(figure.peers[peer], figure, peer) if peer in figure.peers else "–" for peer in peers]
        rows.append([name, _cell(figure.value, figure, ""), *theirs, *(times(figure.ratio(peer)) for peer in peers)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: float, figure: Figure, of: str) -> str:
    """A figure, and between what its rounds lay."""
    found = figure.ranges.get(of)
    return told(value) if found is None else f"{told(value)} ({told(found[0])} to {told(found[1])})"


def told(value: float) -> str:
    """A figure with as many digits as mean something."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def times(ratio: float | None) -> str:
    """A ratio as people write it."""
    if ratio is None:
        return "–"
    return f"{ratio:.1f}×" if ratio >= 0.1 else f"{ratio:.2f}×"
