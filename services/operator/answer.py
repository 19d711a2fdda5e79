"""What a command says, for people and for scripts: pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2

_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Answer:
    """`data` is what `--json` prints; `text` is what people read; `status` is the exit status."""

    data: Any
    text: str
    status: int = 0


def table(head: Sequence[str], rows: Sequence[Sequence[object]], nothing: str) -> str:
    """Columns as wide as they must be; `nothing` in place of a table without rows."""
    if not rows:
        return nothing
    lines = [tuple(head), *(tuple(plain(str(cell)) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def plain(text: str) -> str:
    """Text of strangers, without what a terminal would obey."""
    return "".join("?" if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") else letter for letter in text)


def cut(text: str, most: int) -> str:
    """The beginning of a text."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def size(count: float) -> str:
    """Bytes as people say them."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if count >= 100 or unit == _UNITS[0] else f"{count:.1f} {unit}"


def span(seconds: float) -> str:
    """A duration in its largest unit, such as `3 h`."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(max(0.0, seconds))} s"


def ago(then: float, now: float) -> str:
    """How long ago a time (Unix seconds) was; `-` for none."""
    return f"{span(now - then)} ago" if then else "-"


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"
