"""What a person said of a picture goes before what is decided of it. Pure, like the decision itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.records import Action, AnnotationKind

if TYPE_CHECKING:
    from classifier.records import Annotation, Decision


def heed(decision: Decision, verdict: Annotation | None, *, confidence: float | None = None) -> Decision:
    """The decision that stands beside the person's last verdict.

    Judged right, the picture stays where it was judged, whatever threshold or model says otherwise; `confidence` is
    what the model gives that category, where it is not the decision's own. Judged wrong, it is not filed there again,
    though elsewhere it may be. Judged none of the categories, it is in none.
    """
    if verdict is None:
        return decision
    told = f"({verdict.origin} of {verdict.at[:10]})"
    if verdict.said is AnnotationKind.NONE:
        return replace(decision, action=Action.UNKNOWN, reason=f"a person said it is none of the categories {told}")
    category = verdict.category
    if category is None:
        return decision
    if verdict.said is AnnotationKind.RIGHT:
        own = decision.confidence if category == decision.category else confidence or 0.0
        reason = f"a person said it is {category} {told}"
        return replace(decision, action=Action.FILE, category=category, confidence=own, reason=reason)
    if verdict.said is AnnotationKind.WRONG and decision.category == category and decision.action is not Action.UNKNOWN:
        return replace(decision, action=Action.REVIEW, reason=f"a person said it is not {category} {told}")
    return decision
