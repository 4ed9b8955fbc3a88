"""The change that undoes another one, from the state of the disk; changes nothing."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from classifier.catalog.library_changes import is_deleted
from classifier.catalog.manual_moves import current_path
from classifier.catalog.moves import MoveRecord
from classifier.catalog.places import place_at, place_of
from classifier.catalog.undo_queries import entry_of
from classifier.catalog.values import to_path
from classifier.errors import Message
from classifier.filing.destination import candidate_names
from classifier.filing.file_checks import has_content, is_link_to, lstat_or_none, matches_stat
from classifier.filing.plan import journal_path
from classifier.images.safe_open import image_file
from classifier.records import Method, Move, time_of

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog
    from classifier.filing.after_renaming import RenamedSince
    from classifier.filing.path_scope import PathScope

_MOST_RESTORED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """A file that is left as it is, and why."""

    path: Path
    reason: str
    is_deleted: bool = False
    """Whether it is recorded as missing, deleted by a person or as a second name: no action is needed."""


def current_and_original_path(entry: MoveRecord, library: Path) -> tuple[Path, Path]:
    """The path that an entry made, and the path that undoing it restores: both absolute, or both within the library."""
    source, target = library / to_path(entry.source), library / to_path(entry.target or b"")
    return target, source


def inverse_move(
    catalog: Catalog, entry: MoveRecord, library: Path, bounds: PathScope, renamed: RenamedSince
) -> Move | SkippedFile:
    """The move that undoes `entry`, or why the file is skipped."""
    entry = renamed.follow(entry)
    now, then = current_and_original_path(entry, library)
    if (trouble := bounds.trouble(entry)) is not None:
        return SkippedFile(path=now, reason=trouble)
    if (left := _why_left(catalog, entry, library)) is not None:
        return left
    found = lstat_or_none(now)
    if found is None:
        return _missing(catalog, entry, now)
    if not _is_ours(catalog, entry, found, library):
        return SkippedFile(path=now, reason=Message("it was changed since"))
    method, names = _method_and_names(catalog, entry, then.name)
    if method is None:
        damaged = Message("the record of how it came there is damaged (change {change})", change=entry.undoes)
        return SkippedFile(path=now, reason=damaged)
    return Move(
        image_id=entry.image_id,
        source=image_file(now, found),
        folder=journal_path(then.parent, library),
        names=names,
        method=method,
        undoes=entry.id,
        beside=entry.beside,
    )


def _why_left(catalog: Catalog, entry: MoveRecord, library: Path) -> SkippedFile | None:
    """Why an image that was moved out of a folder is not moved back."""
    if entry.method is Method.REMOVE and not to_path(entry.target or b"").is_absolute():
        path = library / to_path(entry.target or b"")
        return SkippedFile(path=path, reason=Message("a second name of it was taken away"), is_deleted=True)
    again = _filed_again(catalog, entry)
    return None if again is None else SkippedFile(path=library / again, reason=Message("it was filed again since"))


def _filed_again(catalog: Catalog, entry: MoveRecord) -> Path | None:
    """Where an image is that an undo removed from the library and a later run filed again: one place is enough."""
    if entry.beside is not None or entry.method not in {Method.REMOVE, Method.RESTORE}:
        return None
    place = place_of(catalog, entry.image_id)
    return None if place is None else to_path(place.path)


def _missing(catalog: Catalog, entry: MoveRecord, path: Path) -> SkippedFile:
    kept = current_path(catalog, entry.image_id, entry.target or b"")
    if kept != entry.target:
        return SkippedFile(path=path, reason=Message("it was moved by hand, to {path}", path=os.fsdecode(kept)))
    # After reconciling, a place that is recorded but not there could not be reached.
    if entry.target is not None and place_at(catalog, entry.target) is not None:
        return SkippedFile(path=path, reason=Message("it is out of reach, and taken to be as recorded"))
    return SkippedFile(path=path, reason=Message("it is no longer there"), is_deleted=_is_deleted(catalog, entry))


def _is_deleted(catalog: Catalog, entry: MoveRecord) -> bool:
    """Whether a person deleted the file: from the library, or the original of a symbolic link of ours."""
    if entry.method is Method.REMOVE and entry.undoes is not None:
        made = entry_of(catalog, entry.undoes)
        return made is not None and made.method is Method.SYMLINK
    return entry.target is not None and is_deleted(catalog, entry.image_id, entry.target)


def _method_and_names(catalog: Catalog, entry: MoveRecord, name: str) -> tuple[Method | None, tuple[str, ...]]:
    """The method, None if it is unknown, and the names to try."""
    again = candidate_names(name, entry.image_id)
    match entry.method:
        case Method.RENAME:
            return Method.RENAME, again
        case Method.MOVE:
            return Method.RESTORE, restored_names(name)
        case Method.RESTORE:
            # Targets within the library are old sidecars that were put aside.
            return Method.MOVE if to_path(entry.target or b"").is_absolute() else Method.RENAME, again
        case Method.REMOVE:
            undone = entry_of(catalog, entry.undoes or 0)
            return None if undone is None else undone.method, again
        case _:
            return Method.REMOVE, (name,)


def restored_names(name: str) -> tuple[str, ...]:
    """The old name, and those to try if a later file has it: `name (restored).ext`, then numbered."""
    suffix = PurePath(name).suffix
    stem = name[: len(name) - len(suffix)]
    marks = ("", " (restored)", *(f" (restored {number})" for number in range(2, _MOST_RESTORED)))
    return tuple(f"{stem}{mark}{suffix}" for mark in marks)


def _is_ours(catalog: Catalog, entry: MoveRecord, found: os.stat_result, library: Path) -> bool:
    """Whether the file found is the one that `entry` placed, by inode, size and time, else by content."""
    now, then = current_and_original_path(entry, library)
    if entry.method is Method.REMOVE:
        # The file that stayed when a link to it was removed.
        return stat.S_ISREG(found.st_mode) and has_content(now, entry.image_id)
    if entry.method is Method.SYMLINK:
        return is_link_to(now, then)
    if stat.S_ISLNK(found.st_mode) and entry.beside is None and not _is_recorded(catalog, entry):
        return False  # the original is gone or changed, though the link is not
    if entry.beside is not None and entry.method is Method.LINK and _is_one_file(found, then):
        return True  # a sidecar that was rewritten in the crawl
    if matches_stat(found, entry) or _is_as_placed(catalog, entry, found):
        return True
    return found.st_size == entry.size_bytes and has_content(now, entry.image_id)


def _is_one_file(found: os.stat_result, other: Path) -> bool:
    seen = lstat_or_none(other)
    return seen is not None and os.path.samestat(found, seen)


def _is_recorded(catalog: Catalog, entry: MoveRecord) -> bool:
    place = place_of(catalog, entry.image_id)
    return place is not None and place.path == entry.target


def _is_as_placed(catalog: Catalog, entry: MoveRecord, found: os.stat_result) -> bool:
    place = place_of(catalog, entry.image_id) if entry.beside is None else place_at(catalog, entry.target or b"")
    if place is None or (place.path, place.image_id) != (entry.target, entry.image_id):
        return False
    seen = (found.st_size, time_of(found), found.st_ino, found.st_dev)
    return seen == (place.size_bytes, place.mtime_ns, place.inode, place.device)
