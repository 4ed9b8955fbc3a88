"""Applies the result of an audit as one run that can be undone; only files in the library move.

Images that were judged wrong go to `_review`, and so do those below a threshold that the person accepted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog import annotation_log, audits, decisions, runs
from classifier.catalog.lock import hold_lock
from classifier.catalog.manual_moves import manually_placed
from classifier.decision.decide import apply_annotation
from classifier.filing.reconcile import reconcile
from classifier.filing.recovery import recover
from classifier.filing.refile import RefileResult, refile_images
from classifier.progress import Progress, SilentProgress
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Decision
from classifier.sort.copies import rule_of_last_sort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.audits import Audit, FiledImage
    from classifier.catalog.connection import Catalog
    from classifier.catalog.strictness import Strictness


def apply_audit(
    catalog: Catalog,
    library: Path,
    audit: Audit,
    agreed: Strictness,
    *,
    progress: Progress | None = None,
) -> RefileResult:
    """Apply the annotations, and the `agreed` threshold if there is one, to the filed images.

    Raises LibraryError while another process files there, FilingStopped when the disk refuses; then `resume` continues.
    """
    with hold_lock(library):
        recover(catalog, library)
        reconcile(catalog, library)
        with catalog.transaction():
            run = _begin(catalog, library, audit, agreed)
            changed = rule_of_last_sort(catalog).with_groups(list(_changed_decisions(catalog, audit, agreed)))
            decisions.save(catalog, changed.values(), run=run)
            audits.set_outcome(catalog, audit.id, run=run, threshold=agreed.threshold)
        return _move_files(catalog, library, run, progress or SilentProgress())


def resume(catalog: Catalog, library: Path, *, progress: Progress | None = None) -> RefileResult | None:
    """Finish the last `apply_audit` after a kill or a full disk; None if there is nothing to finish."""
    if audits.unfinished_run(catalog) is None:
        return None
    with hold_lock(library):
        recover(catalog, library)
        reconcile(catalog, library)
        run = audits.unfinished_run(catalog)
        return None if run is None else _move_files(catalog, library, run, progress or SilentProgress())


def _begin(catalog: Catalog, library: Path, audit: Audit, agreed: Strictness) -> int:
    model, bundle, _ = audits.last_sort(catalog) or ("", Path(), {})
    return runs.begin(
        catalog,
        kind="audit",
        crawl=library.resolve(),
        mode="",
        model=model,
        bundle=bundle,
        settings={"audit": {"id": audit.id, "threshold": agreed.threshold, "max_error": agreed.max_error}},
    )


def _changed_decisions(catalog: Catalog, audit: Audit, agreed: Strictness) -> Iterator[Decision]:
    """The decisions whose action changes."""
    annotations, put_by_hand = annotation_log.latest(catalog), manually_placed(catalog)
    for one in audits.filed(catalog):
        if one.image_id in put_by_hand:
            continue
        was = _decision(one, Action.FILE, one.reason)
        now = was
        if agreed.threshold is not None and one.confidence < agreed.threshold:
            now = _decision(one, Action.REVIEW, _below_threshold_reason(one, audit, agreed.threshold, agreed.max_error))
        now = apply_annotation(now, annotations.get(one.image_id))
        if now.action is not was.action:
            yield now


def _decision(one: FiledImage, action: Action, reason: Reason) -> Decision:
    return Decision(
        image_id=one.image_id, action=action, category=one.category, confidence=one.confidence, reason=reason
    )


def _below_threshold_reason(one: FiledImage, audit: Audit, threshold: float, max_error: float | None) -> Reason:
    target = {} if max_error is None else {"max_error": max_error}
    return Reason.of(
        ReasonCode.BELOW_AUDITED,
        date=audit.at[:10],
        digits=4,
        threshold=round(threshold, 4),
        top=[[one.category, round(one.confidence, 4)]],
        **target,
    )


def _move_files(catalog: Catalog, library: Path, run: int, progress: Progress) -> RefileResult:
    made = refile_images(catalog, library, audits.decided_in(catalog, run), run=run, progress=progress)
    runs.finish(catalog, run, {"pictures": made.moved, "review": made.moved, "failed": len(made.left)})
    return made
