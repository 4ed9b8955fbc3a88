"""How much of the time that a fine-tuning may take has passed, what killed runs spent included."""

from __future__ import annotations

import time


class TimeBudget:
    """Runs from when it is made; `spent` and `most` are seconds, `most` 0 for no limit."""

    def __init__(self, *, spent: float, most: float) -> None:
        self._started = time.monotonic() - spent
        self._most = most

    @property
    def seconds(self) -> float:
        """What was spent in all."""
        return time.monotonic() - self._started

    @property
    def share(self) -> float:
        """What was spent as a share of what may be; 0 without a limit."""
        return self.seconds / self._most if self._most else 0.0
