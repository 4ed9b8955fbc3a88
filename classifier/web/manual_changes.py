"""What a person did to the library in the file manager, for the page: what it was, and the answer to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from classifier.errors import LibraryError
from classifier.filing.manual_changes import ManualChanges, manual_changes
from classifier.filing.reconcile import open_library, reconcile_if_free
from classifier.filing.settle_changes import Answer, apply_answer, changes_if_free
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
        return {"moved": len(self._changes.moved), "added": len(self._changes.added)}

    def look(self) -> None:
        """Look at the library. While another process files there it is as before: what it files is no person's."""
        reconcile_if_free(self._library)
        if (changes := changes_if_free(self._library)) is not None:
            self._changes = changes

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
