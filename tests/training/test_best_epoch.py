"""The last epoch is kept unless an earlier one is significantly better; time spent counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from classifier.errors import Message
from classifier.training import time_budget
from classifier.training.checkpoint import BestEpoch, Checkpoint, TrainingState, is_significantly_better
from classifier.training.time_budget import TimeBudget
from kit.learning import tiny_network
from kit.progress import SavingProgress

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
    monkeypatch.setattr(time_budget.time, "monotonic", lambda: now[0])
    limited, free = TimeBudget(spent=30, most=60), TimeBudget(spent=30, most=0)
    now[0] = 115.0

    assert (45.0, 0.75) == (limited.seconds, limited.share)
    assert (45.0, 0.0) == (free.seconds, free.share)


def state_of(losses: list[float]) -> TrainingState:
    """A training state after as many epochs, each with these losses of two held-out images."""
    network, average = tiny_network(), tiny_network()
    optimizer = torch.optim.AdamW(network.parameters())
    state = TrainingState(network, average, optimizer, torch.amp.GradScaler("cpu", enabled=False))
    for epoch, loss in enumerate(losses):
        state.epoch = epoch
        with torch.no_grad():
            average.head.bias.fill_(epoch)
        state.record_epoch(loss, np.array([loss, loss]), 0.5)
    return state


def kept(folder: Path) -> Checkpoint:
    return Checkpoint(folder, name=Message("final"), fingerprint="mine")


@pytest.mark.parametrize(("losses", "best"), [([3.0, 2.0, 1.0], 2.0), ([3.0, 0.1, 1.0], 1.0)])
def test_a_state_gives_back_the_weights_of_the_last_and_the_best_epoch(
    losses: list[float], best: float, tmp_path: Path
) -> None:
    kept(tmp_path).save(state_of(losses).as_dict())
    restored = state_of([5.0])

    assert restored.restore(kept(tmp_path), SavingProgress())
    parts = restored.as_dict()
    assert {2.0} == set(parts["average"]["body.classifier.bias"].tolist())
    assert {best} == set(parts["best_weights"]["body.classifier.bias"].tolist())


def test_weights_are_saved_once_where_the_last_epoch_is_the_best(tmp_path: Path) -> None:
    weights = sum(value.nbytes for value in tiny_network().state_dict().values())
    kept(tmp_path / "last").save(state_of([3.0, 1.0]).as_dict())
    kept(tmp_path / "earlier").save(state_of([1.0, 3.0]).as_dict())
    last, earlier = ((tmp_path / name / "final.pt").stat().st_size for name in ("last", "earlier"))

    assert earlier - last > 0.9 * weights


def test_without_held_out_pictures_no_weights_are_kept_beside_the_last() -> None:
    best = BestEpoch()
    best.update(0, np.empty(0), {"weight": torch.zeros(2)})

    assert (0, {}) == (best.epoch, best.weights)
