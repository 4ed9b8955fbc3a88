"""Wrong labels are listed first; images that are only hard are not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.records import ImageId
from classifier.training.label_issues import LISTED, LabelIssues, as_dict, find_label_issues

CATEGORIES = ("cat", "dog", "emu", "fox")


def drawn(count: int, *, sure: float, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits of a calibrated model that is the surer the larger `sure` is, and what its images truly show."""
    draws = np.random.default_rng(seed)
    logits = draws.normal(0, sure, (count, len(CATEGORIES)))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (shares.cumsum(axis=1) > draws.random((count, 1))).argmax(axis=1)
    return logits.astype(np.float32), targets


def mislabeled(targets: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], set[int]]:
    draws = np.random.default_rng(1)
    rows = draws.choice(len(targets), count, replace=False)
    labels = targets.copy()
    labels[rows] = (labels[rows] + draws.integers(1, len(CATEGORIES), count)) % len(CATEGORIES)
    return labels, {int(row) for row in rows}


def found(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> LabelIssues:
    names = [str(row) for row in range(len(labels))]
    paths, pictures = [Path(f"{name}.png") for name in names], [ImageId(name) for name in names]
    return find_label_issues(logits, labels, categories=CATEGORIES, paths=paths, image_ids=pictures)


def rows_of(seen: LabelIssues) -> list[int]:
    return [int(doubt.path.stem) for doubt in seen.labels]


@pytest.mark.parametrize("planted", [20, 40])
def test_nearly_all_wrong_labels_are_listed(planted: int) -> None:
    logits, targets = drawn(400, sure=9)
    labels, wrong = mislabeled(targets, planted)
    seen = found(logits, labels)

    assert 0.9 * planted <= len(wrong & set(rows_of(seen)))
    assert 0.7 * planted <= seen.likely_wrong <= 1.4 * planted


def test_the_most_confident_contradiction_comes_first() -> None:
    logits, targets = drawn(200, sure=9)
    labels = targets.copy()
    logits[7] = [0, 40, 0, 0]
    labels[7] = 0
    first = found(logits, labels).labels[0]

    assert ("7.png", "cat", "dog") == (first.path.name, first.category, first.likely)
    assert 0.99 < first.wrong <= 1
    assert first.confidence <= first.wrong


def test_pictures_that_are_hard_are_not_called_mislabeled() -> None:
    logits, targets = drawn(400, sure=1)
    seen = found(logits, targets)

    assert (logits.argmax(axis=1) != targets).sum() > 150  # the model is wrong that often
    assert seen.likely_wrong <= 16


def test_the_list_is_bounded_and_ordered_by_probability() -> None:
    logits, targets = drawn(400, sure=6)
    seen = found(logits, mislabeled(targets, 40)[0])
    chances = [doubt.wrong for doubt in seen.labels]

    assert 0 < len(seen.labels) <= LISTED * seen.likely_wrong
    assert sorted(chances, reverse=True) == chances


def test_without_labels_there_are_no_issues() -> None:
    assert LabelIssues(count=0, likely_wrong=0, labels=()) == found(
        np.empty((0, 4), dtype=np.float32), np.empty(0, int)
    )


def test_extreme_logits_are_handled() -> None:
    logits = np.tile(np.array([[-1e4, 1e4, 0, 0]], dtype=np.float32), (30, 1))
    seen = found(logits, np.array([0, *[1] * 29]))

    assert ["0.png"] == [doubt.path.name for doubt in seen.labels]
    assert np.isfinite(seen.labels[0].wrong)


def test_label_issues_can_be_written_as_json() -> None:
    logits, targets = drawn(200, sure=9)
    values = json.loads(json.dumps(as_dict(found(logits, mislabeled(targets, 20)[0])), allow_nan=False))

    assert 200 == values["count"]
    assert values["labels"][0]["picture"] == Path(values["labels"][0]["path"]).stem
    assert {"picture", "path", "category", "likely", "wrong", "confidence"} == set(values["labels"][0])
