"""The audit on the page: the sample of `illsort audit`, which can be started in one place and continued in the other.

Loaded on the first request: its bounds need scipy, which would delay the start of the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from classifier.audit.estimate import percent_up
from classifier.audit.session import Session, current, default_count, open_session, target_of
from classifier.audit.thresholds import keeps_target, next_sample_size
from classifier.catalog import annotation_log, audits
from classifier.catalog.connection import open_catalog
from classifier.catalog.decisions import count_filed
from classifier.catalog.strictness import Strictness
from classifier.errors import LibraryError
from classifier.records import AnnotationKind, Selection
from classifier.web.history import Answer
from classifier.web.session import ReviewSession

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.filing.refile import RefileResult
    from classifier.records import PictureId

_AHEAD: Final = 3


def begin(library: Path, count: int | None) -> None:
    """Draw a new sample; slow for many filed images. Raises LibraryError when nothing is filed."""
    with open_session(library, count=count, anew=True):
        pass


def file_outcome(library: Path, *, by_threshold: bool) -> RefileResult:
    """Move images judged wrong into `_review`; with `by_threshold`, also those below the proposed threshold.

    Raises LibraryError while another process files there, or when the sample is out of date.
    """
    with open_catalog(library) as catalog:
        session, target = current(catalog, library), target_of(catalog)
        offer = session.offer(target) if session is not None and by_threshold and target is not None else None
        if session is None or (by_threshold and offer is None):
            raise LibraryError("something was filed since this sample was drawn: draw a new one")
        return session.refile(Strictness(threshold=None if offer is None else offer.threshold, max_error=target))


def answer(
    review_session: ReviewSession, catalog: Catalog, library: Path, one: Answer, *, steps: int | None = None
) -> None:
    """Store the answer about the current image; ignore answers about others, as when one is sent twice.

    `steps` is the number of answers known to the page; with another number nothing is stored, because a skipped image
    may be the next one shown.

    The correct category of a wrong image, or that it has none, is stored in the review session too, so it can be filed.
    """
    session = current(catalog, library)
    asked = None if session is None else session.state.current
    if session is None or asked is None or asked.picture != one.picture:
        return
    if steps not in {None, len(session.state.answers)}:
        return
    is_right = one.said is AnnotationKind.RIGHT and one.category == asked.category
    is_placed = one.said is AnnotationKind.NONE or (one.said is AnnotationKind.RIGHT and not is_right)
    with catalog.transaction():
        session.answer(one.said if one.said is AnnotationKind.SKIPPED or is_right else AnnotationKind.WRONG)
        if is_placed:
            review_session.record([one], selection=Selection.FILED)
    review_session.read_ruled_out([one.picture])


def take_back(review_session: ReviewSession, catalog: Catalog, library: Path, *, steps: int | None = None) -> bool:
    """Undo the last answer, here and in the review session; images that are gone are not shown again.

    `steps` is the number of answers known to the page; with another number nothing is done.
    """
    session = current(catalog, library)
    if session is not None and steps not in {None, len(session.state.answers)}:
        return False
    while session is not None and session.state.answers:
        last = session.state.answers[-1]
        with catalog.transaction():
            session.take_back()
            step = review_session.last
            if [(last.picture, last.id + 1)] == [(verdict.picture, verdict.id) for verdict in step]:
                review_session.undo()
        review_session.read_ruled_out([last.picture])
        asked = session.state.current
        if asked is None or session.path_of(asked) is not None:
            return True
    return False


def audit_state(catalog: Catalog, library: Path) -> dict[str, Any]:
    """The state of the audit and its result so far, for the page to put into words; `drawn` is 0 without an audit.

    `pictures` are the images shown next, the current one first.
    """
    session = current(catalog, library)
    now = {"usual": default_count(catalog), "there": count_filed(catalog), "guaranteed": _guaranteed(catalog)}
    if session is None:
        return {"drawn": 0, **now, "pictures": []}
    _skip_vanished(session)
    state, target = session.state, target_of(catalog)
    bound, offer = state.bound(), None if target is None else session.offer(target)
    kept = None if target is None or not state.is_finished else keeps_target(state, target)
    return {
        "drawn": len(state.audit.drawn),
        **now,
        "number": state.audit.number,
        "confidence": f"{bound.confidence * 100:.4g}%",
        "asked": bound.asked,
        "wrong": bound.wrong,
        "skipped": bound.skipped,
        "filed": bound.filed,
        "at_most": percent_up(bound.at_most) if bound.asked else None,
        "finished": state.is_finished,
        "steps": len(state.answers),
        "target": None if target is None else percent_up(target),
        "kept": kept,
        "misfiled": _misfiled(catalog, session) if state.is_finished else 0,
        "offer": None
        if kept is not False or offer is None
        else {"threshold": f"{offer.threshold:.4g}", "kept": offer.kept, "filed": offer.filed},
        "enough": next_sample_size(state, target) if kept is False and target is not None else default_count(catalog),
        "pictures": _next(session),
    }


def _guaranteed(catalog: Catalog) -> bool:
    """Whether the error rate of the last sort was guaranteed, or none was requested."""
    sort = audits.last_sort(catalog)
    return sort is None or Strictness.from_settings(sort[2]).no_guarantee is None


def _misfiled(catalog: Catalog, session: Session) -> int:
    """How many were judged wrong, are still there, and have no other category."""
    there = [drawn.picture for drawn in session.state.audit.drawn if session.path_of(drawn) is not None]
    held = annotation_log.latest(catalog, [one for one in there if session.state.said.get(one) is AnnotationKind.WRONG])
    return sum(verdict.said is AnnotationKind.WRONG for verdict in held.values())


def _next(session: Session) -> list[PictureId]:
    asked = session.state.current
    later = [drawn.picture for drawn in session.state.audit.drawn if drawn.picture not in session.state.said]
    return [] if asked is None else list(dict.fromkeys([asked.picture, *later]))[: _AHEAD + 1]


def _skip_vanished(session: Session) -> None:
    """As in the terminal, an image that is gone counts as wrong."""
    while (asked := session.state.current) is not None and session.path_of(asked) is None:
        session.answer(AnnotationKind.SKIPPED)
