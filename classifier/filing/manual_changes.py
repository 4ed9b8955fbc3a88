"""What a person did to a library in the file manager, and the labels that follow from it once the person agrees.

An image that was moved to the folder of another category is of that category, one moved to `_unknown` of none. A folder
that was renamed is the new name of its category. An image that was put into a category's folder is of that category.
What was deleted says nothing about a category: it is only never filed again.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from classifier.catalog import annotation_log, categories
from classifier.catalog.audits import last_sort
from classifier.catalog.categories import nfc, read_aliases
from classifier.catalog.decisions import has_others, rename_category, used_categories
from classifier.catalog.manual_moves import (
    ORIGIN,
    ManualMove,
    Settled,
    decision_for_folder,
    folder_of,
    leave_unlabeled,
    settle,
    unsettled,
)
from classifier.catalog.places import count_places_in
from classifier.catalog.runs import SORT, has_run_of_kind
from classifier.catalog.values import to_path, utc_now
from classifier.errors import Counted, Message, ModelError
from classifier.filing.added_files import AddedFile, added_files, adopt
from classifier.labels.from_annotations import usable_names
from classifier.model.manifest import load_manifest
from classifier.paths import to_text
from classifier.records import Action, Annotation, AnnotationKind, ImageId, Selection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class RenamedFolder:
    """A category's folder that now has another name, with all images that were in it."""

    old: str
    new: str
    image_ids: tuple[ImageId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualChanges:
    """What a person did and was not asked about."""

    moved: tuple[ManualMove, ...] = ()
    """Without those in `renamed`."""
    renamed: tuple[RenamedFolder, ...] = ()
    added: tuple[AddedFile, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is anything to ask about."""
        return bool(self.moved or self.renamed or self.added)

    @property
    def summary(self) -> Message:
        """What was done, by number."""
        parts: list[Message] = [
            Counted("{count:,} picture moved", "{count:,} pictures moved", count=len(self.moved)),
            Counted("{count:,} picture put in", "{count:,} pictures put in", count=len(self.added)),
            Counted("{count:,} folder renamed", "{count:,} folders renamed", count=len(self.renamed)),
        ]
        return reduce(
            lambda first, then: Message("{first}, {then}", first=first, then=then),
            [part for part in parts if part.params["count"]],
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the number of images by the folder that they are in now, and renamed folders by their old name."""
        return {
            "moved": dict(Counter(to_text(to_path(folder_of(move.new))) for move in self.moved)),
            "added": dict(Counter(one.category for one in self.added)),
            "renamed": {one.old: one.new for one in self.renamed},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedChanges:
    """How many images were labeled, old and new names of categories, and what is no label."""

    labeled: int
    renamed: tuple[tuple[str, str], ...]
    unusable: tuple[Message, ...]
    """Files put in that cannot be read or are copies, and folders whose name no category can have."""


def manual_changes(catalog: Catalog, library: Path) -> ManualChanges:
    """What a person did to `library` and was not asked about; the catalog agrees with the disk by now.

    Nothing in a library that was never sorted into, such as that of `illsort label`: its folders are labels anyway.
    """
    if not has_run_of_kind(catalog, SORT):
        return ManualChanges()
    moves = unsettled(catalog)
    renamed = _renamed_folders(catalog, library, moves)
    of_folders = {image_id for folder in renamed for image_id in folder.image_ids}
    return ManualChanges(
        moved=tuple(move for move in moves if move.image_id not in of_folders),
        renamed=tuple(renamed),
        added=tuple(added_files(catalog, library)),
    )


def leave(catalog: Catalog, changes: ManualChanges) -> None:
    """Learn nothing from `changes`, now and later; everything stays where it is."""
    with catalog.transaction():
        settle(catalog, [move.image_id for move in changes.moved], Settled.LEFT)
        for folder in changes.renamed:
            settle(catalog, folder.image_ids, Settled.LEFT)
        leave_unlabeled(catalog, [added.path for added in changes.added])


def learn(catalog: Catalog, library: Path, changes: ManualChanges, *, max_megapixels: float) -> LearnedChanges:
    """Record labels and new names for all of `changes`, or for none of them."""
    at, unusable = utc_now(), list[Message]()
    with catalog.transaction():
        for folder in changes.renamed:
            _rename(catalog, folder, at=at)
        labels = {move.image_id: _label(move.image_id, folder_of(move.new), at=at) for move in changes.moved}
        settle(catalog, list(labels), Settled.LEARNED)
        for added in changes.added:
            image_id = adopt(catalog, library, added, max_megapixels=max_megapixels)
            if image_id is None:
                leave_unlabeled(catalog, [added.path])
                unusable.append(_no_label(added))
            else:
                labels[image_id] = _label(image_id, folder_of(added.path), at=at)
        good, complaints = _with_usable_names(
            catalog, library, [label for label in labels.values() if label is not None]
        )
        annotation_log.add_all(catalog, good)
    renamed = tuple((folder.old, folder.new) for folder in changes.renamed)
    return LearnedChanges(labeled=len(good), renamed=renamed, unusable=(*unusable, *complaints))


def _no_label(added: AddedFile) -> Message:
    return Message("{path}: no label, for it cannot be read or is a copy", path=to_path(added.path))


def _renamed_folders(catalog: Catalog, library: Path, moves: Sequence[ManualMove]) -> list[RenamedFolder]:
    """Folders of categories that are gone, all of whose images are, as they were in it, in one folder that was new.

    The name of another category of the model is no new name: what is in that folder now is of that category. Only the
    name that the category had before is, since it is taken back by that.
    """
    to: dict[bytes, Counter[bytes]] = defaultdict(Counter)
    of: dict[tuple[bytes, bytes], list[ManualMove]] = defaultdict(list)
    for move in moves:
        (old, _, inner), (new, _, inner_now) = move.old.partition(b"/"), move.new.partition(b"/")
        to[old][new if inner == inner_now else b""] += 1
        of[old, new].append(move)
    found, names = [], read_aliases(catalog)
    known = _categories_of_model(catalog) | set(names.made)
    for old, targets in to.items():
        new = next(iter(targets))
        if len(targets) != 1 or not new or not all(map(_is_category, (old, new))):
            continue
        image_ids = tuple(move.image_id for move in of[old, new])
        if os.path.lexists(library / to_path(old)) or count_places_in(catalog, old):
            continue
        before, after = nfc(os.fsdecode(old)), nfc(os.fsdecode(new))
        is_new = after not in known and not has_others(catalog, after, image_ids)
        if (is_new or names.resolve(after) == before) and count_places_in(catalog, new) == len(image_ids):
            found.append(RenamedFolder(old=before, new=after, image_ids=image_ids))
    return found


def _categories_of_model(catalog: Catalog) -> frozenset[str]:
    """Those of the last model as it names them; none where it is gone."""
    last = last_sort(catalog)
    try:
        return frozenset() if last is None else frozenset(load_manifest(last[1]).categories)
    except ModelError:
        return frozenset()


def _is_category(folder: bytes) -> bool:
    decided = decision_for_folder(folder)
    return decided is not None and decided[0] is Action.FILE


def _rename(catalog: Catalog, folder: RenamedFolder, *, at: str) -> None:
    categories.rename(catalog, folder.old, folder.new, at=at, step=None)
    rename_category(catalog, folder.old, folder.new)
    settle(catalog, folder.image_ids, Settled.RENAMED)


def _label(image_id: ImageId, folder: bytes, *, at: str) -> Annotation | None:
    """What an image's folder says about it; nothing in `_review`, where it waits for a person."""
    decided = decision_for_folder(folder)
    if decided is None or decided[0] is Action.REVIEW:
        return None
    is_filed = decided[0] is Action.FILE
    return Annotation(
        image_id=image_id,
        kind=AnnotationKind.RIGHT if is_filed else AnnotationKind.NONE,
        category=decided[1] if is_filed else None,
        origin=ORIGIN,
        at=at,
        selection=Selection.PERSON,
    )


def _with_usable_names(
    catalog: Catalog, library: Path, labels: Sequence[Annotation]
) -> tuple[list[Annotation], list[Message]]:
    """The labels whose category may be one, new ones among them recorded, and why the others may not."""
    of_category: dict[str, list[ImageId]] = defaultdict(list)
    for label in labels:
        if label.category is not None:
            of_category[label.category].append(label.image_id)
    made = read_aliases(catalog).made
    new = [name for name, ids in of_category.items() if name not in made and not has_others(catalog, name, ids)]
    known = [name for name in used_categories(catalog) if name not in new]
    good, complaints = usable_names(sorted(new), [*known, *made], where=str(library))
    categories.make(catalog, good, at=utc_now())
    refused = set(new) - set(good)
    return [label for label in labels if label.category not in refused], complaints
