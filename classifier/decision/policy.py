"""What decides where images go: thresholds, OOD limits, and categories under the names that a person gave them."""

# Shapes: N images, K categories of the model, M after renaming and merging.

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.catalog.categories import CategoryAliases
from classifier.catalog.strictness import Strictness
from classifier.errors import Message
from classifier.model.risk_control import estimated_threshold
from classifier.records import Duplicates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.model.manifest import Manifest
    from classifier.model.risk_control import RiskGuarantee
    from classifier.records import Mode

_UNREACHABLE = 2.0
"""A threshold above every probability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The thresholds, OOD limits and category names of one sort.

    `thresholds` has one for each category, in the manifest's order: those of `guarantee` if there is one. `strictness`
    says what was requested and what came of it. `names` are the current names of the manifest's categories.
    """

    manifest: Manifest
    thresholds: tuple[float, ...]
    mode: Mode
    strictness: Strictness = field(default_factory=Strictness)
    guarantee: RiskGuarantee | None = None
    sidecars: bool = False
    duplicates: Duplicates = Duplicates.KEEP
    unknown_share: float = 0.0
    """The share of images like the labels that may count as unknown; with 0 none does."""
    unknown_threshold: float = math.inf
    """OOD score from which an image is unknown."""
    review_threshold: float = math.inf
    """OOD score from which an image is reviewed."""
    names: CategoryAliases = field(default_factory=CategoryAliases)

    def at_least(self, threshold: float) -> Policy:
        """The policy with no threshold below `threshold`."""
        return replace(self, thresholds=tuple(max(threshold, own) for own in self.thresholds))

    def settings(self) -> dict[str, Any]:
        """The policy as a run records it among its settings of sort; `Strictness.from_settings` reads it."""
        unknown = {"unknown": True, "unknown_share": self.unknown_share} if self.unknown_share else {"unknown": False}
        filing = {"mode": self.mode.value, "sidecars": self.sidecars, "duplicates": self.duplicates.value}
        return filing | self._strictness_settings() | unknown

    def _strictness_settings(self) -> dict[str, Any]:
        requested = self.strictness
        if self.guarantee is not None:
            thresholds = dict(zip(self.manifest.categories, self.guarantee.thresholds, strict=True))
            promise = asdict(self.guarantee) | {"thresholds": thresholds} | _recorded(requested.sentence)
            if requested.asked is not None:
                promise["asked"] = requested.asked
            return {"threshold": self.manifest.threshold, "max_error": requested.max_error, "promise": promise}
        recorded = {"threshold": self.thresholds[0], "max_error": requested.max_error}
        if requested.guaranteed is None:
            return recorded
        refusal = {"max_error": requested.max_error, "why": requested.why} | _recorded(requested.sentence)
        return recorded | {"no_guarantee": refusal}


def _recorded(sentence: Message | None) -> dict[str, Any]:
    """A sentence in English, and what it is translated from."""
    return {} if sentence is None else {"sentence": sentence, "message": sentence.as_dict()}


def thresholds_for(manifest: Manifest, strictness: Strictness, guarantee: RiskGuarantee | None) -> tuple[float, ...]:
    """One threshold for each category: the guaranteed ones, or the requested one, or the model's own."""
    if guarantee is not None:
        return tuple(_UNREACHABLE if threshold is None else threshold for threshold in guarantee.thresholds)
    return (strictness.threshold or manifest.threshold,) * len(manifest.categories)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CategoryMerge:
    """The model's K categories under M current names: `categories` and `thresholds` (M), `columns` (K) maps K to M."""

    categories: tuple[str, ...]
    thresholds: tuple[float, ...]
    columns: NDArray[np.int64]

    def __call__(self, probs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities (N, K) as (N, M): those of merged categories are summed."""
        if len(self.categories) == len(self.columns):
            return probs
        merged = np.zeros((len(probs), len(self.categories)))
        np.add.at(merged.T, self.columns, probs.T)
        return merged


def merge_categories(categories: Sequence[str], thresholds: Sequence[float], names: CategoryAliases) -> CategoryMerge:
    """Rename and merge the model's categories; a merged one has the position of its first.

    It also has the highest of their thresholds, so that a guarantee for each of them holds for the merged one.
    """
    current = tuple(dict.fromkeys(names.resolve(category) for category in categories))
    columns = [current.index(names.resolve(category)) for category in categories]
    highest = [
        max(threshold for column, threshold in zip(columns, thresholds, strict=True) if column == number)
        for number in range(len(current))
    ]
    return CategoryMerge(categories=current, thresholds=tuple(highest), columns=np.array(columns, dtype=np.int64))


def count_fileable(confidences: NDArray[np.floating], strictness: Strictness, *, default: float) -> int:
    """How many of these calibrated confidences, (N,), would be filed; `default` is the threshold of the model.

    A guarantee takes the refitted model, so this estimates it: as many as keep the mean of 1 - confidence at or below
    the error rate. Without a guarantee a sort uses the same threshold.
    """
    if strictness.max_error is None:
        return int((confidences >= (strictness.threshold or default)).sum())
    if not strictness.guaranteed:
        return int((confidences >= estimated_threshold(strictness.max_error)).sum())
    descending = np.sort(confidences.astype(np.float64))[::-1]
    errors = np.cumsum(1 - descending) / np.arange(1, len(descending) + 1)
    return int((errors <= strictness.max_error).sum())  # the mean only grows, for the surest come first
