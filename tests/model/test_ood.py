"""OOD detection, fitted to labeled images alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from classifier.errors import ModelError
from classifier.model.ood import OodDetector, fit_ood, least_labels, load_ood


def cluster(count: int, *, at: int, seed: int = 0) -> NDArray[np.float32]:
    """Images around one of eight directions, that vary much more in the second half of the statistics."""
    spread = np.repeat([0.02, 0.3], 4)
    return np.asarray(np.eye(8)[at] + np.random.default_rng(seed).normal(0, spread, (count, 8)), dtype=np.float32)


def plain(count: int) -> NDArray[np.float32]:
    """Embeddings that are all alike: what is unlike is told by the statistics alone."""
    return np.ones((count, 4), np.float32)


def fitted_by(stats: NDArray[np.float32], targets: NDArray[np.int64], groups: NDArray[np.int64]) -> OodDetector:
    return fit_ood(stats, plain(len(stats)), targets, groups)


def score(fitted: OodDetector, stats: NDArray[np.float32]) -> NDArray[np.float32]:
    return fitted.score(stats, plain(len(stats)))


def novelty(count: int = 100) -> OodDetector:
    """Of two categories, near the first and the second direction."""
    targets = np.arange(count) % 2
    stats = np.stack([cluster(count, at=0), cluster(count, at=1, seed=1)])[targets, np.arange(count)]
    return fitted_by(stats, targets, np.arange(count))


def test_an_image_of_no_category_scores_higher_than_any_labeled_one() -> None:
    fitted = novelty()
    known = score(fitted, np.concatenate([cluster(50, at=0, seed=5), cluster(50, at=1, seed=6)]))
    unknown = score(fitted, cluster(50, at=2, seed=7))

    assert known.max() < unknown.min()
    assert fitted.threshold(0.02) < unknown.min()


def test_distance_counts_more_where_labeled_images_do_not_vary() -> None:
    fitted = novelty()
    usual, unusual = np.eye(8, dtype=np.float32)[[0, 0]] + 0.5 * np.eye(8, dtype=np.float32)[[7, 3]]

    assert 3 * score(fitted, usual[None])[0] < score(fitted, unusual[None])[0]


def of_before(whitening: NDArray[np.float32], points: NDArray[np.float32]) -> OodDetector:
    nothing = np.empty((0, 0), np.float32)
    return OodDetector(
        whitening=whitening, points=points, axes=nothing, projections=nothing, scores=np.empty(0, np.float32)
    )


def test_the_score_is_the_root_mean_square_distance_to_the_three_nearest() -> None:
    points = np.array([[1, 0], [0, 2], [-3, 0], [0, -4]], np.float32)
    fitted = of_before(np.eye(2, dtype=np.float32), points)
    two = of_before(2 * np.eye(2, dtype=np.float32), points[:2])
    nowhere = np.zeros((1, 2), np.float32)

    assert [pytest.approx(math.sqrt((1 + 4 + 9) / 3))] == score(fitted, nowhere).tolist()
    assert [pytest.approx(math.sqrt((1 + 4) / 2))] == score(two, nowhere).tolist()


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_at_most_the_share_of_similar_images_is_unknown(share: float) -> None:
    shares = []
    for seed in range(40):
        fitted = fitted_by(cluster(100, at=0, seed=seed), np.zeros(100, np.int64), np.arange(100))
        shares.append(np.mean(score(fitted, cluster(200, at=0, seed=1000 + seed)) >= fitted.threshold(share)))

    assert share / 3 <= np.mean(shares) <= share


@pytest.mark.parametrize(("count", "can_tell"), [(18, False), (19, True), (20, True)])
def test_with_too_few_labels_nothing_is_unknown(count: int, can_tell: bool) -> None:
    assert can_tell == math.isfinite(novelty(count).threshold(0.05))
    assert can_tell == (count >= least_labels(0.05))


def test_the_farthest_labeled_image_is_not_unknown() -> None:
    fitted = novelty(19)

    assert fitted.scores[-1] < fitted.threshold(0.05) < 1.001 * fitted.scores[-1]


def test_near_duplicates_do_not_lower_the_scores() -> None:
    alone, targets = cluster(60, at=0), np.zeros(60, np.int64)
    twice = fitted_by(np.repeat(alone, 2, axis=0), np.repeat(targets, 2), np.repeat(np.arange(60), 2))
    unseen = fitted_by(np.repeat(alone, 2, axis=0), np.repeat(targets, 2), np.arange(120))

    assert twice.scores.min() > 0.1
    assert np.median(unseen.scores) < np.median(twice.scores)


def test_one_image_gives_no_threshold_and_none_is_refused() -> None:
    assert math.inf == fitted_by(cluster(1, at=0), np.zeros(1, np.int64), np.arange(1)).threshold(0.5)
    with pytest.raises(ValueError, match="no labeled picture"):
        fitted_by(np.empty((0, 8), np.float32), np.empty(0, np.int64), np.arange(0))


def test_equal_images_match_only_themselves() -> None:
    fitted = fitted_by(np.ones((40, 8), np.float32), np.zeros(40, np.int64), np.arange(40))

    assert [pytest.approx(0, abs=1e-6)] == score(fitted, np.ones((1, 8), np.float32)).tolist()
    assert fitted.threshold(0.1) < score(fitted, np.zeros((1, 8), np.float32))[0]


def test_very_many_labeled_images_are_thinned_out_evenly() -> None:
    fitted = novelty(20_500)

    assert (6834, 20_500) == (len(fitted.points), len(fitted.scores))


def test_very_wide_traits_are_compared_as_they_are() -> None:
    stats = np.random.default_rng(0).random((5, 2049), np.float32)
    fitted = fitted_by(stats, np.zeros(5, np.int64), np.arange(5))

    assert np.array_equal(stats, fitted.points)


def test_what_is_saved_is_what_is_read(tmp_path: Path) -> None:
    fitted = novelty()
    fitted.save(tmp_path / "novelty.safetensors")
    read = load_ood(tmp_path / "novelty.safetensors")
    pictures = cluster(20, at=3)

    assert np.array_equal(fitted.scores, read.scores)
    assert np.array_equal(score(fitted, pictures), score(read, pictures))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda arrays: arrays.pop("scores"), "it holds axes, points, shadows, whitening, not axes, points"),
        (lambda arrays: arrays.update(points=arrays["points"].astype(np.float16)), "not all float32"),
        (lambda arrays: arrays.update(points=arrays["points"][:, 1:].copy()), "do not fit together"),
        (lambda arrays: arrays.update(whitening=arrays["whitening"][1:].copy()), "do not fit together"),
        (lambda arrays: arrays.update(points=arrays["points"][:0].copy()), "do not fit together"),
        (lambda arrays: arrays.update(shadows=arrays["shadows"][:0].copy()), "do not fit together"),
        (lambda arrays: arrays.update(axes=arrays["axes"][:, :0].copy()), "do not fit together"),
        (lambda arrays: arrays.pop("axes"), "it holds points, scores, shadows, whitening, not axes, points"),
        (lambda arrays: arrays.update(points=arrays["points"] * np.float32(np.nan)), "not finite"),
        (lambda arrays: arrays.update(scores=arrays["scores"][::-1].copy()), "do not rise"),
    ],
)
def test_a_mismatch_is_refused_in_one_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    novelty().save(tmp_path / "novelty.safetensors")
    arrays: dict[str, Any] = load_file(tmp_path / "novelty.safetensors")
    change(arrays)
    save_file(arrays, tmp_path / "novelty.safetensors")
    with pytest.raises(ModelError) as caught:
        load_ood(tmp_path / "novelty.safetensors")

    assert says in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())


def test_a_file_that_is_not_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "novelty.safetensors").write_bytes(b"x" * 40)
    with pytest.raises(ModelError, match="cannot be read"):
        load_ood(tmp_path / "novelty.safetensors")


def test_an_older_file_scores_by_the_traits_alone(tmp_path: Path) -> None:
    fitted = novelty()
    arrays = {"whitening": fitted.whitening, "points": fitted.points, "scores": fitted.scores}
    save_file(arrays, tmp_path / "novelty.safetensors")
    read = load_ood(tmp_path / "novelty.safetensors")

    np.testing.assert_allclose(score(read, cluster(20, at=3)), score(fitted, cluster(20, at=3)), atol=1e-5)


def test_the_score_adds_one_minus_the_cosine() -> None:
    stats, targets, groups = cluster(40, at=0), np.zeros(40, np.int64), np.arange(40)
    ahead = np.tile(np.array([3, 0, 0, 0], np.float32), (40, 1))
    fitted = fit_ood(stats, ahead, targets, groups)
    angles = np.array([[2, 0, 0, 0], [1, 1, 0, 0], [0, 5, 0, 0], [-1, 0, 0, 0]], np.float32)
    added = fitted.score(stats[:4], angles) - fitted.score(stats[:4], ahead[:4])

    np.testing.assert_allclose([0, 1 - np.sqrt(0.5), 1, 2], added, atol=1e-5)


def test_components_outside_the_projection_raise_the_score() -> None:
    rng = np.random.default_rng(0)
    embeddings = np.concatenate([rng.normal(5, 1, (200, 70)), np.zeros((200, 30))], axis=1).astype(np.float32)
    fitted = fit_ood(cluster(200, at=0), embeddings, np.zeros(200, np.int64), np.arange(200))
    outside = embeddings[:1].copy()
    outside[:, 70:] = np.linalg.norm(embeddings[:1]) / np.sqrt(30)
    one = cluster(1, at=0)

    assert (100, 64) == fitted.axes.shape
    difference = fitted.score(one, outside)[0] - fitted.score(one, embeddings[:1])[0]
    assert 1 - np.sqrt(0.5) == pytest.approx(difference, abs=0.02)


def test_images_like_added_ones_are_no_longer_unknown() -> None:
    fitted = novelty()
    new, like_them = cluster(100, at=2, seed=8), cluster(20, at=2, seed=9)
    more = fitted.with_more(new, plain(200))

    assert (score(fitted, like_them) > fitted.threshold(0.02)).all()
    assert (score(more, like_them) < more.threshold(0.02)).mean() >= 0.9
    assert np.array_equal(fitted.scores, more.scores)


def test_labels_picked_by_a_model_are_points_but_set_no_threshold() -> None:
    stats = np.concatenate([cluster(100, at=0), cluster(50, at=2, seed=1)])
    is_picked = np.arange(150) >= 100
    arguments = stats, plain(150), np.zeros(150, np.int64), np.arange(150)
    fitted = fit_ood(*arguments, picked_N=is_picked)

    assert (150, 100) == (len(fitted.points), len(fitted.scores))
    of_few = fit_ood(*(part[1:] for part in arguments), picked_N=is_picked[1:])
    assert 149 == len(of_few.scores)
