"""From what a model said to where the picture lies: decide, record, file; only the difference is applied."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.catalog import annotation_log, decisions
from classifier.catalog.connection import Catalog
from classifier.catalog.manual_moves import REASON, by_hand, decision_of
from classifier.catalog.moves import select
from classifier.catalog.predictions import Candidate, CrawlQuery, PredictionPage, PredictionRow, logits_of
from classifier.catalog.values import to_bytes
from classifier.filing.category_folders import CategoryFolders
from classifier.filing.destination import names_for
from classifier.filing.hardlink_check import WhyNoLink, why_no_link
from classifier.filing.results import Outcome, Status
from classifier.filing.sidecars import outdated_moves, sidecar_moves
from classifier.filing.unmoved import decide_not_moved, is_not_moved
from classifier.model.calibration import probabilities
from classifier.model.possible import possible
from classifier.progress import Progress, SilentStage, Stage
from classifier.records import Action, Annotation, Decision, ImageFile, Method, Move, PictureId
from classifier.sort.decide import decide
from classifier.sort.gc_pause import uncollected
from classifier.sort.merge_categories import fold
from classifier.sort.overrides import heed
from classifier.sort.policy import Rules

BATCH = 256
"""Pictures filed together: what one commit of the journal covers."""
PAGE = 98_304
"""Pictures decided together: of many that are known, few are moved."""

_TROUBLES = frozenset({Status.CHANGED, Status.GONE, Status.FAILED})
_MOST_TROUBLES = 1000

Execute = Callable[[Sequence[Move]], Sequence[Outcome]]


class DecisionApplier:
    """Settles what one run has to; `execute` makes the moves, or only plans them.

    What lies in the library comes first, in the order of contents; then what is to be filed, in the order of paths.
    """

    def __init__(
        self, catalog: Catalog, *, run: int, crawl: Path, library: Path, rules: Rules, execute: Execute
    ) -> None:
        self._catalog = catalog
        self._run = run
        self._crawled = CrawlQuery(catalog=catalog, run=run, crawl=crawl, model=rules.manifest.key)
        self._library = library
        self._rules = rules
        self._fold = fold(rules.manifest.categories, rules.thresholds, rules.names)
        self._execute = execute
        self._limit = BATCH if rules.sidecars else max(BATCH, PAGE)
        self._after = to_bytes(crawl)
        self._is_left = True
        self._spelled = CategoryFolders(library)
        self._put_by_hand = by_hand(catalog)
        self._folders: dict[tuple[Action, str], tuple[Path, bytes]] = {}
        self.relinked: frozenset[PictureId] = frozenset()
        """Pictures that were symbolic links to a crawl that was renamed: they are links again, whatever the mode is."""
        self.troubles: list[Outcome] = []
        """Moves that were not made, but for `not_moved`; only the first thousand are kept."""
        self.not_moved: Counter[str] = Counter()
        """Pictures that could not be moved within the library and stay where they lie, by the reason."""
        self.copied_instead: Counter[WhyNoLink] = Counter()
        """Pictures that had to be copied in place of linked, by the reason."""

    @uncollected()
    def settle_placed(self, progress: Progress) -> None:
        """Decide again of what lies in the library and is answered for, and move what belongs elsewhere now."""
        self._file_sidecars(self._placed_last())
        files = 0
        if found := self._next_placed(after=""):
            with progress.stage("deciding again", total=None, unit="picture") as stage:
                while found:
                    self._settle_seen(found)
                    files += sum(seen.files for seen in found)
                    stage.advance(len(found))
                    found = self._next_placed(after=found[-1].picture)
        self._is_left = self._crawled.leave_out_placed(files=files)

    def settle(self, *, upto: Path | None, stage: Stage | None = None) -> None:
        """Decide and file every candidate up to `upto` that is not settled (None: all)."""
        while self._is_left and (page := self._next_page(upto)):
            self._after = page.last
            if page.candidates:
                self._settle_page(page.candidates, stage or SilentStage())

    def settle_left(self, progress: Progress) -> None:
        """Decide and file all that is left, after `settle_placed`; where all is placed, no file is looked at again."""
        if self._is_left:
            with progress.stage("filing", total=self._crawled.count_files(after=self._after), unit="picture") as stage:
                self.settle(upto=None, stage=stage)

    def _next_placed(self, *, after: str) -> list[PredictionRow]:
        return self._crawled.next_placed(after=after, limit=self._limit)

    @uncollected()
    def _next_page(self, upto: Path | None) -> PredictionPage | None:
        last = None if upto is None else to_bytes(upto)
        return self._crawled.next_files(after=self._after, upto=last, limit=self._limit)

    def _settle_seen(self, found: list[PredictionRow]) -> None:
        decided = self._decide(found)
        decisions.save(self._catalog, decided, run=self._run)
        both = zip(found, decided, strict=True)
        astray = [(seen, decision) for seen, decision in both if self._strays(seen, decision)]
        astray.sort(key=lambda one: one[0].path)
        for start in range(0, len(astray), BATCH):
            part = astray[start : start + BATCH]
            self._carry_out([self._renaming(seen, seen.path, decision) for seen, decision in part])
        self._file_sidecars([seen.picture for seen in found])

    def _settle_page(self, found: list[Candidate], stage: Stage) -> None:
        first: dict[PictureId, Candidate] = {}
        for candidate in found:
            first.setdefault(candidate.seen.picture, candidate)  # of equal ones, the first by path
        decided = self._decide([candidate.seen for candidate in first.values()])
        for start in range(0, len(decided), BATCH):
            part = [(first[decision.picture], decision) for decision in decided[start : start + BATCH]]
            decisions.save(self._catalog, [decision for _, decision in part], run=self._run)
            self._carry_out([self._filing(one, decision) for one, decision in part if self._strays(one.seen, decision)])
            stage.advance(len(part))
        stage.advance(len(found) - len(decided))
        self._file_sidecars(list(first))

    def _placed_last(self) -> list[PictureId]:
        """The pictures of this crawl whose sidecars a run that was killed may not have come to."""
        if not self._rules.sidecars:
            return []
        of_crawl = "run IN (SELECT id FROM runs WHERE kind = 'sort' AND crawl = ?)"
        entries = select(
            self._catalog,
            f"state = 'done' AND beside IS NULL AND {of_crawl} ORDER BY id DESC LIMIT ?",
            (to_bytes(self._crawled.crawl), BATCH),
        )
        return [entry.picture for entry in reversed(entries)]

    def _file_sidecars(self, pictures: Sequence[PictureId]) -> None:
        if self._rules.sidecars:
            method = Method(self._rules.mode.value)
            crawl = self._crawled.crawl
            self._carry_out(outdated_moves(self._catalog, pictures, library=self._library))
            self._carry_out(sidecar_moves(self._catalog, pictures, library=self._library, method=method, crawl=crawl))

    def _carry_out(self, moves: Sequence[Move]) -> None:
        outcomes = self._execute(moves) if moves else ()
        self.not_moved += decide_not_moved(self._catalog, self._library, outcomes, run=self._run)
        for outcome in outcomes:
            if outcome.status in _TROUBLES and not is_not_moved(outcome) and len(self.troubles) < _MOST_TROUBLES:
                self.troubles.append(outcome)
            if outcome.move.method is Method.LINK and outcome.method is Method.COPY:
                source, folder = outcome.move.source.path, self._library / outcome.move.folder
                self.copied_instead[why_no_link(source, folder) or WhyNoLink.REFUSED] += 1

    @uncollected()
    def _decide(self, batch: list[PredictionRow]) -> list[Decision]:
        rules = self._rules
        rows = self._fold(probabilities(logits_of(batch), rules.manifest.temperature))
        pictures = [seen.picture for seen in batch]
        said = list(annotation_log.of_pictures(self._catalog, pictures))
        decided = decide(
            pictures,
            possible(rows, pictures, self._fold.categories, annotation_log.ruled_out(said)),
            categories=self._fold.categories,
            thresholds=self._fold.thresholds,
            truncated=[bool(seen.truncated) for seen in batch],
            novelties=[seen.novelty for seen in batch],
            unknown_from=rules.unknown_from,
            strange_from=rules.strange_from,
            promised=rules.promise is not None,
        )
        return self._heeded(decided, rows, annotation_log.unmoved(self._catalog, annotation_log.holding(said)))

    def _heeded(
        self, decided: list[Decision], rows: NDArray[np.float64], said: Mapping[PictureId, Annotation]
    ) -> list[Decision]:
        """What a person said goes first; `rows` (N, M) are the probabilities that were decided by."""
        if not said and not self._put_by_hand:
            return decided
        column = {category: number for number, category in enumerate(self._fold.categories)}
        heeded = []
        for decision, row in zip(decided, rows, strict=True):
            verdict = said.get(decision.picture)
            number = None if verdict is None else column.get(verdict.category or "")
            confidence = None if number is None else float(row[number])
            heeded.append(self._as_put(heed(decision, verdict, confidence=confidence)))
        return heeded

    def _as_put(self, decision: Decision) -> Decision:
        """What lies where a person moved it is decided to be there."""
        folder = self._put_by_hand.get(decision.picture)
        put = None if folder is None else decision_of(folder)
        return decision if put is None else replace(decision, action=put[0], category=put[1], reason=REASON)

    def _strays(self, seen: PredictionRow, decision: Decision) -> bool:
        """Whether the picture lies elsewhere than it belongs, or not in the library at all."""
        if seen.picture in self._put_by_hand:
            return False
        lies = seen.place_path
        return lies is None or lies.rpartition(b"/")[0] != self._folder_of(decision)[1]

    def _filing(self, candidate: Candidate, decision: Decision) -> Move:
        """What brings the picture where it belongs: from the crawl, or within the library."""
        if candidate.seen.place_path is not None:
            return self._renaming(candidate.seen, candidate.path, decision)
        method = Method.SYMLINK if decision.picture in self.relinked else Method(self._rules.mode.value)
        return self._move(candidate.file, candidate.path, decision, method)

    def _renaming(self, seen: PredictionRow, path: bytes, decision: Decision) -> Move:
        """What brings it from one folder of the library to another; `path` is its file's in the crawl."""
        return self._move(seen.place_in(self._library), path, decision, Method.RENAME)

    def _move(self, source: ImageFile, path: bytes, decision: Decision, method: Method) -> Move:
        """The name is the one that the file has in the crawl, at `path`."""
        folder, _ = self._folder_of(decision)
        names = names_for(os.fsdecode(path.rpartition(b"/")[2]), decision.picture)
        return Move(picture=decision.picture, source=source, folder=folder, names=names, method=method)

    def _folder_of(self, decision: Decision) -> tuple[Path, bytes]:
        """The folder where the picture belongs, and as places are kept."""
        key = (decision.action, decision.category)
        if key not in self._folders:
            folder = self._spelled(decision)
            self._folders[key] = folder, to_bytes(folder)
        return self._folders[key]
