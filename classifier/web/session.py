"""The desk at which a person decides: what waits, what was said, what is to be filed; every word is stored at once.

Knows no web and moves no file. Used by one thread, beside a sort or other processes that write the same catalog.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from classifier.catalog import annotation_log, decisions, runs
from classifier.catalog.annotation_log import begin_step, without_retracted
from classifier.errors import LibraryError
from classifier.records import Action, Annotation, AnnotationKind, Selection
from classifier.web import path_order
from classifier.web.category_edits import keys_for, make_category, named, rename_category, take_back_name
from classifier.web.folders import FolderFilter
from classifier.web.history import ORIGIN, Answer, Step, check_answers, how_held, now, read_steps, spoken_of, words_of
from classifier.web.pending_moves import pending, retracted, strayed
from classifier.web.queue import Key, Order, Waiting, Wanted, of_pictures, page
from classifier.web.queue_counts import QueueCounts, said_of
from classifier.web.ranked_queue import Learned
from classifier.web.suggestions import Suggestions, read_guesses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from classifier.catalog.connection import Catalog
    from classifier.records import PictureId

T = TypeVar("T")
_PART = 100
"""Pictures of which it is read at once what was said, between answers."""


class ReviewSession:
    """One library's queue and the answers to it."""

    def __init__(self, catalog: Catalog, *, by_hand: Mapping[str, int] | None = None) -> None:
        self._catalog = catalog
        self._by_hand = by_hand or {}
        """Pictures that a person put into category folders themselves: labels like those that are said here."""
        self.guesses: Suggestions
        self.to_file: set[PictureId] = set()
        self._tally = QueueCounts(catalog)
        self.learned = Learned(catalog)
        self._here = FolderFilter(catalog)
        self.refresh()

    def page(self, wanted: Wanted, *, after: Sequence[Key] | None, limit: int) -> list[Waiting]:
        """The next `limit` pictures of the queue."""
        if wanted.category is not None:
            wanted = replace(wanted, kept=self.guesses.names.aliases_of(wanted.category))
        is_by_path = wanted.order is Order.PATH
        wanted = replace(wanted, is_small=not is_by_path and self._here.look(wanted.under))
        look = partial(path_order.page if is_by_path else page, self._catalog)
        pages = self.learned.page if wanted.is_learned else look
        return named(pages(wanted, model=self.guesses.model, after=after, limit=limit), self.guesses.names)

    def say(self, answers: Sequence[Answer], *, selection: Selection | None = None) -> None:
        """Store answers durably, all or none: one step, that is taken back as one.

        `selection` is how the pictures were selected; None where the queue did: a grid, or one picture by its order.

        The same as the last step says is that step, told again because its answer was lost: nothing is stored twice.
        Raises LibraryError for a category that does not exist, or a picture that is not in the library.
        """
        check_answers(self._catalog, answers, self.guesses.categories)
        if self._steps and words_of(self._steps[-1].said) == words_of(answers):
            return
        at, selection = now(), selection or (Selection.GRID if len(answers) > 1 else Selection.MODEL)
        with self._catalog.transaction():
            step = begin_step(self._catalog, at=at)
            said = [
                Annotation(
                    picture=one.picture,
                    said=one.said,
                    category=one.category,
                    origin=ORIGIN,
                    at=at,
                    step=step,
                    selection=selection,
                )
                for one in answers
            ]
            stored = annotation_log.add_all(self._catalog, said)
        self._steps.append(Step(id=step, said=tuple(stored)))
        self._mark([one.picture for one in answers])

    def take_back(self, *, steps: int | None = None) -> list[Waiting]:
        """Take back the last step that stands, also one of another day; its pictures, which wait again.

        `steps` is how many stand as far as the asker knows: with another number nothing is done, for then it was asked
        again because the answer was lost, or something else was said meanwhile.
        """
        if not self._steps or steps not in {None, len(self._steps)}:
            return []
        step = self._steps[-1]
        pictures = [verdict.picture for verdict in step.said]
        at = now()
        taken = [
            Annotation(picture=one.picture, said=AnnotationKind.TAKEN_BACK, category=one.category, origin=ORIGIN, at=at)
            for one in step.said
        ]
        with self._catalog.transaction():
            held = annotation_log.latest(self._catalog, pictures)
            annotation_log.add_all(self._catalog, taken)
            take_back_name(self._catalog, step.id)
            self._wait_again(held, ORIGIN)
        if step.renames:
            self.refresh()
            return self.rows(pictures)
        self._steps.pop()
        self._mark(pictures)
        self.learned.changed()
        return self.rows(pictures)

    def hear(self, word: Annotation) -> None:
        """Store durably what is said elsewhere on the page: no step here, and no less than what is said here."""
        with self._catalog.transaction():
            held = annotation_log.latest(self._catalog, [word.picture])
            annotation_log.add(self._catalog, word)
            if word.said is AnnotationKind.TAKEN_BACK:
                self._wait_again(held, word.origin)
        self._mark([word.picture])
        self.learned.changed()

    def make(self, name: str) -> None:
        """Make a category, with a key at once. Raises LibraryError or LabelsError for a name that it cannot have."""
        make_category(self._catalog, name, guesses=self.guesses, at=now())
        self.guesses = read_guesses(self._catalog)

    def rename(self, old: str, new: str) -> None:
        """Call a category otherwise, or put it together with another: one step, with all that was said of it.

        Raises LibraryError or LabelsError when that cannot be.
        """
        if count := self._by_hand.get(old):
            raise LibraryError(f"{count} pictures in {old!r} were put there by you: rename that folder yourself")
        rename_category(self._catalog, old, new, guesses=self.guesses, origin=ORIGIN, at=now())
        self.refresh()

    def state(self) -> dict[str, Any]:
        """Categories with their keys, what waits, what is to be filed, and how many steps can be taken back."""
        keys = keys_for(self.guesses.categories)
        said = Counter(said_of(self._catalog)) + Counter(self._by_hand)
        return {
            "categories": [
                {"name": name, "key": keys.get(name, ""), "said": said[name]} for name in self.guesses.categories
            ],
            "labelling": self._is_labelled,
            "knows": self.guesses.temperature is not None,
            "waiting": self._tally.waiting(self.guesses.names),
            "skipped": len(self._tally.skipped),
            "to_file": len(self.to_file),
            "steps": len(self._steps),
            "outlook": {"number": self.learned.outlook.number} | dict(self.learned.outlook.meta),
        }

    def read(self, question: Callable[[Catalog, Suggestions], T]) -> T:
        """What is asked of all that is stored, as it is now."""
        return question(self._catalog, self.guesses)

    def guesses_of(self, row: Waiting) -> dict[str, float]:
        """The probability of each category that was not ruled out, as is thought of it now, the likeliest first."""
        guesses, out = self._learned_of(row) or self.guesses.of(row.logits), self.ruled_out(row.picture)
        return {category: share for category, share in guesses.items() if category not in out}

    def best_of(self, row: Waiting) -> tuple[str, float]:
        """The category to offer for a picture that waits, with its probability; empty where none is left.

        What is filed is asked about as what it is filed as.
        """
        if row.action is Action.FILE or row.best not in self.ruled_out(row.picture):
            return row.best, row.share
        return next(iter(self.guesses_of(row).items()), ("", 0.0))

    def ruled_out(self, picture: PictureId) -> set[str]:
        """What a person said a picture is not of, under every name of those categories."""
        return self._tally.ruled_out(picture)

    def is_guessed_anew(self, row: Waiting) -> bool:
        """Whether the guesses at a picture are newer than the reason that was recorded with its decision."""
        return bool(self._learned_of(row))

    def _learned_of(self, row: Waiting) -> dict[str, float]:
        newer = self.learned.guesses(self.guesses.names)
        return newer.of(row.learned) if newer else {}

    def look_out(self) -> None:
        """Go on by the newest outlook; what was said stays said."""
        if not self.learned.look():
            return
        self._tally.guess_anew(self.learned.outlook.meta.get("counts"), self.guesses.names)

    @property
    def unfiled(self) -> int:
        """How many pictures lie elsewhere than where the person's words put them."""
        return len(self.to_file)

    @property
    def last(self) -> Sequence[Annotation]:
        """What was said in the last step that stands; empty when there is none."""
        return self._steps[-1].said if self._steps else ()

    def waiting(self, action: Action) -> list[str]:
        """The best guesses of what waits in a tray, as the page offers them; none before they are counted."""
        return [] if self._tally.counts is None else list(self._tally.waiting(self.guesses.names)[action.value])

    def recount(self, found: dict[str, dict[str, int]], *, outlook: int) -> None:
        """Take over what was counted elsewhere by the outlook of that number, for counting takes long."""
        if outlook == self.learned.outlook.number:
            self._tally.counts = found

    def refresh(self) -> None:
        """Look at everything anew, as after filing."""
        self._version = -1
        self._tally.counts = None
        for _ in self.look():
            pass

    def look(self) -> Iterator[None]:
        """Read again what another process has changed, in parts between which answers can be taken."""
        self.look_out()
        (version,) = self._catalog.connection.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        self._version = version
        self.guesses = read_guesses(self._catalog)
        self._is_labelled = not self.guesses.model and runs.has_run_of_kind(self._catalog, "label")
        self._steps = read_steps(self._catalog, annotation_log.of_origin(self._catalog, ORIGIN))
        self.learned.changed()
        self._here.changed()
        pictures = spoken_of(self._catalog)
        self.to_file &= set(pictures)
        self.to_file |= {one.picture for one in strayed(self._catalog, self.guesses)}
        elsewhere = list(set(annotation_log.judged_wrong(self._catalog)) - set(pictures))
        for know, some in ((self._mark, pictures), (self.heard, elsewhere)):
            for start in range(0, len(some), _PART):
                yield
                know(some[start : start + _PART])
        yield

    def heard(self, pictures: Sequence[PictureId]) -> list[Annotation]:
        """Know what these pictures were ruled out of, here or in an audit; all that was said of them."""
        said = list(annotation_log.of_pictures(self._catalog, pictures))
        out = annotation_log.exclude_moved(self._catalog, annotation_log.ruled_out(said))
        self._tally.rule_out(pictures, out, self.guesses.names)
        return said

    def _mark(self, pictures: Sequence[PictureId]) -> None:
        """Keep what was answered out of the queue, and know what is to be filed."""
        said = self.heard(pictures)
        held = annotation_log.exclude_moved(self._catalog, annotation_log.current(said))
        last = without_retracted(verdict for verdict in said if verdict.origin == ORIGIN)
        rows = self.rows(pictures)
        for picture in pictures:
            self._tally.leave(picture)
        for row in rows:
            self._tally.enter(row, *how_held(held.get(row.picture), last.get(row.picture, [])))
        self.to_file -= set(pictures)
        self.to_file |= {one.picture for one in pending(rows, held, self.guesses)}

    def rows(self, pictures: Sequence[PictureId]) -> list[Waiting]:
        """What is decided of these pictures, filed or waiting."""
        return named(of_pictures(self._catalog, pictures, model=self.guesses.model), self.guesses.names)

    def _wait_again(self, held: Mapping[PictureId, Annotation], origin: str) -> None:
        """What was filed by the words of one origin that are taken back now, where they are those that held."""
        taken = {picture: verdict for picture, verdict in held.items() if verdict.origin == origin}
        for row, decision in retracted(self._catalog, taken, self.guesses):
            decisions.save(self._catalog, [decision], run=row.run)
            self._tally.decided_anew(row, model=self.guesses.model)
