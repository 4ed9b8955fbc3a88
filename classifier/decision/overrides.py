"""Annotations and manual moves take precedence over what the model decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.catalog.manual_moves import decision_for_folder
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, AnnotationKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from classifier.records import Annotation, Decision, ImageId


def apply_annotation(decision: Decision, annotation: Annotation | None, *, confidence: float | None = None) -> Decision:
    """The decision after the latest annotation of the image; its reason has the annotation's id.

    An image annotated as right is filed in that category, whatever the threshold or the model says; `confidence` is
    the probability of that category if it is not the decision's own. One annotated as wrong is not filed in that
    category, but may be filed in another. One annotated as none of the categories is unknown.
    """
    if annotation is None:
        return decision
    source = {"annotation": annotation.id, "date": annotation.at[:10], "origin": annotation.origin}
    if annotation.said is AnnotationKind.NONE:
        return replace(decision, action=Action.UNKNOWN, reason=Reason.of(ReasonCode.ANNOTATED_NONE, **source))
    category = annotation.category
    if category is None:
        return decision
    if annotation.said is AnnotationKind.RIGHT:
        own = decision.confidence if category == decision.category else confidence or 0.0
        reason = Reason.of(ReasonCode.ANNOTATED, category=category, **source)
        return replace(decision, action=Action.FILE, category=category, confidence=own, reason=reason)
    is_refused = annotation.said is AnnotationKind.WRONG and decision.category == category
    if is_refused and decision.action is not Action.UNKNOWN:
        reason = Reason.of(ReasonCode.ANNOTATED_WRONG, category=category, **source)
        return replace(decision, action=Action.REVIEW, reason=reason)
    return decision


def apply_overrides(
    decisions: list[Decision],
    probs: NDArray[np.float64],
    *,
    categories: Sequence[str],
    annotations: Mapping[ImageId, Annotation],
    manual_folders: Mapping[ImageId, bytes],
) -> list[Decision]:
    """The decisions after annotations and manual moves; `probs` (N, M) has a row for each decision.

    `manual_folders` has the folder, relative to the library, of each image that a person moved there.
    """
    if not annotations and not manual_folders:
        return decisions
    columns = {category: number for number, category in enumerate(categories)}
    overridden = []
    for decision, row in zip(decisions, probs, strict=True):
        annotation = annotations.get(decision.picture)
        column = None if annotation is None else columns.get(annotation.category or "")
        confidence = None if column is None else float(row[column])
        after = apply_annotation(decision, annotation, confidence=confidence)
        overridden.append(_apply_manual_move(after, manual_folders.get(decision.picture)))
    return overridden


def _apply_manual_move(decision: Decision, folder: bytes | None) -> Decision:
    """The decision that leaves the image in the folder where a person put it."""
    manual = None if folder is None else decision_for_folder(folder)
    if manual is None:
        return decision
    return replace(decision, action=manual[0], category=manual[1], reason=Reason(ReasonCode.MOVED_BY_PERSON))
