"""Token buckets: how fast somebody may go on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """`rate` tokens per second up to `burst`. Full at first."""

    rate: float
    burst: float
    tokens: float
    at: float

    def take(self, now: float) -> int:
        """Take one token at `now` (monotonic seconds). Answers 0, or in how many ms there will be one."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return max(1, round((1 - self.tokens) / self.rate * 1000))
        self.tokens -= 1
        return 0
