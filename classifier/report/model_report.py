"""The report of a model, from the files of its bundle, also an older one, without building the network."""

from __future__ import annotations

import base64
import io
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from classifier.errors import Message, ModelError, NoGuarantee, Undecodable, message_of
from classifier.images.decode import decode
from classifier.images.safe_open import open_regular
from classifier.model.bundle_files import HOLDOUT
from classifier.model.calibration import probabilities
from classifier.model.evaluation_fields import read_evaluation, read_label_issues
from classifier.model.holdout import HoldoutMethod, HoldoutPredictions, load_holdout
from classifier.model.manifest import Manifest, load_manifest
from classifier.model.risk_control import guarantee_risk
from classifier.own_files import write_own
from classifier.paths import from_text
from classifier.records import Selection
from classifier.report.figures import confusion_matrix, learning_curve_plot, reliability_diagram, risk_coverage_curve
from classifier.report.i18n import no_guarantee_reason
from classifier.report.template import NAME, as_bytes, is_own_report, render
from classifier.training.metrics import as_dict, calibration_error, evaluate

if TYPE_CHECKING:
    from pathlib import Path

    from markupsafe import Markup
    from numpy.typing import NDArray

    from classifier.model.risk_control import RiskGuarantee

MOST_SHOWN: Final = 24
"""Most images in each of the two galleries."""
_RATES: Final = (0.01, 0.02, 0.05, 0.10)
_ASKED: Final = 0.05
_BEST_SHOWN: Final = (0.05, 0.10, 0.02, 0.01)
"""Thresholds are shown at the first of these rates that can be guaranteed."""
_MEGAPIXELS: Final = 64.0
SIZE: Final = 240
"""Largest longer side, in pixels."""
_QUALITY: Final = 62
_MOST_BYTES: Final = 512 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BundleData:
    """A bundle's files: `evaluation` as it was written; `evidence` is None in older bundles."""

    name: str
    manifest: Manifest
    evaluation: dict[str, Any]
    holdout: HoldoutPredictions | None

    @property
    def categories(self) -> tuple[str, ...]:
        """In the bundle's order."""
        return self.manifest.categories

    @property
    def temperature(self) -> float:
        """The divisor of logits."""
        return self.manifest.temperature

    def judged(self, *, temperature: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
        """The confidence of each prediction (N,) and whether it is correct (N,); None without holdout predictions."""
        if self.holdout is None or not len(self.holdout):
            return None
        shares = probabilities(self.holdout.logits, temperature)
        return shares.max(axis=1), shares.argmax(axis=1) == self.holdout.targets


def read_bundle_data(folder: Path) -> BundleData:
    """Read the files of a bundle; raises ModelError if it is not a bundle, or damaged."""
    manifest = load_manifest(folder)
    path = folder / HOLDOUT
    holdout = load_holdout(path, categories=len(manifest.categories)) if path.exists() else None
    evaluation = read_evaluation(folder, categories=len(manifest.categories))
    if "matrix" not in evaluation and holdout is not None:
        evaluation = _evaluated(holdout, manifest.categories, manifest.temperature) | evaluation
    return BundleData(name=folder.resolve().name, manifest=manifest, evaluation=evaluation, holdout=holdout)


def _evaluated(holdout: HoldoutPredictions, categories: tuple[str, ...], temperature: float) -> dict[str, Any]:
    holdout = holdout.of_categories
    shares = probabilities(holdout.logits, temperature)
    paths = [from_text(path) for path in holdout.paths]
    return as_dict(evaluate(shares, holdout.targets, categories=categories, paths=paths))


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One image of a gallery; `image` is None if the file is gone. `confidence` is that of `taken_for`."""

    path: Path
    image: str | None
    category: str
    taken_for: str
    confidence: float


def write_bundle_report(folder: Path) -> Path:
    """Write `report.html` into the bundle at `folder`, replacing an earlier report; returns its path.

    Raises ModelError if it is not a bundle, cannot be written, or has a file of that name that is not a report of ours.
    """
    path = folder / NAME
    page = bundle_page(read_bundle_data(folder))
    try:
        if os.path.lexists(path) and not (
            path.is_file() and not path.is_symlink() and is_own_report(path.read_bytes())
        ):
            raise ModelError(
                "{path}: was not written by illsort; move it elsewhere, and the report is written", path=path
            )
        write_own(path, as_bytes(page))
    except OSError as error:
        raise ModelError("{path}: cannot be written ({why})", path=path, why=message_of(error)) from error
    return path


def bundle_page(facts: BundleData) -> str:
    """The page as text; reads only the images that it shows."""
    evaluation = {"accuracy": None, "per_category": (), "mistakes": ()} | facts.evaluation
    curve, doubts = evaluation.get("curve"), read_label_issues(evaluation.get("doubts"))
    after = facts.judged(temperature=facts.temperature)
    guarantees = _guarantees(facts)
    shown = next((rate for rate in _BEST_SHOWN if guarantees.get(rate)), _ASKED)
    method = facts.holdout.method if facts.holdout is not None else HoldoutMethod(1)
    return render(
        "bundle.html",
        facts=facts,
        evaluation=evaluation,
        figures=_figures(facts),
        how=method.phrase,
        before_error=_calibration_error(facts, 1.0),
        after_error=_calibration_error(facts, facts.temperature),
        promised=guarantees,
        no_guarantee=_no_guarantee(facts),
        thresholds=_thresholds(facts, guarantees.get(shown)),
        threshold_rate=shown,
        asked=_ASKED,
        coverage={row["max_error"]: row["share"] for row in evaluation.get("coverage", ())},
        labels=facts.manifest.measured.get("labels") or (0 if after is None else len(after[0])),
        backbone=facts.manifest.backbone,
        versions={name: number for name, number in facts.manifest.versions.items() if name != "illsort"},
        curve=curve,
        curve_asked=_nearest(curve["max_errors"], _ASKED) if curve else 0,
        doubts=doubts,
        doubtful=_cards(facts, doubts.labels if doubts else (), taken_for="likely"),
        mistakes=_cards(facts, evaluation.get("mistakes", ()), taken_for="predicted"),
    )


def _figures(facts: BundleData) -> dict[str, Markup | None]:
    """The figures that the bundle has data for; None for the others."""
    figures: dict[str, Markup | None] = dict.fromkeys(("before", "after", "coverage", "matrix", "curve"))
    before, after = facts.judged(temperature=1.0), facts.judged(temperature=facts.temperature)
    if before is not None and after is not None:
        figures["before"], figures["after"] = reliability_diagram(*before), reliability_diagram(*after)
        figures["coverage"] = risk_coverage_curve(*after)
    if facts.evaluation.get("matrix"):
        figures["matrix"] = confusion_matrix(facts.evaluation["matrix"], facts.categories)
    if curve := facts.evaluation.get("curve"):
        figures["curve"] = learning_curve_plot(curve, rate_index=_nearest(curve["max_errors"], _ASKED))
    return figures


def _calibration_error(facts: BundleData, temperature: float) -> float | None:
    judged = facts.judged(temperature=temperature)
    return None if judged is None else calibration_error(*judged)


def _guarantees(facts: BundleData) -> dict[float, RiskGuarantee | None]:
    """The guarantee at each error rate; None if it takes more labels. Empty without randomly drawn holdout images."""
    found: dict[float, RiskGuarantee | None] = {}
    if facts.holdout is None or not len(facts.holdout.by_chance):
        return found
    for rate in _RATES:
        found[rate] = None
        with suppress(NoGuarantee):
            found[rate] = guarantee_risk(
                facts.holdout, categories=facts.categories, temperature=facts.temperature, max_error=rate
            )
    return found


def _no_guarantee(facts: BundleData) -> Message | None:
    """Why these labels guarantee no error rate at all; None if some were drawn at random."""
    if facts.holdout is None or len(facts.holdout.by_chance):
        return None
    return no_guarantee_reason("fitted" if Selection.FITTED in facts.holdout.selections else "picked")


def _thresholds(facts: BundleData, guarantee: RiskGuarantee | None) -> dict[str, float | None]:
    return {} if guarantee is None else dict(zip(facts.categories, guarantee.thresholds, strict=True))


def _nearest(rates: list[float], wanted: float) -> int:
    return min(range(len(rates)), key=lambda index: abs(rates[index] - wanted))


def _cards(facts: BundleData, rows: Any, *, taken_for: str) -> list[Card]:
    images = facts.manifest.settings.get("images", {})
    megapixels = float(images.get("max_megapixels", _MEGAPIXELS))
    return [
        Card(
            path=from_text(row["path"]),
            image=thumbnail(from_text(row["path"]), max_megapixels=megapixels),
            category=row["category"],
            taken_for=row[taken_for],
            confidence=row["confidence"],
        )
        for row in rows[:MOST_SHOWN]
    ]


def thumbnail(path: Path, *, max_megapixels: float) -> str | None:
    """The image at `path` as a data URI; None if it is gone or unreadable."""
    try:
        with open_regular(path) as file:
            data = file.read(_MOST_BYTES)
        image = decode(data, max_megapixels=max_megapixels).image
    except (OSError, ValueError, Undecodable):
        return None
    image.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
    small = io.BytesIO()
    image.save(small, "WEBP", quality=_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(small.getvalue()).decode("ascii")
