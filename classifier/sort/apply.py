"""Decides images by their predictions, records the decisions, and moves the images whose folder differs."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from classifier.catalog import annotation_log, decisions
from classifier.catalog.category_folders import read_known
from classifier.catalog.connection import Catalog
from classifier.catalog.copies import placed_copies
from classifier.catalog.manual_moves import manually_placed
from classifier.catalog.moves import last_placed
from classifier.catalog.places import place_of
from classifier.catalog.predictions import Candidate, CrawlQuery, PredictionPage, PredictionRow, logits_of
from classifier.catalog.values import to_bytes, to_path
from classifier.decision.by_policy import decide_by
from classifier.decision.decide import apply_overrides
from classifier.decision.policy import Policy, merge_categories
from classifier.errors import Message
from classifier.filing.destination import CategoryFolders, candidate_names, parent_levels, recorded_file
from classifier.filing.file_checks import WhyNoLink, why_no_link
from classifier.filing.refile import decide_not_moved, is_not_moved
from classifier.filing.results import Outcome, Status
from classifier.filing.sidecars import outdated_moves, sidecar_moves
from classifier.model.calibration import mask_ruled_out, probabilities
from classifier.progress import Progress, SilentStage, Stage
from classifier.records import Action, Decision, Duplicates, ImageFile, ImageId, Method, Move
from classifier.sort.copies import CopyRule

BATCH = 256
"""Images filed together: what one commit of the journal covers."""
PAGE = 98_304
"""Images decided together: when many are known, few of them are moved."""
_FAILED = frozenset({Status.CHANGED, Status.GONE, Status.FAILED})
_MAX_FAILED_MOVES = 1000
_FILING = Message("filing")
Execute = Callable[[Sequence[Move]], Sequence[Outcome]]


@contextmanager
def pause_gc() -> Iterator[None]:
    """Records have no cycles, and looking for some among hundreds of thousands takes as long as deciding them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class DecisionApplier:
    """Decides and files the images of one run; `execute` makes the moves, or only plans them.

    Images that are in the library already come first, by content; then the files of the crawl, by path.
    """

    def __init__(
        self, catalog: Catalog, *, run: int, crawl: Path, library: Path, policy: Policy, execute: Execute
    ) -> None:
        self._catalog = catalog
        self._run = run
        self._query = CrawlQuery(catalog=catalog, run=run, crawl=crawl, model=policy.manifest.key)
        self._library = library
        self._policy = policy
        self._copies = CopyRule(catalog, policy.duplicates)
        self._merge = merge_categories(policy.manifest.categories, policy.thresholds, policy.names)
        self._execute = execute
        self._limit = BATCH if policy.sidecars else max(BATCH, PAGE)
        self._after = to_bytes(crawl)
        self._has_rest = True
        self._folders = CategoryFolders(library)
        self._manual_folders = manually_placed(catalog)
        self._known = read_known(catalog.connection).with_names(self._merge.categories)
        self._folder_cache: dict[tuple[Action, str, int], tuple[Path, bytes]] = {}
        self.relinked: frozenset[ImageId] = frozenset()
        """Images whose symbolic link pointed into a renamed crawl: linked again, whatever the mode is."""
        self.failed_moves: list[Outcome] = []
        """Moves that failed, without those in `not_moved`; only the first thousand are kept."""
        self.not_moved: Counter[str] = Counter()
        """Images that could not be moved within the library and stay where they are, by the reason."""
        self.changed = 0
        """Files that were placed or moved."""
        self.copied_instead: Counter[WhyNoLink] = Counter()
        """Images that were copied because they could not be linked, by the reason."""

    @pause_gc()
    def redecide_placed(self, progress: Progress) -> None:
        """Decide the predicted images in the library again, and move those that belong elsewhere."""
        self._file_sidecars(self._placed_last())
        files = 0
        if rows := self._next_placed(after=""):
            with progress.stage(Message("deciding again"), total=None, unit="picture") as stage:
                while rows:
                    self._apply_placed(rows)
                    files += sum(row.files for row in rows)
                    stage.advance(len(rows))
                    rows = self._next_placed(after=rows[-1].image_id)
        self._has_rest = self._query.leave_out_placed(files=files)

    def redecide_other_copies(self) -> None:
        """Decide the copies in the library that are not of this crawl, and move those that belong elsewhere."""
        in_groups = self._policy.duplicates is not Duplicates.KEEP
        placed = placed_copies(self._catalog, in_groups=in_groups)
        for start in range(0, len(placed), self._limit):
            part = placed[start : start + self._limit]
            known = {row.image_id for row in self._query.of_images(part)} | self._manual_folders.keys()
            part = [image_id for image_id in part if image_id not in known]
            decided = self._with_copies(self._copies.by_themselves(part))
            decisions.save(self._catalog, decided, run=self._run)
            moves = [move for one in decided if (move := self._move_within(one)) is not None]
            for first in range(0, len(moves), BATCH):
                self._make_moves(moves[first : first + BATCH])
            self._file_sidecars([move.image_id for move in moves])

    def apply_until(self, last: Path | None, stage: Stage | None = None) -> None:
        """Decide and file the next files of the crawl, up to and including `last` (None: all)."""
        while self._has_rest and (page := self._next_page(last)):
            self._after = page.last
            if page.candidates:
                self._apply_page(page.candidates, stage or SilentStage())

    def apply_rest(self, progress: Progress, *, name: Message = _FILING) -> None:
        """Decide and file what is left; does not read the files again when all images are in the library."""
        if self._has_rest:
            with progress.stage(name, total=self._query.count_files(after=self._after), unit="picture") as stage:
                self.apply_until(None, stage)

    def _next_placed(self, *, after: str) -> list[PredictionRow]:
        return self._query.next_placed(after=after, limit=self._limit)

    @pause_gc()
    def _next_page(self, last: Path | None) -> PredictionPage | None:
        return self._query.next_files(
            after=self._after, upto=None if last is None else to_bytes(last), limit=self._limit
        )

    def _apply_placed(self, rows: list[PredictionRow]) -> None:
        decided = self._decide(rows)
        decisions.save(self._catalog, decided, run=self._run)
        pairs = zip(rows, decided, strict=True)
        misplaced = [(row, decision) for row, decision in pairs if self._is_misplaced(row, decision)]
        misplaced.sort(key=lambda pair: pair[0].path)
        for start in range(0, len(misplaced), BATCH):
            batch = misplaced[start : start + BATCH]
            self._make_moves([self._renaming(row, row.path, decision) for row, decision in batch])
        self._file_sidecars([row.image_id for row in rows])

    def _apply_page(self, candidates: list[Candidate], stage: Stage) -> None:
        first: dict[ImageId, Candidate] = {}
        for candidate in candidates:
            first.setdefault(candidate.prediction.image_id, candidate)  # of identical files, the first by path
        decided = self._decide([candidate.prediction for candidate in first.values()])
        for start in range(0, len(decided), BATCH):
            batch = [(first[decision.image_id], decision) for decision in decided[start : start + BATCH]]
            decisions.save(self._catalog, [decision for _, decision in batch], run=self._run)
            self._make_moves(
                [self._filing(one, decision) for one, decision in batch if self._is_misplaced(one.prediction, decision)]
            )
            stage.advance(len(batch))
        stage.advance(len(candidates) - len(decided))
        self._file_sidecars(list(first))

    def _placed_last(self) -> list[ImageId]:
        """The images of this crawl whose sidecars a killed run may not have moved."""
        if not self._policy.sidecars:
            return []
        return last_placed(self._catalog, self._query.crawl, limit=BATCH)

    def _file_sidecars(self, image_ids: Sequence[ImageId]) -> None:
        if self._policy.sidecars:
            method, crawl = Method(self._policy.mode.value), self._query.crawl
            self._make_moves(outdated_moves(self._catalog, image_ids, library=self._library))
            self._make_moves(sidecar_moves(self._catalog, image_ids, library=self._library, method=method, crawl=crawl))

    def _make_moves(self, moves: Sequence[Move]) -> None:
        outcomes = self._execute(moves) if moves else ()
        self.not_moved += decide_not_moved(self._catalog, self._library, outcomes, run=self._run)
        self.changed += sum(outcome.status is Status.PLACED for outcome in outcomes)
        for outcome in outcomes:
            if outcome.status in _FAILED and not is_not_moved(outcome) and len(self.failed_moves) < _MAX_FAILED_MOVES:
                self.failed_moves.append(outcome)
            # With a remark, the same picture lay there already.
            if outcome.move.method is Method.LINK and outcome.method is Method.COPY and not outcome.reason:
                source, folder = outcome.move.source.path, self._library / outcome.move.folder
                self.copied_instead[why_no_link(source, folder) or WhyNoLink.REFUSED] += 1

    def _decide(self, rows: list[PredictionRow]) -> list[Decision]:
        return self._with_copies(self._decide_alone(rows))

    def _with_copies(self, decided: list[Decision]) -> list[Decision]:
        """The decisions of the same images, given the own ones of all that are copies of them."""
        if not (groups := self._copies.groups_of(decided)):
            return decided
        known = {decision.image_id for decision in decided}
        members = [member.image_id for group in groups for member in group]
        others = self._query.of_images([image_id for image_id in members if image_id not in known])
        found = self._copies.settle([*decided, *(self._decide_alone(others) if others else ())], groups)
        return [found[decision.image_id] for decision in decided]

    @pause_gc()
    def _decide_alone(self, rows: list[PredictionRow]) -> list[Decision]:
        policy, merge = self._policy, self._merge
        probs = merge(probabilities(logits_of(rows), policy.manifest.temperature))
        image_ids = [row.image_id for row in rows]
        annotations = list(annotation_log.of_images(self._catalog, image_ids))
        decided = decide_by(
            policy,
            merge,
            image_ids,
            mask_ruled_out(probs, image_ids, merge.categories, annotation_log.ruled_out(annotations)),
            truncated=[bool(row.truncated) for row in rows],
            ood_scores=[row.novelty for row in rows],
        )
        return apply_overrides(
            decided,
            probs,
            categories=merge.categories,
            annotations=annotation_log.exclude_moved(self._catalog, annotation_log.current(annotations)),
            manual_folders=self._manual_folders,
            known=self._known,
        )

    def _is_misplaced(self, row: PredictionRow, decision: Decision) -> bool:
        """Whether the image is in another folder than it belongs to, or not in the library at all."""
        if row.image_id in self._manual_folders:
            return False
        path, is_duplicate = row.place_path, decision.action is Action.DUPLICATE
        if path is None and is_duplicate and self._policy.duplicates is Duplicates.BEST:
            return False
        return path is None or path.rpartition(b"/")[0] != self._folder_of(decision)[1]

    def _filing(self, candidate: Candidate, decision: Decision) -> Move:
        """The move of an image to its folder: from the crawl, or within the library."""
        if candidate.prediction.place_path is not None:
            return self._renaming(candidate.prediction, candidate.path, decision)
        method = Method.SYMLINK if decision.image_id in self.relinked else Method(self._policy.mode.value)
        return self._move(candidate.file, candidate.path, decision, method)

    def _move_within(self, decision: Decision) -> Move | None:
        """The move of an image of the library that is in another folder than it belongs to."""
        place = place_of(self._catalog, decision.image_id)
        if place is None or place.path.rpartition(b"/")[0] == self._folder_of(decision)[1]:
            return None
        source, name = recorded_file(place, self._library), to_path(place.source).name
        is_ours = source.path.name in candidate_names(name, decision.image_id)
        path = place.source if is_ours else to_bytes(source.path)
        return self._move(source, path, decision, Method.RENAME)

    def _renaming(self, row: PredictionRow, path: bytes, decision: Decision) -> Move:
        """The move from one folder of the library to another; `path` is the file's path in the crawl.

        A name that a person gave it in the library stays.
        """
        source, name = row.place_in(self._library), os.fsdecode(path.rpartition(b"/")[2])
        is_ours = source.path.name in candidate_names(name, row.image_id)
        return self._move(source, path if is_ours else to_bytes(source.path), decision, Method.RENAME)

    def _move(self, source: ImageFile, path: bytes, decision: Decision, method: Method) -> Move:
        """The file gets the name that it has at `path`, as a rule in the crawl."""
        folder, _ = self._folder_of(decision)
        names = candidate_names(os.fsdecode(path.rpartition(b"/")[2]), decision.image_id)
        return Move(image_id=decision.image_id, source=source, folder=folder, names=names, method=method)

    def _folder_of(self, decision: Decision) -> tuple[Path, bytes]:
        """The folder where the image belongs, as a path and as the catalog stores it."""
        key = (decision.action, decision.category, parent_levels(decision.action, decision.reason))
        if key not in self._folder_cache:
            folder = self._folders(decision)
            self._folder_cache[key] = folder, to_bytes(folder)
        return self._folder_cache[key]
