"""What a person does in the file manager, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.filing.reconcile import open_library
from classifier.filing.settle_changes import Answer, settle_changes
from classifier.labels.from_annotations import read_feedback
from classifier.progress import SilentProgress
from classifier.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.filing.manual_changes import ManualChanges


def drag(library: Path, source: str, target: str) -> None:
    """Move a file or folder within the library, into a folder that may be new."""
    (library / target).parent.mkdir(parents=True, exist_ok=True)
    (library / source).rename(library / target)


def settle(library: Path, answer: Answer = Answer.LEARN) -> ManualChanges:
    """What a person did, and what they answer when asked about it."""
    with open_library(library, SilentProgress()) as catalog:
        return settle_changes(catalog, library, Settings(), ask=None, progress=SilentProgress(), answer=answer)


def pictures_in(library: Path) -> set[str]:
    """The files of the library but for its state."""
    return {
        path.relative_to(library).as_posix()
        for path in library.rglob("*")
        if path.is_file() and ".illsort" not in path.parts
    }


def labels_of(library: Path) -> dict[str, str]:
    """The category of each labeled file."""
    return {label.path.relative_to(library).as_posix(): label.category for label in read_feedback(library).labels}
