"""The review session: the queue, the answers, each stored at once, and what is to be filed. Used by one thread."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from classifier.catalog import annotation_log, decisions, runs
from classifier.catalog.annotation_log import begin_step, without_retracted
from classifier.catalog.page_answers import ORIGIN, annotated_images, queue_status
from classifier.catalog.queue import CursorValue, QueueFilter, QueueItem, items_of_images
from classifier.catalog.queue_pages import QueuePages
from classifier.decision.suggestions import Suggestions, read_suggestions
from classifier.errors import LibraryError
from classifier.records import Action, Annotation, AnnotationKind, Selection
from classifier.web import category_edits
from classifier.web.category_edits import keys_for, undo_rename, with_current_names
from classifier.web.history import Answer, Step, annotation_values, check_answers, now, read_steps
from classifier.web.pending_moves import misplaced_decisions, pending_decisions, retracted_decisions
from classifier.web.queue_counts import QueueCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId

T = TypeVar("T")
_PART = 100
"""Images whose annotations are read at once, between answers."""


class ReviewSession:
    """The queue of one library and the answers to it."""

    def __init__(self, catalog: Catalog, *, by_hand: Mapping[str, int] | None = None) -> None:
        self._catalog = catalog
        self._by_hand = by_hand or {}
        """Images by category that a person put into the folders by hand: they count as labels, too."""
        self.suggestions: Suggestions
        self.to_file: set[ImageId] = set()
        self._counts = QueueCounts(catalog)
        self.annotations = self._counts.annotations
        self.pages = QueuePages(catalog)
        self.refresh()

    def page(self, wanted: QueueFilter, *, after: Sequence[CursorValue] | None, limit: int) -> list[QueueItem]:
        """The next `limit` items of the queue."""
        if wanted.category is not None:
            wanted = replace(wanted, aliases=self.suggestions.names.aliases_of(wanted.category))
        rows = self.pages.page(wanted, model=self.suggestions.model, after=after, limit=limit)
        return with_current_names(rows, self.suggestions.names)

    def record(self, answers: Sequence[Answer], *, selection: Selection | None = None) -> None:
        """Store answers durably, all or none, as one undoable step.

        `selection` is how the images were selected; None for the queue: a grid, or one image in its order. A repetition
        of the last step is a request that was sent again, and is not stored. Raises LibraryError for an unknown
        category or image.
        """
        check_answers(self._catalog, answers, self.suggestions.categories)
        if self._steps and annotation_values(self._steps[-1].annotations) == annotation_values(answers):
            return
        at, selection = now(), selection or (Selection.GRID if len(answers) > 1 else Selection.MODEL)
        with self._catalog.transaction():
            step = begin_step(self._catalog, at=at)
            annotations = [
                Annotation(
                    image_id=one.image_id,
                    kind=one.kind,
                    category=one.category,
                    origin=ORIGIN,
                    at=at,
                    step=step,
                    selection=selection,
                )
                for one in answers
            ]
            stored = annotation_log.add_all(self._catalog, annotations)
        self._steps.append(Step(id=step, annotations=tuple(stored)))
        self._mark([one.image_id for one in answers])

    def undo(self, *, steps: int | None = None) -> list[QueueItem]:
        """Undo the last step that stands, also one of another day; returns its images, which wait again.

        `steps` is the number of steps known to the page; with another number nothing is done, because the request was
        repeated or another answer came first.
        """
        if not self._steps or steps not in {None, len(self._steps)}:
            return []
        step = self._steps[-1]
        image_ids = [annotation.image_id for annotation in step.annotations]
        at = now()
        taken = [
            Annotation(
                image_id=one.image_id, kind=AnnotationKind.TAKEN_BACK, category=one.category, origin=ORIGIN, at=at
            )
            for one in step.annotations
        ]
        with self._catalog.transaction():
            held = annotation_log.latest(self._catalog, image_ids)
            annotation_log.add_all(self._catalog, taken)
            undo_rename(self._catalog, step.id)
            self._wait_again(held, ORIGIN)
        if step.renames:
            self.refresh()
            return self.rows(image_ids)
        self._steps.pop()
        self._mark(image_ids)
        self.pages.decisions_changed()
        return self.rows(image_ids)

    def record_external(self, word: Annotation) -> None:
        """Store an annotation from elsewhere on the page durably, without an undo step."""
        with self._catalog.transaction():
            held = annotation_log.latest(self._catalog, [word.image_id])
            annotation_log.add(self._catalog, word)
            if word.kind is AnnotationKind.TAKEN_BACK:
                self._wait_again(held, word.origin)
        self._mark([word.image_id])
        self.pages.decisions_changed()

    def make_category(self, name: str) -> None:
        """Make a category. Raises LibraryError or LabelsError for an invalid name."""
        category_edits.make_category(self._catalog, name, guesses=self.suggestions, at=now())
        self.suggestions = read_suggestions(self._catalog)

    def rename_category(self, old: str, new: str) -> None:
        """Rename a category or merge it into another, as one step. Raises LibraryError or LabelsError."""
        of_old = (count for name, count in self._by_hand.items() if name == old or name.startswith(f"{old}/"))
        if count := sum(of_old):
            raise LibraryError(
                "{count} pictures in {old!r} were put there by you: rename that folder yourself", count=count, old=old
            )
        category_edits.rename_category(self._catalog, old, new, guesses=self.suggestions, origin=ORIGIN, at=now())
        self.refresh()

    def state(self) -> dict[str, Any]:
        """Categories with their keys, counts, what is to be filed, and how many steps can be undone."""
        keys = keys_for(self.suggestions.categories)
        label_counts = Counter(self.annotations.count_by_category()) + Counter(self._by_hand)
        return {
            "categories": [
                {"name": name, "key": keys.get(name, ""), "said": label_counts[name]}
                for name in self.suggestions.categories
            ],
            "labelling": self._is_labeled,
            "knows": self.suggestions.temperature is not None,
            "waiting": self._counts.waiting(self.suggestions.names),
            "skipped": len(self._counts.skipped),
            "to_file": len(self.to_file),
            "steps": len(self._steps),
            "outlook": {"number": self.pages.ranking.number} | self.pages.ranking.stats,
        }

    def read(self, question: Callable[[Catalog, Suggestions], T]) -> T:
        """The result of a query on the catalog and the suggestions."""
        return question(self._catalog, self.suggestions)

    def probabilities_of(self, row: QueueItem) -> dict[str, float]:
        """The current probability of each category that is not ruled out, the most likely first."""
        guesses, out = self._learned_of(row) or self.suggestions.of(row.logits), self.ruled_out(row.image_id)
        return {category: share for category, share in guesses.items() if category not in out}

    def suggestion_of(self, row: QueueItem) -> tuple[str, float]:
        """The category to suggest and its probability; empty where none left is likely; of a filed image, its own."""
        if row.action is Action.FILE or row.best not in self.ruled_out(row.image_id):
            return row.best, row.best_confidence
        likely = ((name, share) for name, share in self.probabilities_of(row).items() if share >= 0.02)  # noqa: PLR2004
        return next(likely, ("", 0.0))

    def ruled_out(self, image_id: ImageId) -> set[str]:
        """The categories that an image is not of, under all stored names."""
        return self.annotations.ruled_out(image_id)

    def is_newer_than_reason(self, row: QueueItem) -> bool:
        """Whether the prediction is newer than the recorded reason."""
        return bool(self._learned_of(row))

    def _learned_of(self, row: QueueItem) -> dict[str, float]:
        meta = self.pages.ranking.meta
        if not meta:
            return {}
        known, temperature = tuple(meta["categories"]), float(meta["temperature"])
        return replace(self.suggestions, known=known, temperature=temperature).of(row.ranking_logits)

    def use_newest_ranking(self) -> None:
        """Use the newest ranking; annotations are kept."""
        if not self.pages.use_newest_ranking():
            return
        self._counts.use_predictions(self.pages.ranking.meta.get("counts"), self.suggestions.names)

    @property
    def unfiled(self) -> int:
        """How many images are not where their annotations put them."""
        return len(self.to_file)

    @property
    def last(self) -> Sequence[Annotation]:
        """The annotations of the last step; empty without one."""
        return self._steps[-1].annotations if self._steps else ()

    def waiting(self, action: Action) -> list[str]:
        """The best guesses of what waits in a queue, in the order of the page; empty before the count."""
        return [] if self._counts.counts is None else list(self._counts.waiting(self.suggestions.names)[action.value])

    def recount(self, found: dict[str, dict[str, int]], *, outlook: int) -> None:
        """Use counts that another thread made by the ranking with that number, because counting is slow."""
        if outlook == self.pages.ranking.number:
            self._counts.counts = found

    def refresh(self) -> None:
        """Read everything again, as after filing."""
        self._version = -1
        self._counts.counts = None
        for _ in self.read_changes():
            pass

    def read_changes(self) -> Iterator[None]:
        """Read what other processes changed, in parts between which answers can be stored."""
        self.use_newest_ranking()
        version = self._catalog.version()
        if version == self._version:
            return
        self._version = version
        self.suggestions = read_suggestions(self._catalog)
        self._is_labeled = not self.suggestions.model and runs.has_run_of_kind(self._catalog, "label")
        self._steps = read_steps(self._catalog, annotation_log.of_origin(self._catalog, ORIGIN))
        self.pages.files_changed()
        image_ids = annotated_images(self._catalog)
        self.to_file &= set(image_ids)
        self.to_file |= {one.image_id for one in misplaced_decisions(self._catalog, self.suggestions)}
        elsewhere = list(set(annotation_log.judged_wrong(self._catalog)) - set(image_ids))
        for know, some in ((self._mark, image_ids), (self.read_ruled_out, elsewhere)):
            for start in range(0, len(some), _PART):
                yield
                know(some[start : start + _PART])
        yield

    def read_ruled_out(self, image_ids: Sequence[ImageId]) -> list[Annotation]:
        """Update the ruled-out categories of these images; returns all their annotations."""
        annotations = list(annotation_log.of_images(self._catalog, image_ids))
        out = annotation_log.exclude_moved(self._catalog, annotation_log.ruled_out(annotations))
        self._counts.rule_out(image_ids, out, self.suggestions.names)
        return annotations

    def _mark(self, image_ids: Sequence[ImageId]) -> None:
        """Update the queue and what is to be filed for these images."""
        annotations = self.read_ruled_out(image_ids)
        held = annotation_log.exclude_moved(self._catalog, annotation_log.current(annotations))
        last = without_retracted(annotation for annotation in annotations if annotation.origin == ORIGIN)
        rows = self.rows(image_ids)
        for image_id in image_ids:
            self._counts.clear_status(image_id)
        for row in rows:
            self._counts.set_status(row, *queue_status(held.get(row.image_id), last.get(row.image_id, [])))
        self.to_file -= set(image_ids)
        self.to_file |= {one.image_id for one in pending_decisions(self._catalog, rows, held, self.suggestions)}

    def rows(self, image_ids: Sequence[ImageId]) -> list[QueueItem]:
        """The items of these images, filed or waiting."""
        return with_current_names(
            items_of_images(self._catalog, image_ids, model=self.suggestions.model), self.suggestions.names
        )

    def _wait_again(self, held: Mapping[ImageId, Annotation], origin: str) -> None:
        """Put back what was filed by the retracted annotations of one origin, where they were the latest."""
        taken = {image_id: annotation for image_id, annotation in held.items() if annotation.origin == origin}
        for row, decision in retracted_decisions(self._catalog, taken, self.suggestions):
            decisions.save(self._catalog, [decision], run=row.run)
            self._counts.update_decision(row, model=self.suggestions.model)
