"""What the page knows of the learning beside it: that it is at work, what came of it, and why there may be none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.review.teacher import Teacher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from classifier.review.teacher import Run


class Learning:
    """The learning process of one page, from the page's start to its end, or none."""

    def __init__(self, library: Path, run: Run | None) -> None:
        self._library = library
        self._run = run
        self._teacher: Teacher | None = None
        self._learned: Callable[[], object] = lambda: None
        self.state: dict[str, Any] = {"at": "none" if run is None else "starting"}
        """`at` is "none", "starting", "learning", "ready", "cannot" or "trouble", the last two with `why` in words."""

    def begin(self, learned: Callable[[], object]) -> None:
        """Start it; `learned` is called, from another thread, whenever there is a new outlook."""
        self._learned = learned
        if self._run is not None:
            self._teacher = Teacher(self._run, self._library, self._heard)

    def tell(self, words: int) -> None:
        """So many more words were said or taken back."""
        if self._teacher is not None and words:
            self._teacher.tell({"said": words})

    def end(self) -> None:
        """End it with the page."""
        if self._teacher is not None:
            self._teacher.end()

    def _heard(self, told: dict[str, Any]) -> None:
        if told.get("learning"):
            self.state = {"at": "learning"}
        elif "learned" in told:
            self._learned()
            self.state = {"at": "ready"}
        elif "cannot" in told:
            self.state = {"at": "cannot", "why": told["cannot"]}
        elif "trouble" in told:
            self.state = {"at": "trouble", "why": told["trouble"]}
        elif self.state["at"] != "cannot":
            self.state = {"at": "trouble", "why": "the learning process has ended"}
