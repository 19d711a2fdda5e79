"""Lets requests in: by what their caller may have, and by what this process can take."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from starlette.types import Scope

from services.proxy.callers import CallerId, Callers
from services.proxy.limits import Limits
from services.proxy.pressure import Pressure


class Doorkeeper:
    """Every request passes `admit`; every answer that takes time is sent inside `stream`."""

    def __init__(self, callers: Callers, limits: Limits, pressure: Pressure) -> None:
        self._callers = callers
        self._limits = limits
        self._pressure = pressure

    def admit(self, scope: Scope) -> CallerId:
        """Who asks.

        :raises Refused: `too_many_requests`.
        """
        caller = self._callers.of(scope)
        self._limits.admit(caller, time.monotonic())
        return caller

    @contextlib.contextmanager
    def stream(self, caller: CallerId | None, *, is_here: bool) -> Iterator[None]:
        """Count an answer while it is being sent; `caller` is None for another node.

        :raises Refused: `too_many_requests`.
        :raises Unavailable: if there is too much to do.
        """
        with contextlib.ExitStack() as counted:
            if caller is not None:
                counted.enter_context(self._limits.stream(caller))
            counted.enter_context(self._pressure.stream(is_here=is_here))
            yield
