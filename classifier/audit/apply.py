"""Files by an audit's outcome, as one run that can be undone: within the library alone, whatever became of the crawl.

What was judged wrong goes to `_review`, and so does what lies below a threshold that the person agreed to.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classifier.audit.estimate import percent
from classifier.catalog import annotation_log, audits, decisions, runs
from classifier.catalog.lock import hold_lock
from classifier.catalog.manual_moves import manually_placed
from classifier.decision.overrides import apply_annotation
from classifier.filing.reconcile import reconcile
from classifier.filing.recovery import recover
from classifier.filing.refile import Refiled, rearrange
from classifier.progress import Progress, SilentProgress
from classifier.records import Action, Decision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.audits import Audit, FiledImage
    from classifier.catalog.connection import Catalog
    from classifier.catalog.strictness import Strictness


def refile(
    catalog: Catalog,
    library: Path,
    audit: Audit,
    agreed: Strictness,
    *,
    progress: Progress | None = None,
) -> Refiled:
    """Apply the verdicts, and the threshold that was `agreed` to, if there is one, to what is filed.

    Raises LibraryError while another process files there, FilingStopped when the disk refuses; `resume` goes on then.
    """
    with hold_lock(library):
        recover(catalog, library)
        reconcile(catalog, library)
        with catalog.transaction():
            run = _begin(catalog, library, audit, agreed)
            decisions.save(catalog, list(_changed(catalog, audit, agreed)), run=run)
            audits.set_outcome(catalog, audit.id, run=run, threshold=agreed.threshold)
        return _carry_out(catalog, library, run, progress or SilentProgress())


def resume(catalog: Catalog, library: Path, *, progress: Progress | None = None) -> Refiled | None:
    """Go on with what a kill or a full disk left undone of the last `refile`; None when there is nothing."""
    if audits.unfinished_run(catalog) is None:
        return None
    with hold_lock(library):
        recover(catalog, library)
        reconcile(catalog, library)
        run = audits.unfinished_run(catalog)
        return None if run is None else _carry_out(catalog, library, run, progress or SilentProgress())


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


def _changed(catalog: Catalog, audit: Audit, agreed: Strictness) -> Iterator[Decision]:
    """Every decision that is another one now."""
    said, put_by_hand = annotation_log.latest(catalog), manually_placed(catalog)
    for one in audits.filed(catalog):
        if one.picture in put_by_hand:
            continue
        was = _decision(one, Action.FILE, one.reason)
        now = was
        if agreed.threshold is not None and one.confidence < agreed.threshold:
            now = _decision(one, Action.REVIEW, _below(one, audit, agreed.threshold, agreed.max_error))
        now = apply_annotation(now, said.get(one.picture))
        if now.action is not was.action:
            yield now


def _decision(one: FiledImage, action: Action, reason: str) -> Decision:
    return Decision(picture=one.picture, action=action, category=one.category, confidence=one.confidence, reason=reason)


def _below(one: FiledImage, audit: Audit, threshold: float, max_error: float | None) -> str:
    least = "" if max_error is None else f", the least for at most {percent(max_error)} wrong"
    return f"{one.confidence:.4f} {one.category}: below {threshold:.4f}{least} (audit of {audit.at[:10]})"


def _carry_out(catalog: Catalog, library: Path, run: int, progress: Progress) -> Refiled:
    made = rearrange(catalog, library, audits.decided_in(catalog, run), run=run, progress=progress)
    runs.finish(catalog, run, {"pictures": made.moved, "review": made.moved, "failed": len(made.left)})
    return made
