"""The numbers of a preview: how many images each category would get at each threshold, and samples of each.

How many of them would be wrong is expected by the model's own calibrated probabilities: the sum of 1 - confidence.
"""

from __future__ import annotations

from array import array
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifier.catalog.planned import PlannedImage
from classifier.reasons import ReasonCode
from classifier.records import Action

THRESHOLDS: Final = (
    *(percent / 100 for percent in range(30, 80, 5)),
    *(percent / 100 for percent in range(80, 90, 2)),
    *(percent / 100 for percent in range(90, 100)),
    0.992,
    0.995,
    0.998,
    0.999,
)
"""The thresholds offered, besides the one that was asked for."""
SAMPLES: Final = 12
"""Images shown of each category: the least sure that would be filed, the surest that would wait, any others."""
_LEAST_SURE, _WAITING = 6, 3
_BY_CONFIDENCE: Final = frozenset(
    {
        ReasonCode.ABOVE_THRESHOLD,
        ReasonCode.BELOW_THRESHOLD,
        ReasonCode.ABOVE_GUARANTEE,
        ReasonCode.BELOW_GUARANTEE,
        ReasonCode.NO_GUARANTEE,
        ReasonCode.NEAR_OOD,
    }
)
"""Reasons of decisions that another threshold would change; all others stand at every threshold."""

_Kept = list[tuple[float | str, PlannedImage]]


def preview_numbers(images: Iterable[PlannedImage], *, threshold: float | None) -> dict[str, Any]:
    """The table, the steps and the samples of a preview as values for JSON.

    `threshold` is the one for all categories that was asked for; None where each has its own, as under a guarantee.
    """
    categories: dict[str, _Category] = {}
    unknown: _Kept = []
    for image in images:
        if image.action == Action.DUPLICATE:
            continue
        categories.setdefault(image.category, _Category()).add(image)
        if image.action == Action.UNKNOWN:
            _keep(unknown, image.image_id, image)
    names = sorted(categories, key=lambda name: (-categories[name].filed, -categories[name].review, name))
    rows = [categories[name] for name in names]
    steps, asked = _steps(rows, threshold)
    samples = [sample for row in rows for sample in row.samples()]
    samples += [image for _, image in unknown]
    return {
        "table": [
            {"category": name, "filed": row.filed, "review": row.review, "unknown": row.unknown}
            for name, row in zip(names, rows, strict=True)
        ],
        "steps": steps,
        "asked": asked,
        "samples": [
            {
                "image_id": one.image_id,
                "action": one.action,
                "category": one.category,
                "confidence": one.confidence,
                "by_confidence": one.reason_code in _BY_CONFIDENCE,
            }
            for one in samples
        ],
    }


@dataclass(kw_only=True)
class _Category:
    """What was decided about the images whose most likely category is this one."""

    filed: int = 0
    review: int = 0
    unknown: int = 0
    filed_for_sure: int = 0
    """Filed at every threshold: a person said so."""
    confidences: array[float] = field(default_factory=lambda: array("d"))
    """Of the images that a threshold decides."""
    wrong: float = 0.0
    """Expected among the filed."""
    least_sure: _Kept = field(default_factory=list)
    waiting: _Kept = field(default_factory=list)
    others: _Kept = field(default_factory=list)

    def add(self, image: PlannedImage) -> None:
        """Count the image, and keep it where it is a sample."""
        is_open = image.reason_code in _BY_CONFIDENCE
        if is_open:
            self.confidences.append(image.confidence)
        if image.action == Action.UNKNOWN:
            self.unknown += 1
        elif image.action == Action.FILE:
            self.filed += 1
            self.filed_for_sure += not is_open
            self.wrong += 1 - image.confidence if is_open else 0.0
            _keep(self.least_sure, image.confidence, image)
            _keep(self.others, image.image_id, image)  # an id is a hash, so the smallest are any
        else:
            self.review += 1
            _keep(self.waiting, -image.confidence, image)

    def samples(self) -> list[PlannedImage]:
        """At most SAMPLES images, the least sure first."""
        chosen = dict.fromkeys(
            image
            for kept in (
                self.least_sure[:_LEAST_SURE],
                self.waiting[:_WAITING],
                self.others,
                self.least_sure,
                self.waiting,
            )
            for _, image in kept
        )
        return sorted(list(chosen)[:SAMPLES], key=lambda image: (image.confidence, image.image_id))


def _keep(kept: _Kept, key: float | str, image: PlannedImage) -> None:
    """Keep the SAMPLES images of the smallest keys."""
    if len(kept) < SAMPLES or key < kept[-1][0]:  # type: ignore[operator]
        insort(kept, (key, image))
        del kept[SAMPLES:]


def _steps(rows: Sequence[_Category], threshold: float | None) -> tuple[list[dict[str, Any]], int]:
    """One step for each threshold, from the one that files the most to the strictest, and which one was asked for."""
    asked = {
        "threshold": threshold,
        "filed": sum(row.filed for row in rows),
        "wrong": round(sum(row.wrong for row in rows), 2),
        "by_category": [row.filed for row in rows],
    }
    others = [_step(rows, one) for one in THRESHOLDS if one != threshold]
    steps = sorted([*others, asked], key=lambda step: _place(step, asked))
    steps = [
        one for one, after in zip_longest(steps, steps[1:]) if one is asked or after is None or _differ(one, after)
    ]
    return steps, steps.index(asked)


def _differ(step: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a step files other images than the one after it; of equal ones the strictest is offered."""
    return bool(step["by_category"] != after["by_category"])


def _place(step: dict[str, Any], asked: dict[str, Any]) -> tuple[float, float]:
    """By threshold; thresholds for each category come after those that file more in all."""
    if asked["threshold"] is not None:
        return float(step["threshold"]), 0.0
    return -float(step["filed"]), float(step["threshold"] or 0.0)


def _step(rows: Sequence[_Category], threshold: float) -> dict[str, Any]:
    above = [_above(row.confidences, threshold) for row in rows]
    by_category = [row.filed_for_sure + len(one) for row, one in zip(rows, above, strict=True)]
    wrong = sum(float((1 - one).sum()) for one in above)
    return {
        "threshold": threshold,
        "filed": sum(by_category),
        "wrong": round(wrong, 2),
        "by_category": by_category,
    }


def _above(confidences: array[float], threshold: float) -> NDArray[np.float64]:
    known = np.frombuffer(confidences, np.float64) if len(confidences) else np.empty(0)
    return known[known >= threshold]


def thresholds_as_one(thresholds: Iterable[float]) -> float | None:
    """The threshold that all categories share; None where they differ or nothing can reach it."""
    different: Iterator[float] = iter(set(thresholds))
    first, second = next(different, None), next(different, None)
    return first if second is None and first is not None and first <= 1 else None
