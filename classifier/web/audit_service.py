"""The audit on the page: the question asked next, the answers, and the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from classifier.audit.draw import default_count, target_of
from classifier.audit.estimate import TELLING
from classifier.audit.session import Session, current, open_session
from classifier.audit.thresholds import next_sample_size
from classifier.catalog import audits
from classifier.catalog.connection import open_catalog
from classifier.catalog.decisions import count_filed
from classifier.catalog.strictness import Strictness
from classifier.errors import LibraryError
from classifier.local_time import local_date
from classifier.paths import displayable
from classifier.progress import percent_up
from classifier.records import AnnotationKind, Selection
from classifier.web.history import Answer
from classifier.web.session import ReviewSession

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.audit.thresholds import ThresholdOffer
    from classifier.catalog.connection import Catalog
    from classifier.filing.refile import RefileResult
    from classifier.records import ImageId

_AHEAD: Final = 3
_USUAL_RATE: Final = 0.02
"""To be shown where no error rate was requested."""


def begin(library: Path, count: int | None, *, until: float | None = None) -> None:
    """Draw a new sample, or go on until an error rate is shown; slow for many filed images.

    Raises LibraryError when nothing is filed.
    """
    with open_session(library, count=count, until=until, anew=until is None):
        pass


def file_outcome(library: Path, *, by_threshold: bool, max_error: float | None = None) -> RefileResult:
    """Move images judged wrong into `_review`; with `by_threshold`, also those below the proposed threshold.

    `max_error` is the error rate to keep; None for that of the last sort. Raises LibraryError while another process
    files there, when the sample is out of date, or the threshold is for answers elsewhere.
    """
    with open_catalog(library) as catalog:
        session = current(catalog, library)
        target = None if session is None else session.target(max_error)
        offer = session.offer(target) if session is not None and by_threshold else None
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
    question = None if session is None else session.state.current
    if session is None or question is None or question.image_id != one.image_id:
        return
    if steps not in {None, len(session.state.answers)}:
        return
    is_right = one.kind is AnnotationKind.RIGHT and session.is_category_of(question, one.category)
    is_placed = one.kind is AnnotationKind.NONE or (one.kind is AnnotationKind.RIGHT and not is_right)
    with catalog.transaction():
        session.answer(one.kind if one.kind is AnnotationKind.SKIPPED or is_right else AnnotationKind.WRONG)
        if is_placed:
            review_session.record([one], selection=Selection.FILED)
    session.answer_known()
    review_session.read_ruled_out([one.image_id])


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
            if [(last.image_id, last.id + 1)] == [(annotation.image_id, annotation.id) for annotation in step]:
                review_session.undo()
        review_session.read_ruled_out([last.image_id])
        question = session.state.current
        if question is None or session.path_of(question) is not None:
            return True
    return False


def audit_state(catalog: Catalog, library: Path, *, max_error: float | None = None) -> dict[str, Any]:
    """The state of the audit and its result so far, for the page to put into words; `drawn` is 0 without an audit.

    `earlier` is then the day of the last one, if there is one: something was filed or moved since. `pictures` are
    the images shown next, the current one first. `max_error` as in `file_outcome`. `source` are the answers elsewhere
    that it is of, or the last one was: of these only the command `again` draws another sample.
    """
    session = current(catalog, library)
    rate = max_error or target_of(catalog) or _USUAL_RATE
    now = {
        "usual": default_count(catalog),
        "there": count_filed(catalog),
        "guaranteed": _guaranteed(catalog),
        "rate": rate,
        "rate_text": percent_up(rate),
    }
    if session is None:
        earlier = audits.last(catalog)
        of_what = {} if earlier is None else _of_what(Session(catalog, library, earlier))
        return {"drawn": 0, **now, "earlier": earlier and local_date(earlier.at), **of_what, "pictures": []}
    _skip_vanished(session)
    state, bound = session.state, session.state.bound()
    return {
        "drawn": len(state.audit.drawn),
        **now,
        "number": state.audit.number,
        "confidence": f"{bound.confidence * 100:.4g}%",
        "asked": bound.asked,
        "wrong": bound.wrong,
        "skipped": bound.skipped,
        "filed": bound.filed,
        "at_most": percent_up(bound.at_most) if bound.asked and not bound.is_early else None,
        "telling": TELLING,
        "finished": state.is_finished,
        "steps": len(state.answers),
        "until": None if state.audit.until is None else percent_up(state.audit.until),
        "shown": state.is_shown,
        "left_at_this_rate": state.left_at_this_rate,
        **_outcome(session, session.target(max_error), usual=default_count(catalog)),
        "pictures": _next(session),
    }


def _outcome(session: Session, target: float | None, *, usual: int) -> dict[str, Any]:
    """What follows once all is answered; `enough` is how many the next audit should draw."""
    state, outcome = session.state, session.outcome(target)
    offer = session.offer(target) if state.asked >= TELLING or state.is_finished else None
    result = {
        "target": None if target is None else percent_up(target),
        "enough": usual,
        "offer": offer and _offered(offer, is_exact=state.audit.source is not None),
        **_of_what(session),
    }
    if outcome is None:
        return {**result, "kept": None, "misfiled": 0, "categories": []}
    if target is not None and not outcome.kept and state.audit.until is None:
        result["enough"] = enough = next_sample_size(state, target)
        result |= _of_what(session, None if offer or enough == len(state.audit.drawn) else enough)
    return {
        **result,
        "kept": outcome.kept,
        "misfiled": outcome.misfiled,
        "categories": [
            {
                "name": one.category,
                "filed": one.filed,
                "asked": one.asked,
                "wrong": one.wrong + one.skipped,
                "at_most": percent_up(one.at_most),
            }
            for one in state.bounds()
        ],
    }


def _offered(offer: ThresholdOffer, *, is_exact: bool) -> dict[str, Any]:
    """`is_exact` is for a threshold by which a person files."""
    threshold = str(offer.threshold) if is_exact else f"{offer.threshold:.4g}"
    return {"threshold": threshold, "kept": offer.kept, "filed": offer.filed}


def _of_what(session: Session, count: int | None = None) -> dict[str, Any]:
    """The answers elsewhere that an audit is of, and the command that draws another sample of them, of `count`."""
    source = session.state.audit.source
    if source is None:
        return {"source": None}
    return {"source": displayable(source), "again": displayable(session.draw_command(count))}


def _guaranteed(catalog: Catalog) -> bool:
    """Whether the error rate of the last sort was guaranteed, or none was requested."""
    sort = audits.last_sort(catalog)
    return sort is None or Strictness.from_settings(sort[2]).no_guarantee is None


def _next(session: Session) -> list[ImageId]:
    question = session.state.current
    later = [drawn.image_id for drawn in session.state.audit.drawn if drawn.image_id not in session.state.kinds]
    return [] if question is None else list(dict.fromkeys([question.image_id, *later]))[: _AHEAD + 1]


def _skip_vanished(session: Session) -> None:
    """Skip the images that are gone; they count as wrong."""
    while (question := session.state.current) is not None and session.path_of(question) is None:
        session.answer(AnnotationKind.SKIPPED)
