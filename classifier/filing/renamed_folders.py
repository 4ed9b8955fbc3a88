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
from classifier.catalog.decisions import has_others, rename_category, used_categories
from classifier.catalog.manual_moves import (
    ORIGIN,
    ManualMove,
    Settled,
    decision_for_folder,
    settle,
    unsettled,
)
from classifier.catalog.places import count_places_in
from classifier.catalog.runs import SORT, has_run_of_kind
from classifier.catalog.values import to_path, utc_now
from classifier.labels.from_annotations import usable_names
from classifier.model.manifest import manifest_or_none
from classifier.records import Action, ImageId

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog


_LEAST: Final = 2
"""A folder's only image, moved to another, would look the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenamedFolder:
    """A category's folder that now has another name, with all images that were in it."""

    old: str
    new: str
    image_ids: tuple[ImageId, ...]


def apply_renamed_folders(catalog: Catalog, library: Path) -> list[RenamedFolder]:
    """Record the new names of categories whose folder a person renamed; returns what they were renamed to.

    Nothing in a library that was never sorted into, such as that of `illsort label`: its folders are labels.
    """
    if not has_run_of_kind(catalog, SORT):
        return []
    renamed = list(_renamed_folders(catalog, library))
    with catalog.transaction():
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
    category had before is, since it is taken back by that.
    """
    moves = unsettled(catalog)
    if not moves:
        return
    names = read_aliases(catalog)
    taken = _categories_of_model(catalog) | set(names.made)
    moved_into: dict[bytes, set[ImageId]] = defaultdict(set)
    for move in moves:
        moved_into[_category_folder(move.new)].add(move.image_id)

    def may_be_called(before: str, after: str, image_ids: set[ImageId]) -> bool:
        if names.resolve(after) == before:
            return True
        others = sorted({*taken, *used_categories(catalog)} - {before, after})
        is_new = after not in taken and not has_others(catalog, after, image_ids)
        return is_new and bool(usable_names([after], others, where="")[0])

    for old, targets in _kept_names(moves).items():
        if os.path.lexists(library / to_path(old)) or count_places_in(catalog, old):
            continue
        before = nfc(os.fsdecode(old))
        new = [
            RenamedFolder(old=before, new=after, image_ids=tuple(image_ids))
            for folder, image_ids in targets.items()
            if len(image_ids) >= _LEAST
            and may_be_called(before, after := nfc(os.fsdecode(folder)), moved_into[folder])
            and count_places_in(catalog, folder) == len(moved_into[folder])
        ]
        if len(new) == 1:
            yield new[0]


def _kept_names(moves: list[ManualMove]) -> dict[bytes, dict[bytes, list[ImageId]]]:
    """By old and new category folder: the images that are in it as they were."""
    kept: dict[bytes, dict[bytes, list[ImageId]]] = defaultdict(lambda: defaultdict(list))
    for move in moves:
        (old, _, inner), (new, _, inner_now) = move.old.partition(b"/"), move.new.partition(b"/")
        if inner == inner_now and _is_category(old) and _is_category(new):
            kept[old][new].append(move.image_id)
    return kept


def _category_folder(path: bytes) -> bytes:
    return path.partition(b"/")[0]


def _is_category(folder: bytes) -> bool:
    decided = decision_for_folder(folder) if folder else None
    return decided is not None and decided[0] is Action.FILE


def _categories_of_model(catalog: Catalog) -> frozenset[str]:
    """Those of the last model as it names them; none where it is gone."""
    last = last_sort(catalog)
    manifest = None if last is None else manifest_or_none(last[1])
    return frozenset() if manifest is None else frozenset(manifest.categories)
