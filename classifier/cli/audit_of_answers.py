"""What `illsort audit` does with --answers: a library of the pictures that are drawn, and an audit of all there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classifier.cli.drawn_answers import draw_from, fetch_and_file, open_answers
from classifier.errors import LibraryError, SettingsError
from classifier.parts.packages import require_packages

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.settings import Settings
    from classifier.sort.answer_decider import AnswerDecider


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How many rows to draw (None: as many as the rate takes), by which seed, and whether anew in any case.

    Answers are not judged `until` a rate is shown: who knows how many pictures would have to be fetched.
    """

    count: int | None = None
    seed: int | None = None
    until: float | None = None
    anew: bool = False


def begin_audit(
    answers: str, library: Path, sampling: Sampling, chosen: Settings, *, strictness: dict[str, Any]
) -> float | None:
    """Draw rows of those that are filed, fetch and file their pictures; nothing where the last audit goes on.

    Returns the rate that the decisions keep, None for a threshold; `strictness` is what is asked of them. Raises
    SettingsError, ModelError, StorageError or LibraryError in one line where options, model, answers or library cannot
    be used, or nothing is filed.
    """
    if sampling.until is not None:
        raise SettingsError("--until is not for --answers: give --max-error, and --count if need be")
    require_packages()
    from classifier.audit.of_answers import audit_of
    from classifier.catalog import audits
    from classifier.catalog.connection import open_catalog
    from classifier.records import Action
    from classifier.sort.answer_decider import Asked
    from classifier.sort.library_of_drawn import check_drawn

    asked = Asked(**strictness)
    decider = open_answers(answers, chosen, asked)
    if not sampling.anew and _goes_on(library, decider, sampling):
        return decider.policy.strictness.max_error
    check_drawn(library, decider)
    source, named = _filing(decider)
    enough, next_seed = _next(library, decider)
    seed = next_seed if sampling.seed is None else sampling.seed
    count = sampling.count or enough
    draw = draw_from(decider, {Action.FILE}, count=count, seed=seed, measures=True)
    if not draw.rows:
        raise LibraryError("{source}: nothing is filed by these answers, so there is nothing to audit", source=source)
    fetch_and_file(decider, draw, library, settings=chosen, asked=asked)
    with open_catalog(library) as catalog:
        audits.save(catalog, audit_of(draw, source=source, asked=named, marks=audits.marks(catalog)))
    return decider.policy.strictness.max_error


def _next(library: Path, decider: AnswerDecider) -> tuple[int, int]:
    """How many rows to draw, enough if none is wrong in as many audits of these decisions as there are with it; a seed.

    The seed is the same until the audit is there: a command that was stopped goes on with what it fetched.
    """
    from classifier.audit.thresholds import default_sample_size
    from classifier.catalog.audits import last, next_number
    from classifier.catalog.connection import is_library, read_catalog

    number, seed, (source, named) = 1, 0, _filing(decider)
    if is_library(library):
        with read_catalog(library) as catalog:
            number, before = next_number(catalog, source=source, asked=named), last(catalog)
        seed = 0 if before is None else before.id
    return default_sample_size(decider.policy.strictness.max_error, number), seed


def _filing(decider: AnswerDecider) -> tuple[str, str]:
    return decider.folder.storage.url, decider.filing


def _goes_on(library: Path, decider: AnswerDecider, sampling: Sampling) -> bool:
    """Whether the last audit of the library is of the same decisions, and no other sample is requested."""
    from classifier.audit.session import current
    from classifier.catalog.connection import is_library, read_catalog

    if not is_library(library):
        return False
    with read_catalog(library) as catalog:
        session = current(catalog, library)
    if session is None:
        return False
    audit = session.state.audit
    is_same = (audit.source, audit.asked) == _filing(decider)
    count = sampling.count and min(sampling.count, audit.population)
    return is_same and count in {None, len(audit.drawn)} and sampling.seed in {None, audit.seed}
