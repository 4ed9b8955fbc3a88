"""Time that was spent counts, also that of a run that was killed."""

from __future__ import annotations

import pytest

from classifier.training import time_budget
from classifier.training.time_budget import TimeBudget


def test_what_was_spent_before_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time_budget.time, "monotonic", lambda: now[0])
    limited, free = TimeBudget(spent=30, most=60), TimeBudget(spent=30, most=0)
    now[0] = 115.0

    assert (45.0, 0.75) == (limited.seconds, limited.share)
    assert (45.0, 0.0) == (free.seconds, free.share)
