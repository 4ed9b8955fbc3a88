"""The audit as the page asks it: the questions of `illsort audit`, begun in one place and gone on with in the other.

Knows no web. Loaded when it is asked for: its bounds need scipy, which the page's start does not pay for.
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
    from classifier.filing.refile import Refiled
    from classifier.records import PictureId

_AHEAD: Final = 3


def begin(library: Path, count: int | None) -> None:
    """Draw a new sample; takes as long as there are many filed. Raises LibraryError when nothing is filed."""
    with open_session(library, count=count, anew=True):
        pass


def file_outcome(library: Path, *, by_threshold: bool) -> Refiled:
    """Put what was judged wrong into `_review`, and with `by_threshold` what lies below the threshold that is offered.

    Raises LibraryError while another process files there, or when there is nothing to go by any more.
    """
    with open_catalog(library) as catalog:
        session, target = current(catalog, library), target_of(catalog)
        offer = session.offer(target) if session is not None and by_threshold and target is not None else None
        if session is None or (by_threshold and offer is None):
            raise LibraryError("something was filed since this sample was drawn: draw a new one")
        return session.refile(Strictness(threshold=None if offer is None else offer.threshold, max_error=target))


def answer(desk: ReviewSession, catalog: Catalog, library: Path, one: Answer, *, steps: int | None = None) -> None:
    """Store what is said of the picture that is asked about; of another (told twice, or in the terminal) nothing.

    `steps` is how many answers stand as far as the asker knows: with another number nothing is stored, for a question
    that is skipped may be the one that is asked next.

    Which category a wrong one is of, or that it is of none, is said at the desk too: it can be filed by that.
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
            desk.say([one], selection=Selection.FILED)
    desk.heard([one.picture])


def take_back(desk: ReviewSession, catalog: Catalog, library: Path, *, steps: int | None = None) -> bool:
    """Take back the last answer, with what it said at the desk; of what is no longer there nothing is asked again.

    `steps` is how many answers stand as far as the asker knows: with another number nothing is done.
    """
    session = current(catalog, library)
    if session is not None and steps not in {None, len(session.state.answers)}:
        return False
    while session is not None and session.state.answers:
        last = session.state.answers[-1]
        with catalog.transaction():
            session.take_back()
            step = desk.last
            if [(last.picture, last.id + 1)] == [(verdict.picture, verdict.id) for verdict in step]:
                desk.take_back()
        desk.heard([last.picture])
        asked = session.state.current
        if asked is None or session.path_of(asked) is not None:
            return True
    return False


def told(catalog: Catalog, library: Path) -> dict[str, Any]:
    """Where the audit stands and what follows so far, in parts that the page puts into words; `drawn` is 0 without one.

    `pictures` are those that are asked about next, the first of them now.
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
    """Whether the last sort's error rate was guaranteed by its labels; also where none was asked for."""
    sort = audits.last_sort(catalog)
    return sort is None or Strictness.from_settings(sort[2]).no_guarantee is None


def _misfiled(catalog: Catalog, session: Session) -> int:
    """How many were judged wrong, still lie there, and were not said to be of another category."""
    there = [drawn.picture for drawn in session.state.audit.drawn if session.path_of(drawn) is not None]
    held = annotation_log.latest(catalog, [one for one in there if session.state.said.get(one) is AnnotationKind.WRONG])
    return sum(verdict.said is AnnotationKind.WRONG for verdict in held.values())


def _next(session: Session) -> list[PictureId]:
    asked = session.state.current
    later = [drawn.picture for drawn in session.state.audit.drawn if drawn.picture not in session.state.said]
    return [] if asked is None else list(dict.fromkeys([asked.picture, *later]))[: _AHEAD + 1]


def _skip_vanished(session: Session) -> None:
    """As in the terminal: what is no longer there counts as wrong."""
    while (asked := session.state.current) is not None and session.path_of(asked) is None:
        session.answer(AnnotationKind.SKIPPED)
