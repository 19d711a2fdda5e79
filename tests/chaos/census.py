"""What a process of ours holds, by the names of its parts: `python -m tests.chaos.census services.sync`.

Runs a service as it is, and at SIGUSR2 writes to the file `CENSUS_FILE` how many tasks wait, how many objects of each
class there are, and how much lies in each attribute of ours that holds things. A leak is named by what grows.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import runpy
import signal
import sys
import types
from collections import Counter, deque
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final, TypeGuard

FILE: Final = "CENSUS_FILE"
TASKS: Final = "tasks"
_OURS: Final = "services."
# Every program has so many of these for reasons of its own.
_COMMON: Final = (types.FrameType, types.CellType, types.MethodType, types.BuiltinMethodType, tuple)


def census() -> Counter[str]:
    """The counts of this process."""
    counts: Counter[str] = Counter()
    # Replicas look for garbage rarely: what nobody holds is no leak.
    gc.collect()
    for each in gc.get_objects():
        kind = type(each)
        if isinstance(each, asyncio.Task):
            counts[TASKS] += not each.done()
            continue
        # Some write what is no text there.
        label = f"{kind.__module__}.{kind.__qualname__}"
        if not isinstance(each, _COMMON):
            counts[label] += 1
        if label.startswith(_OURS):
            for name, value in _attributes(each):
                if _may_grow(value):
                    counts[f"{label}.{name}"] += len(value)
    return counts


def _may_grow(value: object) -> TypeGuard[Collection[Any]]:
    if isinstance(value, deque):
        return value.maxlen is None
    return isinstance(value, Collection) and not isinstance(value, (str, bytes))


def _attributes(each: Any) -> Iterator[tuple[str, Any]]:
    """Those of the instance itself: by its dictionary, or its slots."""
    yield from list(getattr(each, "__dict__", {}).items())
    for kind in type(each).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__"):
                yield name, getattr(each, name, None)


def _write(_number: int, _frame: types.FrameType | None) -> None:
    target = Path(os.environ[FILE])
    making = target.with_suffix(".making")
    making.write_text(json.dumps(census()))
    making.replace(target)


def main(argv: list[str]) -> None:
    """Run the module that is named first, with the other arguments."""
    signal.signal(signal.SIGUSR2, _write)
    sys.argv = argv
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
