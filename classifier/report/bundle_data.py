"""Reads the files of a bundle, also one of an earlier version, without building the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.model.bundle_files import HOLDOUT
from classifier.model.calibration import probabilities
from classifier.model.evaluation_fields import read_evaluation
from classifier.model.holdout import HoldoutPredictions, load_holdout
from classifier.model.manifest import Manifest, load_manifest
from classifier.paths import from_text
from classifier.training.metrics import as_dict, evaluate

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BundleData:
    """A bundle's files: `evaluation` as it was written; `evidence` is None in older bundles."""

    name: str
    manifest: Manifest
    evaluation: dict[str, Any]
    evidence: HoldoutPredictions | None

    @property
    def categories(self) -> tuple[str, ...]:
        """In the bundle's order."""
        return self.manifest.categories

    @property
    def temperature(self) -> float:
        """What logits are divided by."""
        return self.manifest.temperature

    def judged(self, *, temperature: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
        """The confidence of each prediction (N,) and whether it is correct (N,); None without holdout predictions."""
        if self.evidence is None or not len(self.evidence):
            return None
        shares = probabilities(self.evidence.logits, temperature)
        return shares.max(axis=1), shares.argmax(axis=1) == self.evidence.truths


def read_bundle_data(folder: Path) -> BundleData:
    """Read a bundle's files; raises ModelError in one line when it is none, or damaged."""
    manifest = load_manifest(folder)
    path = folder / HOLDOUT
    evidence = load_holdout(path, categories=len(manifest.categories)) if path.exists() else None
    evaluation = read_evaluation(folder, categories=len(manifest.categories))
    if "matrix" not in evaluation and evidence is not None:
        evaluation = _evaluated(evidence, manifest.categories, manifest.temperature) | evaluation
    return BundleData(name=folder.resolve().name, manifest=manifest, evaluation=evaluation, evidence=evidence)


def _evaluated(evidence: HoldoutPredictions, categories: tuple[str, ...], temperature: float) -> dict[str, Any]:
    evidence = evidence.of_categories
    shares = probabilities(evidence.logits, temperature)
    paths = [from_text(path) for path in evidence.paths]
    return as_dict(evaluate(shares, evidence.truths, categories=categories, paths=paths))
