"""How much this process has to do, and who is turned away before everybody suffers: prefetching first, readers last."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Iterator
from typing import Final

from services.common.errors import Unavailable
from services.proxy import metrics

SAMPLE_S: Final = 0.25
# Samples that must all be bad: a machine that stands still once is no overload.
SAMPLES: Final = 4
# Prefetching rests while the loop is as late as this, or half of the streams are taken.
TENSE_LAG_S: Final = 0.05
# What has to be fetched is refused above this part of the streams; what is here may have all of them.
FETCH_SHARE: Final = 0.8
RETRY_MS: Final = 1500


class Pressure:
    """Counts streams and watches the event loop. `watch` runs beside the rest."""

    def __init__(self, most_streams: int, shed_lag_s: float) -> None:
        """Either may be 0: then nobody is turned away for it.

        :param shed_lag_s: a lag of the event loop beyond which nothing new is fetched.
        """
        self._most_streams = most_streams
        self._shed_lag_s = shed_lag_s
        self._streams = 0
        self._lags: deque[float] = deque([0.0] * SAMPLES, SAMPLES)

    async def watch(self) -> None:
        """Measure the loop's lag, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + SAMPLE_S
            await asyncio.sleep(SAMPLE_S)
            self.note(loop.time() - due)

    def note(self, lag_s: float) -> None:
        """Take in one measurement."""
        self._lags.append(max(0.0, lag_s))

    @property
    def is_tense(self) -> bool:
        """Whether what could be left undone should be."""
        return self._lags[-1] >= TENSE_LAG_S or (self._most_streams > 0 and self._streams * 2 >= self._most_streams)

    @contextlib.contextmanager
    def stream(self, *, is_here: bool) -> Iterator[None]:
        """Count an answer while it is being sent.

        :param is_here: it comes from memory or disk: of those there may be more.
        :raises Unavailable: if this process has too much to do.
        """
        most = self._most_streams if is_here else int(self._most_streams * FETCH_SHARE)
        if self._most_streams and self._streams >= most:
            raise _shed("streams")
        if not is_here and self._shed_lag_s and min(self._lags) >= self._shed_lag_s:
            raise _shed("lag")
        self._streams += 1
        metrics.STREAMS.inc()
        try:
            yield
        finally:
            self._streams -= 1
            metrics.STREAMS.dec()


def _shed(reason: str) -> Unavailable:
    metrics.SHED.labels(reason).inc()
    # Apart from each other, or they all come back at once.
    wait_ms = round(RETRY_MS * random.uniform(1, 2))
    return Unavailable("unavailable", "This server has too much to do just now.", retry_after_ms=wait_ms)
