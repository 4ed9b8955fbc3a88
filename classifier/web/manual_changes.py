"""What a person did to the library in the file manager, for the page: what it was, and the answer to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from classifier.catalog.connection import read_catalog
from classifier.catalog.lock import hold_lock
from classifier.errors import IllsortError
from classifier.filing.manual_changes import ManualChanges, manual_changes
from classifier.filing.reconcile import open_library, reconcile_if_free
from classifier.filing.settle_changes import Answer, settle_changes
from classifier.progress import SilentProgress
from classifier.settings import ImageSettings, Settings

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
        """The numbers of what was moved, put in and renamed."""
        changes = self._changes
        return {"moved": len(changes.moved), "added": len(changes.added), "renamed": len(changes.renamed)}

    def look(self) -> None:
        """Look at the library. While another process files there it is as before: what it files is no person's."""
        reconcile_if_free(self._library)
        try:
            with hold_lock(self._library), read_catalog(self._library) as catalog:
                self._changes = manual_changes(catalog, self._library)
        except IllsortError:
            return

    def answer(self, *, is_learned: bool, max_megapixels: float) -> dict[str, Any]:
        """Learn from it or leave it. Raises IllsortError, with nothing done, while another process files there."""
        settings = Settings(images=ImageSettings(max_megapixels=max_megapixels))
        answer, silent = Answer.LEARN if is_learned else Answer.LEAVE, SilentProgress()
        with self._lock, open_library(self._library, silent) as catalog:
            settle_changes(catalog, self._library, settings, ask=None, progress=silent, answer=answer)
            self._changes = manual_changes(catalog, self._library)
        return self.state
