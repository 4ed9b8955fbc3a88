"""From what a model said to where the picture lies: decide, record, file; only the difference is applied."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.catalogue import decisions, files, verdicts
from classifier.catalogue.decisions import Candidate, Page
from classifier.catalogue.journal import select, to_bytes
from classifier.catalogue.store import Catalogue
from classifier.filing.outcome import Outcome, Status
from classifier.filing.place import folder_for, names_for
from classifier.filing.sidecars import sidecar_moves
from classifier.model.calibration import probabilities
from classifier.progress import SilentStage, Stage
from classifier.records import Action, Decision, Method, Move, PictureId
from classifier.sort.decide import decide
from classifier.sort.fold import fold
from classifier.sort.heed import heed
from classifier.sort.rules import Rules

BATCH = 256
"""Pictures filed together: what one commit of the journal covers."""
PAGE = 98_304
"""Pictures decided together: of many that are known, few are moved."""

_TROUBLES = frozenset({Status.CHANGED, Status.GONE, Status.FAILED})
_MOST_TROUBLES = 1000

Execute = Callable[[Sequence[Move]], Sequence[Outcome]]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Records hold no cycles: to look for some among hundreds of thousands takes as long as to decide them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Settler:
    """Settles the candidates of one run in the order of their paths; `execute` makes the moves, or only plans them."""

    def __init__(
        self, catalogue: Catalogue, *, run: int, crawl: Path, library: Path, rules: Rules, execute: Execute
    ) -> None:
        self._catalogue = catalogue
        self._run = run
        self._crawl = crawl
        self._library = library
        self._rules = rules
        self._fold = fold(rules.manifest.categories, rules.thresholds, rules.names)
        self._execute = execute
        self._after = to_bytes(crawl)
        self._begun = False
        self._folders: dict[tuple[Action, str], bytes] = {}
        self.troubles: list[Outcome] = []
        """Moves that were not made; only the first thousand are kept."""
        self.copied_instead = 0
        """Pictures that had to be copied because the file system cannot link them."""

    def settle(self, *, upto: Path | None, stage: Stage | None = None) -> None:
        """Decide and file every candidate up to `upto` (None: all that are left)."""
        if not self._begun:
            self._begun = True
            self._file_sidecars(self._placed_last())
        while page := self._next_page(upto):
            self._after = page.last
            if page.candidates:
                self._settle_page(page.candidates, stage or SilentStage())

    def count_left(self) -> int:
        """How many readable files of the crawl come after the last one that was settled."""
        return files.count_after(self._catalogue, run=self._run, crawl=self._crawl, after=self._after)

    @_uncollected()
    def _next_page(self, upto: Path | None) -> Page | None:
        return decisions.next_page(
            self._catalogue,
            run=self._run,
            crawl=self._crawl,
            model=self._rules.manifest.key,
            after=self._after,
            upto=None if upto is None else to_bytes(upto),
            limit=BATCH if self._rules.sidecars else max(BATCH, PAGE),
        )

    def _settle_page(self, found: list[Candidate], stage: Stage) -> None:
        first: dict[PictureId, Candidate] = {}
        for candidate in found:
            first.setdefault(candidate.picture, candidate)  # of equal ones, the first by path
        decided = self._decide(list(first.values()))
        moves = {decision.picture: self._move(first[decision.picture], decision) for decision in decided}
        decisions.save(self._catalogue, [one for one in decided if moves[one.picture] is None], run=self._run)
        moved = [decision for decision in decided if moves[decision.picture] is not None]
        stage.advance(len(found) - len(moved))
        for start in range(0, len(moved), BATCH):
            part = moved[start : start + BATCH]
            decisions.save(self._catalogue, part, run=self._run)
            self._carry_out([move for one in part if (move := moves[one.picture]) is not None])
            stage.advance(len(part))
        self._file_sidecars(list(first))

    def _placed_last(self) -> list[PictureId]:
        """The pictures of this crawl whose sidecars a run that was killed may not have come to."""
        if not self._rules.sidecars:
            return []
        of_crawl = "run IN (SELECT id FROM runs WHERE kind = 'sort' AND crawl = ?)"
        entries = select(
            self._catalogue,
            f"state = 'done' AND beside IS NULL AND {of_crawl} ORDER BY id DESC LIMIT ?",
            (to_bytes(self._crawl), BATCH),
        )
        return [entry.picture for entry in reversed(entries)]

    def _file_sidecars(self, pictures: Sequence[PictureId]) -> None:
        if self._rules.sidecars:
            method = Method(self._rules.mode.value)
            self._carry_out(sidecar_moves(self._catalogue, pictures, library=self._library, method=method))

    def _carry_out(self, moves: Sequence[Move]) -> None:
        for outcome in self._execute(moves) if moves else ():
            if outcome.status in _TROUBLES and len(self.troubles) < _MOST_TROUBLES:
                self.troubles.append(outcome)
            if outcome.move.method is Method.LINK and outcome.method is Method.COPY:
                self.copied_instead += 1

    @_uncollected()
    def _decide(self, batch: list[Candidate]) -> list[Decision]:
        rules = self._rules
        rows = self._fold(probabilities(decisions.logits_of(batch), rules.manifest.temperature))
        decided = decide(
            [candidate.picture for candidate in batch],
            rows,
            categories=self._fold.categories,
            thresholds=self._fold.thresholds,
            truncated=[candidate.truncated for candidate in batch],
            novelties=[candidate.novelty for candidate in batch],
            unknown_from=rules.unknown_from,
            strange_from=rules.strange_from,
            promised=rules.promise is not None,
        )
        return self._heeded(decided, rows)

    def _heeded(self, decided: list[Decision], rows: NDArray[np.float64]) -> list[Decision]:
        """What a person said goes first; `rows` (N, M) are the probabilities that were decided by."""
        said = verdicts.latest(self._catalogue, [decision.picture for decision in decided])
        if not said:
            return decided
        column = {category: number for number, category in enumerate(self._fold.categories)}
        heeded = []
        for decision, row in zip(decided, rows, strict=True):
            verdict = said.get(decision.picture)
            number = None if verdict is None else column.get(verdict.category or "")
            heeded.append(heed(decision, verdict, confidence=None if number is None else float(row[number])))
        return heeded

    def _move(self, candidate: Candidate, decision: Decision) -> Move | None:
        """What brings the picture where it belongs: from the crawl, or within the library; None when it is there."""
        lies = candidate.place_path
        if lies is not None and lies.rpartition(b"/")[0] == self._folder_of(decision):
            return None
        folder, file, place = folder_for(decision), candidate.file, candidate.place
        names = names_for(file.path.name, candidate.picture)
        if place is None:
            method = Method(self._rules.mode.value)
            return Move(picture=candidate.picture, source=file, folder=folder, names=names, method=method)
        source = dataclasses.replace(place, path=self._library / place.path)
        return Move(picture=candidate.picture, source=source, folder=folder, names=names, method=Method.RENAME)

    def _folder_of(self, decision: Decision) -> bytes:
        """The folder where the picture belongs, as places are kept."""
        key = (decision.action, decision.category)
        if key not in self._folders:
            self._folders[key] = to_bytes(folder_for(decision))
        return self._folders[key]
