"""Draws rows of answers by chance, of all that a policy decides in a certain way, and counts what they are drawn from.

Rows are drawn, not images: the same picture at two keys is two rows, and may be drawn twice. Each file of answers has
chances of its own, so which files were there before does not matter. A draw that measures decisions has chances of its
own too: had the same seed drawn the same rows for others, what was learned or chosen by those would be measured by
what it was learned or chosen by. Two passes: the first reads no embeddings but
where another head needs them, the second only the files with drawn rows.
"""

# Shapes: E thresholds.

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from classifier.errors import Message
from classifier.parts.answers_meta import part_of
from classifier.parts.in_order import in_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from classifier.parts.answered_rows import AnsweredRows
    from classifier.progress import Progress
    from classifier.records import Action, Decision
    from classifier.sort.answer_decider import AnswerDecider

_AT_ONCE: Final = 4
_STEPS: Final = 20
THRESHOLDS: Final[NDArray[np.float64]] = np.arange(10_000) / 10_000
"""Float64 (E,), rising from 0: those of four digits, so that what is printed is what was counted."""


@dataclass(frozen=True, slots=True, order=True)
class DrawnRow:
    """A row of a file of answers, by its place there from 0, and its decision; ordered by `chance`, 0..1."""

    chance: float
    name: str
    place: int
    decision: Decision

    @property
    def part(self) -> int:
        """The part that the file answers."""
        return part_of(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDraw:
    """A simple random sample of rows, in random order, and how many rows there are by category.

    `steps` are thresholds from strict to loose with the number of rows that each keeps: a twentieth more at each.
    """

    rows: tuple[DrawnRow, ...]
    categories: dict[str, int]
    steps: tuple[tuple[float, int], ...]
    seed: int


class _Found(NamedTuple):
    """Of a file: rows by category, by threshold (E,) those that it keeps and the next does not, and the drawn ones."""

    categories: Counter[str]
    counts: NDArray[np.int64]
    rows: list[DrawnRow]


def draw_rows(
    decider: AnswerDecider,
    actions: AbstractSet[Action],
    *,
    count: int,
    seed: int,
    measures: bool = False,
    progress: Progress,
) -> AnswerDraw:
    """Draw `count` rows, all where there are fewer, of those whose decision is one of `actions`.

    The same seed draws the same rows of the same answers, of a greater `count` some more; where the draw `measures`
    the decisions, of the same decisions alone. Raises StorageError in one line where a file of answers is damaged.
    """
    folder = decider.folder
    categories, counts, rows = Counter[str](), np.zeros(len(THRESHOLDS), dtype=np.int64), list[DrawnRow]()
    at_once = min(_AT_ONCE, folder.storage.reads_at_once)
    seeds = (seed, *hashlib.sha256(str(decider.name).encode()).digest()) if measures else (seed,)
    look = partial(_look, decider=decider, actions=actions, count=count, seeds=seeds)
    with progress.stage(Message("drawing"), total=len(folder.names), unit="part") as stage:
        for found in in_order(look, folder.names, at_once=at_once):
            categories.update(found.categories)
            counts += found.counts
            rows = heapq.nsmallest(count, [*rows, *found.rows])
            stage.advance()
    return AnswerDraw(rows=tuple(rows), categories=dict(categories), steps=_steps(counts), seed=seed)


def rows_of_draw(decider: AnswerDecider, draw: AnswerDraw) -> Iterator[tuple[AnsweredRows, list[tuple[int, DrawnRow]]]]:
    """The drawn rows of the files, some thousands of rows at a time: each with its place among those.

    What is kept of each picture for other heads is read, where there is any.
    """
    for name, of_file in groupby(sorted(draw.rows, key=attrgetter("name", "place")), key=attrgetter("name")):
        wanted, begin = {row.place: row for row in of_file}, 0
        for rows in decider.folder.rows(name, images=True, embeddings=True):
            here = [(place - begin, row) for place, row in wanted.items() if begin <= place < begin + len(rows)]
            if here:
                yield rows, here
            begin += len(rows)


def _look(
    name: str, *, decider: AnswerDecider, actions: AbstractSet[Action], count: int, seeds: tuple[int, ...]
) -> _Found:
    chances = np.random.default_rng([*seeds, part_of(name)])
    categories, sure, rows, begin = Counter[str](), list[float](), list[DrawnRow](), 0
    for batch, decided in decider.decided(name):
        drawn: list[float] = chances.random(len(batch)).tolist()
        places = zip(batch.decoded.tolist(), decided, strict=True)
        chosen = [(place, one) for place, one in places if one is not None and one.action in actions]
        categories.update(one.category for _, one in chosen)
        sure += [one.confidence for _, one in chosen]
        new = (DrawnRow(drawn[place], name, begin + place, one) for place, one in chosen)
        rows = heapq.nsmallest(count, [*rows, *new])
        begin += len(batch)
    return _Found(categories, _count_by_threshold(sure), rows)


def _count_by_threshold(confidences: list[float]) -> NDArray[np.int64]:
    """For each threshold (E,), how many it keeps that the next does not."""
    places = np.searchsorted(THRESHOLDS, np.array(confidences, dtype=np.float64), side="right") - 1
    return np.bincount(places, minlength=len(THRESHOLDS)).astype(np.int64)


def _steps(counts: NDArray[np.int64]) -> tuple[tuple[float, int], ...]:
    """As `audit.thresholds.threshold_steps`, of counts in place of confidences."""
    kept = counts[::-1].cumsum()[::-1]  # by rising threshold, so falling
    total = int(kept[0])
    least = {int(np.flatnonzero(kept >= -(-total * step // _STEPS))[-1]) for step in range(1, _STEPS + 1) if total}
    return tuple((float(THRESHOLDS[place]), int(kept[place])) for place in sorted(least, reverse=True))
