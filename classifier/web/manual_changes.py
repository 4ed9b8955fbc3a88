"""What a person did to the library in the file manager, for the page: what it was, and the answer to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from classifier.catalog.connection import read_catalog
from classifier.catalog.lock import hold_lock
from classifier.errors import IllsortError, LibraryError
from classifier.filing.manual_changes import ManualChanges, manual_changes
from classifier.filing.reconcile import open_library, reconcile_if_free
from classifier.filing.settle_changes import Answer, apply_answer
from classifier.progress import SilentProgress

if TYPE_CHECKING:
    from pathlib import Path


class ManualChangesStatus:
    """What waits to be answered, as it was when the page was opened or last answered; used by any thread."""

    def __init__(self, library: Path) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._changes = ManualChanges()

    @property
    def state(self) -> dict[str, int]:
        """The numbers of what was moved and put in."""
        return _numbers(self._changes)

    def look(self) -> None:
        """Look at the library. While another process files there it is as before: what it files is no person's."""
        reconcile_if_free(self._library)
        try:
            with hold_lock(self._library), read_catalog(self._library) as catalog:
                self._changes = manual_changes(catalog, self._library)
        except IllsortError:
            return

    def answer(self, *, is_learned: bool, seen: dict[str, int], max_megapixels: float) -> None:
        """Learn from it or leave it, if it is still what the person saw.

        Raises IllsortError, with nothing done, if it is not, and while another process files there.
        """
        answer, silent = Answer.LEARN if is_learned else Answer.LEAVE, SilentProgress()
        with self._lock, open_library(self._library, silent) as catalog:
            self._changes = manual_changes(catalog, self._library)
            if self.state != seen:
                raise LibraryError("you changed more in the library meanwhile: look at it again")
            apply_answer(catalog, self._library, self._changes, answer, max_megapixels=max_megapixels, progress=silent)
            self._changes = manual_changes(catalog, self._library)


def _numbers(changes: ManualChanges) -> dict[str, int]:
    return {"moved": len(changes.moved), "added": len(changes.added)}
