"""Folders of categories that a person renamed: the new name is the category's, at once, for the next sort files there.

It is no label and nothing is asked: renamed back, the category has its old name again.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.catalog import annotation_log, categories
from classifier.catalog.audits import last_sort
from classifier.catalog.categories import nfc, read_aliases
from classifier.catalog.category_folders import read_known
from classifier.catalog.decisions import has_others, rename_category, used_categories
from classifier.catalog.manual_moves import (
    ORIGIN,
    ManualMove,
    Settled,
    folder_of,
    settle,
    unsettled,
)
from classifier.catalog.places import count_places_in
from classifier.catalog.runs import PREVIEW, SORT, has_run_of_kind
from classifier.catalog.undo_queries import rename_own_folders
from classifier.catalog.values import to_path, utc_now
from classifier.category_names import SEPARATOR
from classifier.labels.from_annotations import usable_names
from classifier.model.manifest import manifest_or_none
from classifier.records import Action, ImageId

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog


_LEAST: Final = 2
"""A folder's only image, moved to another, would look the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenamedFolder:
    """A category's folder that now has another name, with all images that were in it.

    `renamed` are the old and the new path of the folder itself, which may be one around it.
    """

    old: str
    new: str
    renamed: tuple[bytes, bytes]
    image_ids: tuple[ImageId, ...]


def apply_renamed_folders(catalog: Catalog, library: Path) -> list[RenamedFolder]:
    """Record the new names of categories whose folder a person renamed; returns what they were renamed to.

    Nothing in a library that was never sorted into or previewed, such as that of `illsort label`: its folders are
    labels.
    """
    if not any(has_run_of_kind(catalog, kind) for kind in (SORT, PREVIEW)):
        return []
    renamed = list(_renamed_folders(catalog, library))
    with catalog.transaction():
        for old, new in dict.fromkeys(folder.renamed for folder in renamed):
            rename_own_folders(catalog, old, new)
        for folder in renamed:
            at = utc_now()
            categories.rename(catalog, folder.old, folder.new, at=at, step=None)
            rename_category(catalog, folder.old, folder.new)
            settle(catalog, folder.image_ids, Settled.RENAMED)
            annotation_log.rename_category(catalog, folder.old, folder.new, origin=ORIGIN, at=at)
    return renamed


def _renamed_folders(catalog: Catalog, library: Path) -> Iterator[RenamedFolder]:
    """Folders that are gone, whose images are, as they were in it, in one folder that was new.

    But for those that were moved elsewhere, and what was moved into the new folder from others. The name of another
    category of the model is no new name: what is in that folder now is of that category. Only the name that the
    category had before is, since it is taken back by that. With a folder that contains nested categories each of
    these has a new name.
    """
    moves = unsettled(catalog)
    if not moves:
        return
    search = _Search(catalog, library)
    for levels in range(1, search.known.depth + 1):
        found = list(search.at_level(levels, moves))
        yield from found
        settled = {image_id for one in found for image_id in one.image_ids}
        moves = [move for move in moves if move.image_id not in settled]


class _Search:
    """What the search for renamed folders knows of the library."""

    def __init__(self, catalog: Catalog, library: Path) -> None:
        self._catalog = catalog
        self._library = library
        self._names = read_aliases(catalog)
        self._taken = _categories_of_model(catalog) | set(self._names.made)
        self.known = read_known(catalog.connection)

    def at_level(self, levels: int, moves: Sequence[ManualMove]) -> Iterator[RenamedFolder]:
        """The renamed categories, by folders at this level, with the images that were in them."""
        moved_into: dict[bytes, set[ImageId]] = defaultdict(set)
        for move in moves:
            moved_into[_outer(move.new, levels)].add(move.image_id)
        for old, targets in self._kept_names(moves, levels).items():
            if os.path.lexists(self._library / to_path(old)) or count_places_in(self._catalog, old):
                continue
            new = [
                (folder, renamed, kept)
                for folder, kept in targets.items()
                if len(kept) >= _LEAST
                and count_places_in(self._catalog, folder) == len(moved_into[folder])
                and self._may_be_called(renamed := self._new_names(old, folder, kept), moved_into[folder])
            ]
            if len(new) == 1:
                folder, names, kept = new[0]
                image_ids = tuple(move.image_id for move in kept)
                for one, now in names.items():
                    yield RenamedFolder(old=one, new=now, renamed=(old, folder), image_ids=image_ids)

    def _kept_names(self, moves: Sequence[ManualMove], levels: int) -> dict[bytes, dict[bytes, list[ManualMove]]]:
        """By old and new category folder: the images that are in it as they were."""
        kept: dict[bytes, dict[bytes, list[ManualMove]]] = defaultdict(lambda: defaultdict(list))
        for move in moves:
            old, new = _outer(move.old, levels), _outer(move.new, levels)
            is_same_within = move.old[len(old) :] == move.new[len(new) :]
            if old != new and is_same_within and self._is_category(old) and self._is_category(new):
                kept[old][new].append(move)
        return kept

    def _is_category(self, folder: bytes) -> bool:
        return bool(folder) and self.known.decision_for(folder) == (Action.FILE, os.fsdecode(folder))

    def _new_names(self, old: bytes, new: bytes, moves: Sequence[ManualMove]) -> dict[str, str]:
        """The new name of each category in the folder `old`, those without images too."""
        before, after = nfc(os.fsdecode(old)), nfc(os.fsdecode(new))
        decided = {self.known.decision_for(folder_of(move.old)) for move in moves}
        names = {nfc(one[1]) for one in decided if one is not None and one[0] is Action.FILE}
        names |= {name for name in self._taken if name.startswith(before + SEPARATOR)}
        return {name: after + name.removeprefix(before) for name in sorted(names)}

    def _may_be_called(self, renamed: Mapping[str, str], image_ids: set[ImageId]) -> bool:
        others = sorted({*self._taken, *used_categories(self._catalog)} - {*renamed, *renamed.values()})
        return bool(renamed) and all(
            self._names.resolve(new) == old
            or (
                new not in self._taken
                and not has_others(self._catalog, new, image_ids)
                and bool(usable_names([new], others, where="")[0])
            )
            for old, new in renamed.items()
        )


def _outer(path: bytes, levels: int) -> bytes:
    """The first `levels` folders of a path; empty where it has not so many."""
    parts = path.split(b"/")
    return b"/".join(parts[:levels]) if len(parts) > levels else b""


def _categories_of_model(catalog: Catalog) -> frozenset[str]:
    """Those of the last model as it names them; none where it is gone."""
    last = last_sort(catalog)
    manifest = None if last is None else manifest_or_none(last[1])
    return frozenset() if manifest is None else frozenset(manifest.categories)
