"""An audit as a session: draw or continue, answer, undo, outcome; every answer is stored at once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.audit.apply import RefileResult, apply_audit, resume
from classifier.audit.draw import draw_audit, target_of
from classifier.audit.estimate import AuditState
from classifier.audit.of_answers import draw_command
from classifier.audit.thresholds import ThresholdOffer, keeps_target, loosest_threshold
from classifier.catalog import annotation_log, audits
from classifier.catalog.categories import read_aliases
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.places import place_of
from classifier.catalog.strictness import Strictness
from classifier.catalog.values import to_path, utc_now
from classifier.errors import LibraryError
from classifier.filing.reconcile import reconcile_if_free
from classifier.paths import command
from classifier.records import Annotation, AnnotationKind, Selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.audits import Audit, SampledImage
    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress

ORIGIN = "audit"
_JUDGED = frozenset({AnnotationKind.RIGHT, AnnotationKind.WRONG})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a finished audit.

    `kept` is whether the requested error rate is shown to be kept, None without one; `offer` is a threshold that would
    keep it where the current filing does not; `misfiled` images were judged wrong and have no other category.
    """

    kept: bool | None
    offer: ThresholdOffer | None
    misfiled: int


class Session:
    """One audit of a library, in progress or finished."""

    def __init__(self, catalog: Catalog, library: Path, audit: Audit) -> None:
        self._catalog = catalog
        self.library = library
        self.state = AuditState(audit, annotation_log.of_audit(catalog, audit.id))

    def answer(self, kind: AnnotationKind) -> None:
        """Store the annotation of the current image durably; does nothing if all are answered."""
        drawn = self.state.current
        if drawn is not None:
            self._add(drawn, kind)

    def take_back(self) -> bool:
        """Undo the last answer, so that its image comes again; returns False if there is none."""
        if not self.state.answers:
            return False
        last = self.state.answers[-1]
        drawn = next(drawn for drawn in self.state.audit.drawn if drawn.image_id == last.image_id)
        self._add(drawn, AnnotationKind.TAKEN_BACK)
        return True

    def path_of(self, drawn: SampledImage) -> Path | None:
        """The path of the image; None if it is gone, or in another folder."""
        place = place_of(self._catalog, drawn.image_id)
        if place is None:
            return None
        path = to_path(place.path)
        if path.parent != Path(drawn.category) and not self.is_category_of(drawn, path.parent.as_posix()):
            return None
        return self.library / path if (self.library / path).is_file() else None

    def is_category_of(self, drawn: SampledImage, category: str | None) -> bool:
        """Whether this is the category under which it was drawn, also by a name that a person gave it since."""
        names = read_aliases(self._catalog)
        return category is not None and names.resolve(category) == names.resolve(drawn.category)

    @property
    def is_current(self) -> bool:
        """Whether the filing is still as it was at the draw."""
        return still_holds(self._catalog, self.state)

    @property
    def is_filed_by_threshold(self) -> bool:
        """Whether a threshold of this audit was accepted and applied."""
        audit = audits.last(self._catalog)
        return audit is not None and audit.id == self.state.audit.id and audit.threshold is not None

    def outcome(self, max_error: float | None) -> Outcome | None:
        """The outcome for `max_error`; None until all are answered. An outdated audit has no offer."""
        if not self.state.is_finished:
            return None
        kept = None if max_error is None else keeps_target(self.state, max_error)
        return Outcome(kept=kept, offer=self.offer(max_error), misfiled=self._misfiled())

    def offer(self, max_error: float | None) -> ThresholdOffer | None:
        """The threshold that would keep `max_error` where the filing is not shown to; an outdated audit has none.

        If the audit goes on until a rate is shown, it is offered before its end too.
        """
        if max_error is None or not self.is_current or keeps_target(self.state, max_error):
            return None
        return loosest_threshold(self.state, max_error)

    def target(self, max_error: float | None) -> float | None:
        """The error rate to be shown: `max_error`, else that of the audit, else that of the last sort."""
        first = self.state.audit.until if max_error is None else max_error
        return target_of(self._catalog) if first is None else first

    def go_on_until(self, until: float) -> Session:
        """The same audit with another error rate to show: its bounds hold for all rates together."""
        if until != self.state.audit.until:
            audits.set_until(self._catalog, self.state.audit.id, until)
        return Session(self._catalog, self.library, replace(self.state.audit, until=until))

    def refile(self, agreed: Strictness | None = None, *, progress: Progress | None = None) -> RefileResult:
        """Move images judged wrong, and those below the agreed threshold, into `_review`; that run can be undone.

        `agreed` has that threshold and the error rate that it keeps. Raises LibraryError for a threshold that is for
        answers elsewhere.
        """
        strictness, source = agreed or Strictness(), self.state.audit.source
        if source is not None and strictness.threshold is not None:
            raise LibraryError(
                "this audit is of what is filed by the answers at {source}, and so is its threshold", source=source
            )
        return apply_audit(self._catalog, self.library, self.state.audit, strictness, progress=progress)

    def draw_command(self, count: int | None = None) -> str:
        """The command that draws another sample of the same."""
        if (source := self.state.audit.source) is not None:
            return draw_command(self._catalog, self.library, source, count=count)
        return command("audit", self.library, "--new", *(() if count is None else ("--count", count)))

    def answer_known(self) -> None:
        """Answer what comes next as the person did before, up to an image that they did not judge there.

        To be called after an answer of theirs: a sample that nobody looked at counts as no audit.
        """
        while (question := self.state.current) is not None:
            known = annotation_log.latest(self._catalog, [question.image_id]).get(question.image_id)
            if known is None or known.kind not in _JUDGED or not self.is_category_of(question, known.category):
                return
            self._add(question, known.kind, selection=known.selection)

    def _misfiled(self) -> int:
        """How many images judged wrong are still in their category's folder and have no other category."""
        judged = [d for d in self.state.audit.drawn if self.state.kinds.get(d.image_id) is AnnotationKind.WRONG]
        there = [drawn.image_id for drawn in judged if self.path_of(drawn) is not None]
        latest = annotation_log.latest(self._catalog, there)
        return sum(annotation.kind is AnnotationKind.WRONG for annotation in latest.values())

    def _add(self, drawn: SampledImage, kind: AnnotationKind, *, selection: Selection | None = Selection.FILED) -> None:
        audit = self.state.audit
        annotation = Annotation(
            image_id=drawn.image_id,
            kind=kind,
            category=drawn.category,
            origin=ORIGIN,
            at=utc_now(),
            audit=audit.id,
            selection=selection,
        )
        annotation_log.add(self._catalog, annotation)
        self.state = AuditState(audit, annotation_log.of_audit(self._catalog, audit.id))


