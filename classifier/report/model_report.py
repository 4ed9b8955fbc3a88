"""The report of a model: calibration, coverage, confusions, label issues and confident mistakes."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import ModelError, NoGuarantee
from classifier.model.evaluation_fields import read_label_issues
from classifier.model.risk_control import guarantee_risk
from classifier.own_files import write_own
from classifier.paths import from_text
from classifier.records import Selection
from classifier.report.bundle_data import BundleData, read_bundle_data
from classifier.report.calibration_plots import reliability_diagram, risk_coverage_curve
from classifier.report.confusion import confusion_matrix
from classifier.report.i18n import both, method_in_chinese, no_guarantee_reason
from classifier.report.learning_curve_plot import learning_curve
from classifier.report.template import NAME, as_bytes, is_own_report, render
from classifier.report.thumbnails import thumbnail
from classifier.training.metrics import calibration_error

if TYPE_CHECKING:
    from markupsafe import Markup

    from classifier.model.risk_control import RiskGuarantee

MOST_SHOWN: Final = 24
"""Pictures at most in each of the two galleries."""
_RATES: Final = (0.01, 0.02, 0.05, 0.10)
_ASKED: Final = 0.05
_BEST_SHOWN: Final = (0.05, 0.10, 0.02, 0.01)
"""Thresholds are shown at the first of these rates that can be promised."""
_MEGAPIXELS: Final = 64.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One picture of a gallery; `image` is None where the file is gone. `confidence` is that of `taken_for`."""

    path: Path
    image: str | None
    category: str
    taken_for: str
    confidence: float


def write_bundle_report(folder: Path) -> Path:
    """Write `report.html` into the bundle at `folder`, over an earlier report; returns its path.

    Raises ModelError in one line when it is no bundle, cannot be written, or a file of another's bears that name.
    """
    path = folder / NAME
    page = bundle_page(read_bundle_data(folder))
    try:
        if os.path.lexists(path) and not (
            path.is_file() and not path.is_symlink() and is_own_report(path.read_bytes())
        ):
            raise ModelError(f"{path}: was not written by illsort; move it elsewhere, and the report is written")
        write_own(path, as_bytes(page))
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path


def bundle_page(facts: BundleData) -> str:
    """The page as text; reads the pictures that it shows, and no other file."""
    evaluation = {"accuracy": None, "per_category": (), "mistakes": ()} | facts.evaluation
    curve, doubts = evaluation.get("curve"), read_label_issues(evaluation.get("doubts"))
    after = facts.judged(temperature=facts.temperature)
    promised = _guarantees(facts)
    shown = next((rate for rate in _BEST_SHOWN if promised.get(rate)), _ASKED)
    how = facts.evidence.how if facts.evidence is not None else "held out"
    return render(
        "bundle.html",
        facts=facts,
        evaluation=evaluation,
        figures=_figures(facts),
        how=both(how, method_in_chinese(how)),
        before_error=_calibration_error(facts, 1.0),
        after_error=_calibration_error(facts, facts.temperature),
        promised=promised,
        no_guarantee=_no_guarantee(facts),
        thresholds=_thresholds(facts, promised.get(shown)),
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
    """What can be drawn from what is there; None for the rest."""
    figures: dict[str, Markup | None] = dict.fromkeys(("before", "after", "coverage", "matrix", "curve"))
    before, after = facts.judged(temperature=1.0), facts.judged(temperature=facts.temperature)
    if before is not None and after is not None:
        figures["before"], figures["after"] = reliability_diagram(*before), reliability_diagram(*after)
        figures["coverage"] = risk_coverage_curve(*after)
    if facts.evaluation.get("matrix"):
        figures["matrix"] = confusion_matrix(facts.evaluation["matrix"], facts.categories)
    if curve := facts.evaluation.get("curve"):
        figures["curve"] = learning_curve(curve, asked=_nearest(curve["max_errors"], _ASKED))
    return figures


def _calibration_error(facts: BundleData, temperature: float) -> float | None:
    judged = facts.judged(temperature=temperature)
    return None if judged is None else calibration_error(*judged)


def _guarantees(facts: BundleData) -> dict[float, RiskGuarantee | None]:
    """What can be promised at each error rate; None where it takes more labels. Empty without evidence by chance."""
    found: dict[float, RiskGuarantee | None] = {}
    if facts.evidence is None or not len(facts.evidence.by_chance):
        return found
    for rate in _RATES:
        found[rate] = None
        with suppress(NoGuarantee):
            found[rate] = guarantee_risk(
                facts.evidence, categories=facts.categories, temperature=facts.temperature, max_error=rate
            )
    return found


def _no_guarantee(facts: BundleData) -> Markup | None:
    """Why these labels guarantee no error rate at all; None where those that were drawn by chance may."""
    if facts.evidence is None or len(facts.evidence.by_chance):
        return None
    return no_guarantee_reason("fitted" if Selection.FITTED in facts.evidence.selections else "picked")


def _thresholds(facts: BundleData, promised: RiskGuarantee | None) -> dict[str, float | None]:
    return {} if promised is None else dict(zip(facts.categories, promised.thresholds, strict=True))


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
