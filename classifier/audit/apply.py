"""Files by an audit's outcome, as one run that can be undone: within the library alone, whatever became of the crawl.

What was judged wrong goes to `_review`, and so does what lies below a threshold that the person agreed to.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classifier.audit.estimate import percent
from classifier.catalog import annotation_log, audits, decisions, runs
from classifier.catalog.lock import owned
from classifier.catalog.manual_moves import by_hand
from classifier.filing.reconcile import reconcile
from classifier.filing.recover import recover
from classifier.filing.refile import Refiled, rearrange
from classifier.progress import Progress, SilentProgress
from classifier.records import Action, Decision
from classifier.sort.overrides import heed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.audits import Audit, Filed
    from classifier.catalog.connection import Catalogue
    from classifier.catalog.strictness import Strictness


def refile(
    catalogue: Catalogue,
    library: Path,
    audit: Audit,
    agreed: Strictness,
    *,
    progress: Progress | None = None,
) -> Refiled:
    """Apply the verdicts, and the threshold that was `agreed` to, if there is one, to what is filed.

    Raises LibraryError while another process files there, FilingStopped when the disk refuses; `resume` goes on then.
    """
    with owned(library):
        recover(catalogue, library)
        reconcile(catalogue, library)
        with catalogue.transaction():
            run = _begin(catalogue, library, audit, agreed)
            decisions.save(catalogue, list(_changed(catalogue, audit, agreed)), run=run)
            audits.set_outcome(catalogue, audit.id, run=run, threshold=agreed.threshold)
        return _carry_out(catalogue, library, run, progress or SilentProgress())


def resume(catalogue: Catalogue, library: Path, *, progress: Progress | None = None) -> Refiled | None:
    """Go on with what a kill or a full disk left undone of the last `refile`; None when there is nothing."""
    if audits.unfinished_run(catalogue) is None:
        return None
    with owned(library):
        recover(catalogue, library)
        reconcile(catalogue, library)
        run = audits.unfinished_run(catalogue)
        return None if run is None else _carry_out(catalogue, library, run, progress or SilentProgress())


def _begin(catalogue: Catalogue, library: Path, audit: Audit, agreed: Strictness) -> int:
    model, bundle, _ = audits.last_sort(catalogue) or ("", Path(), {})
    return runs.begin(
        catalogue,
        kind="audit",
        crawl=library.resolve(),
        mode="",
        model=model,
        bundle=bundle,
        settings={"audit": {"id": audit.id, "threshold": agreed.threshold, "max_error": agreed.max_error}},
    )


def _changed(catalogue: Catalogue, audit: Audit, agreed: Strictness) -> Iterator[Decision]:
    """Every decision that is another one now."""
    said, put_by_hand = annotation_log.latest(catalogue), by_hand(catalogue)
    for one in audits.filed(catalogue):
        if one.picture in put_by_hand:
            continue
        was = _decision(one, Action.FILE, one.reason)
        now = was
        if agreed.threshold is not None and one.confidence < agreed.threshold:
            now = _decision(one, Action.REVIEW, _below(one, audit, agreed.threshold, agreed.max_error))
        now = heed(now, said.get(one.picture))
        if now.action is not was.action:
            yield now


def _decision(one: Filed, action: Action, reason: str) -> Decision:
    return Decision(picture=one.picture, action=action, category=one.category, confidence=one.confidence, reason=reason)


def _below(one: Filed, audit: Audit, threshold: float, max_error: float | None) -> str:
    least = "" if max_error is None else f", the least for at most {percent(max_error)} wrong"
    return f"{one.confidence:.4f} {one.category}: below {threshold:.4f}{least} (audit of {audit.at[:10]})"


def _carry_out(catalogue: Catalogue, library: Path, run: int, progress: Progress) -> Refiled:
    made = rearrange(catalogue, library, audits.decided_in(catalogue, run), run=run, progress=progress)
    runs.finish(catalogue, run, {"pictures": made.moved, "review": made.moved, "failed": len(made.left)})
    return made
