"""Finds the copies among all that a library knows and its crawl holds, before anything is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.copies import without_look
from classifier.duplicates.known_groups import update_groups
from classifier.errors import Message, message_of
from classifier.records import Duplicates

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress
    from classifier.sort.prepare import Prepared


def find_copies(catalog: Catalog, ready: Prepared, progress: Progress) -> None:
    """Read the images whose look is not kept, and group all that were never compared; nothing where copies are kept.

    Images that cannot be read have no copies. Where the disk refuses, one line says so, and new copies are not found.
    """
    if ready.policy.duplicates is Duplicates.KEEP or catalog.path is None:
        return
    library = ready.library
    try:
        if paths := without_look(catalog, library, crawl=ready.crawl, run=ready.run):
            from classifier.sort.read_looks import read_looks  # noqa: PLC0415 - torch

            read_looks(catalog, library, paths, settings=ready.settings, progress=progress)
        update_groups(catalog, library, progress)
    except OSError as error:
        progress.say(Message("copies are not looked for: {why}", why=message_of(error)))
