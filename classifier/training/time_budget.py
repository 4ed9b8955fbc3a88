"""How much of the time that a fine-tuning may take is spent."""

from __future__ import annotations

import time
from collections.abc import Callable


class TimeBudget:
    """Runs from when it is made; `spent` and `most` are seconds, `most` 0 for no limit.

    `agreed` gives what several processes agree on, from what each of them measures.
    """

    def __init__(self, *, spent: float, most: float, agreed: Callable[[float], float] = float) -> None:
        self._agreed = agreed
        self._started = time.monotonic() - spent
        self._most = most

    @property
    def seconds(self) -> float:
        """What was spent in all."""
        return time.monotonic() - self._started

    @property
    def share(self) -> float:
        """What was spent as a share of what may be; 0 without a limit."""
        return self._agreed(self.seconds / self._most) if self._most else 0.0
