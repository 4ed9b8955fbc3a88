"""How far all parts are, for a stage that only goes forward: what a dead worker had done counts once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from classifier.errors import Message

if TYPE_CHECKING:
    from classifier.progress import Stage


class Shown:
    """Pictures done of `parts` parts, and how many parts are over."""

    def __init__(self, stage: Stage, *, parts: int) -> None:
        self._stage = stage
        self._parts = parts
        self._over = 0
        self._whole = 0
        self._begun: Counter[int] = Counter()
        self._shown = 0

    def advance(self, worker: int, pictures: int) -> None:
        """So many more are done of the part that a worker has."""
        self._begun[worker] += pictures
        self._show()

    def end(self, worker: int, pictures: int) -> None:
        """The part of a worker is over: `pictures` are done for good."""
        self._begun.pop(worker, None)
        self._whole += pictures
        self._over += 1
        self._stage.note(Message("{number} of {count} parts", number=self._over, count=self._parts))
        self._show()

    def again(self, worker: int) -> None:
        """The part of a worker will be done anew."""
        self._begun.pop(worker, None)

    def _show(self) -> None:
        done = self._whole + self._begun.total()
        if done > self._shown:
            self._stage.advance(done - self._shown)
            self._shown = done
