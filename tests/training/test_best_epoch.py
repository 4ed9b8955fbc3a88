"""The last epoch is kept unless an earlier one is significantly better; time spent counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from classifier.training import checkpoint
from classifier.training.checkpoint import BestEpoch, TimeBudget, is_significantly_better

NAN = float("nan")


@pytest.mark.parametrize(
    ("earlier", "last", "expected"),
    [
        ([0.1, 0.2, 0.1, 0.2], [1.1, 1.3, 1.0, 1.2], True),
        ([0.1, 3.0, 0.1, 0.2], [1.1, 1.3, 1.0, 1.2], False),  # better on the mean, but by chance
        ([1.0, 1.0], [1.0, 1.0], False),
        ([], [], False),
        ([1.0, 1.0], [NAN, 1.0], True),
        ([NAN, 1.0], [NAN, 1.0], False),
        ([NAN, 1.0], [1.0, 1.0], False),
    ],
)
def test_an_earlier_epoch_wins_only_if_significantly_better(
    earlier: list[float], last: list[float], expected: bool
) -> None:
    assert expected == is_significantly_better(np.array(earlier), np.array(last))


def test_the_best_epoch_keeps_a_copy_of_its_weights() -> None:
    best, weight = BestEpoch(), torch.zeros(2)
    for epoch, loss in enumerate([3.0, 1.0, NAN, 2.0]):
        weight.fill_(epoch)
        best.update(epoch, np.array([loss, loss]), {"weight": weight})

    assert (1, [1.0, 1.0]) == (best.epoch, best.weights["weight"].tolist())


def test_time_spent_before_a_resume_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    limited, free = TimeBudget(spent=30, most=60), TimeBudget(spent=30, most=0)
    now[0] = 115.0

    assert (45.0, 0.75) == (limited.seconds, limited.share)
    assert (45.0, 0.0) == (free.seconds, free.share)
