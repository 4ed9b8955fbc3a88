"""Asks once whether what a person did to a library in the file manager is to be learned from, and does as they say."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from classifier.catalog.connection import is_library, read_catalog
from classifier.catalog.lock import hold_lock
from classifier.errors import Counted, FilingStopped, LibraryError, Message
from classifier.filing.manual_changes import LearnedChanges, learn, leave, manual_changes
from classifier.filing.reconcile import open_library
from classifier.paths import command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.filing.manual_changes import ManualChanges
    from classifier.progress import Progress
    from classifier.settings import Settings


class Answer(StrEnum):
    """What `library.moved` may be."""

    ASK = "ask"
    LEARN = "learn"
    LEAVE = "leave"


def changes_if_free(library: Path) -> ManualChanges | None:
    """What a person did and was not asked about, for a command that only reads.

    None while another process files there, since what it files is no person's, and where the library cannot be locked.
    """
    try:
        with hold_lock(library), read_catalog(library) as catalog:
            return manual_changes(catalog, library)
    except (LibraryError, FilingStopped):
        return None


def settle_if_free(
    library: Path,
    settings: Settings,
    *,
    ask: Callable[[Message], bool] | None,
    progress: Progress,
    answer: Answer | None = None,
) -> None:
    """As `settle_changes`, for a library that a command only reads; one line says where it cannot be written."""
    if not is_library(library):
        return
    try:
        with open_library(library, progress) as catalog:
            settle_changes(catalog, library, settings, ask=ask, progress=progress, answer=answer)
    except (LibraryError, FilingStopped) as error:
        progress.say(Message("what you did there in a file manager is not learned from: {why}", why=error.message))


def settle_changes(
    catalog: Catalog,
    library: Path,
    settings: Settings,
    *,
    ask: Callable[[Message], bool] | None,
    progress: Progress,
    answer: Answer | None = None,
) -> ManualChanges:
    """Learn from what a person did to `library`, or leave it, by `answer`, else by the settings, else as `ask` says.

    Where nobody can be asked it stays to be asked about, which one line says. The caller owns the library, and
    the catalog agrees with the disk. Returns what it was.
    """
    changes = manual_changes(catalog, library)
    if not changes.any:
        return changes
    answer = answer or Answer(settings.library.moved)
    if answer is Answer.ASK and ask is not None:
        is_learned = ask(
            Message("by you in {library}: {changes}; learn from that?", library=library, changes=changes.summary)
        )
        answer = Answer.LEARN if is_learned else Answer.LEAVE
    apply_answer(catalog, library, changes, answer, max_megapixels=settings.images.max_megapixels, progress=progress)
    return changes


def apply_answer(
    catalog: Catalog,
    library: Path,
    changes: ManualChanges,
    answer: Answer,
    *,
    max_megapixels: float,
    progress: Progress,
) -> None:
    """Learn from `changes`, or leave them, or say how to answer."""
    if answer is Answer.LEARN:
        learned = learn(catalog, library, changes, max_megapixels=max_megapixels, progress=progress)
        _report(learned, progress)
    elif answer is Answer.LEAVE:
        leave(catalog, changes)
        progress.say(Message("left as you put it, and not learned from: {changes}", changes=changes.summary))
    else:
        progress.say(how_to_answer(changes, library))


def how_to_answer(changes: ManualChanges, library: Path) -> Message:
    """One line: what a person did and was not asked about, and the command that does."""
    return Message(
        "by you in the library: {changes}; {learn} takes that as labels, {leave} does not",
        changes=changes.summary,
        learn=command("sync", library, "--learn"),
        leave="--leave",
    )


def _report(learned: LearnedChanges, progress: Progress) -> None:
    for sentence in learned.unusable:
        progress.say(sentence)
    if learned.labeled:
        progress.say(
            Counted(
                "{count:,} label by what you did in the file manager",
                "{count:,} labels by what you did in the file manager",
                count=learned.labeled,
            )
        )
