"""The temperature calibrates, and few images cannot drive it to full confidence."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from classifier.model.calibration import fit_temperature, probabilities


def drawn(count: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose true probabilities are softmax(logits / temperature), with targets drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (count, 5)).astype(np.float32)
    targets = np.array([rng.choice(5, p=row) for row in probabilities(logits, temperature)])
    return logits, targets


def test_the_true_temperature_is_recovered() -> None:
    for true in (0.5, 1.0, 2.5):
        assert abs(np.log(fit_temperature(*drawn(4000, true)) / true)) < 0.1


def test_a_small_all_correct_set_does_not_give_full_confidence() -> None:
    logits = np.eye(4, dtype=np.float32)[[0, 1, 2, 3]] * 4
    fitted = fit_temperature(logits, np.arange(4))

    assert 0.3 < fitted < 1


def test_no_pictures_change_nothing() -> None:
    assert 1.0 == fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64))


def test_probabilities_are_those_of_scipy() -> None:
    logits = np.concatenate([drawn(10, 1)[0], np.float32([[0, 0, 0, 0, 3e38], [-3e38, -3e38, -3e38, 0, 1]])])

    assert np.array_equal(softmax(logits.astype(np.float64) / 0.7, axis=1), probabilities(logits, 0.7))


def test_probabilities_sum_to_one() -> None:
    assert np.allclose(1, probabilities(drawn(10, 1)[0], 0.7).sum(axis=1))