@contextmanager
def open_session(
    library: Path,
    *,
    count: int | None = None,
    seed: int | None = None,
    until: float | None = None,
    anew: bool = False,
    as_it_is: bool = False,
    progress: Progress | None = None,
) -> Iterator[Session]:
    """The library's last audit while it is up to date and no other sample is requested; else a new one.

    With `as_it_is` it is the last audit, even if images were filed since. A new sample has `count` images (None: 160,
    or as many as the error rate of the sort takes). An unfinished audit keeps its sample; a finished one is drawn anew
    if another `count` or a `seed` is given, and either one by `anew`. With `until`, an error rate, it is an audit until
    that is shown: the last one goes on with another rate, but an audit of a number of images is drawn anew, and the
    other way round. Raises LibraryError when nothing is filed there, there is no last audit, or it is one of answers
    elsewhere and another sample is requested.
    """
    read_catalog(library).close()  # looking for a library creates none
    reconcile_if_free(library, progress)
    with open_catalog(library) as catalog:
        resume(catalog, library, progress=progress)
        if as_it_is:
            yield _last_audit(catalog, library)
            return
        if (audit := audits.last(catalog)) is not None and audit.source is not None:
            is_same = not anew and until is None and count in {None, len(audit.drawn)} and seed in {None, audit.seed}
            yield _of_answers(catalog, library, audit.source, is_same=is_same)
            return
        session = None if anew else _resumable(catalog, library, count=count, seed=seed, until=until)
        yield session or Session(catalog, library, draw_audit(catalog, library, count=count, seed=seed, until=until))


def current(catalog: Catalog, library: Path) -> Session | None:
    """The library's last audit, finished or not; None once something was filed since, or before the first."""
    audit = audits.last(catalog)
    if audit is None or (audit.source is None and not audits.is_current(catalog, audit)):
        return None
    session = Session(catalog, library, audit)
    return session if session.is_current else None


def still_holds(catalog: Catalog, state: AuditState) -> bool:
    """Whether nothing was filed or moved since the draw of which the audit says nothing.

    What a finished one says of answers elsewhere does not change with the library.
    """
    return (state.audit.source is not None and state.is_finished) or audits.is_current(catalog, state.audit)


def audit_guarantee(catalog: Catalog, library: Path) -> AuditState | None:
    """The last audit, if it shows that the current filing keeps the error rate of the last sort; else None.

    No file was moved since, though a sort may have recorded new reasons. One of answers elsewhere is no guarantee here.
    """
    audit, target = audits.last(catalog), target_of(catalog)
    if audit is None or audit.source is not None or target is None or audits.marks(catalog)[0] != audit.marks[0]:
        return None
    state = Session(catalog, library, audit).state
    return state if keeps_target(state, target) else None


def _last_audit(catalog: Catalog, library: Path) -> Session:
    audit = audits.last(catalog)
    if audit is None:
        raise LibraryError(
            "{library}: no audit was drawn there yet; {command} draws one",
            library=library,
            command=command("audit", library, "--new"),
        )
    return Session(catalog, library, audit)


def _of_answers(catalog: Catalog, library: Path, source: str, *, is_same: bool) -> Session:
    session = current(catalog, library) if is_same else None
    if session is None:
        raise LibraryError(
            "{library}: the last audit is of the answers at {source}; {command} draws another sample of them",
            library=library,
            source=source,
            command=draw_command(catalog, library, source),
        )
    return session


def _resumable(
    catalog: Catalog, library: Path, *, count: int | None, seed: int | None, until: float | None
) -> Session | None:
    session = current(catalog, library)
    if session is None:
        return None
    audit = session.state.audit
    if until is not None or (audit.until is not None and count is not None):
        is_same = until is not None and audit.until is not None and seed in {None, audit.seed}
        return session.go_on_until(until) if is_same and until is not None else None
    other = count is not None and min(count, audit.population) != len(audit.drawn)
    return None if session.state.is_finished and (other or seed not in {None, audit.seed}) else session
