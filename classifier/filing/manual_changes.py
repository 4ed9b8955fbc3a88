"""What a person did to a library in the file manager, and the labels that follow from it once the person agrees.

An image that was moved to the folder of another category is of that category, one moved to `_unknown` of none. An image
that was put into a category's folder is of that category. What was deleted says nothing about a category: it is only
never filed again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from classifier.catalog import annotation_log, categories
from classifier.catalog.categories import nfc, read_aliases
from classifier.catalog.category_folders import read_known
from classifier.catalog.decisions import has_others, used_categories
from classifier.catalog.manual_moves import (
    ORIGIN,
    ManualMove,
    Settled,
    folder_of,
    leave_unlabeled,
    settle,
    unsettled,
)
from classifier.catalog.runs import SORT, has_run_of_kind
from classifier.catalog.values import to_path, utc_now
from classifier.category_names import SEPARATOR
from classifier.errors import Counted, Message
from classifier.filing.added_files import AddedFile, added_files, adopt, read_added
from classifier.labels.from_annotations import usable_names
from classifier.paths import to_text
from classifier.records import Action, Annotation, AnnotationKind, ImageId, Selection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualChanges:
    """What a person did and was not asked about."""

    moved: tuple[ManualMove, ...] = ()
    added: tuple[AddedFile, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is anything to ask about."""
        return bool(self.moved or self.added)

    @property
    def summary(self) -> Message:
        """What was done, by number."""
        parts: list[Message] = [
            Counted("{count:,} picture moved", "{count:,} pictures moved", count=len(self.moved)),
            Counted("{count:,} picture put in", "{count:,} pictures put in", count=len(self.added)),
        ]
        return reduce(
            lambda first, then: Message("{first}, {then}", first=first, then=then),
            [part for part in parts if part.params["count"]],
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the number of images by the folder that they are in now."""
        return {
            "moved": dict(Counter(to_text(to_path(folder_of(move.new))) for move in self.moved)),
            "added": dict(Counter(one.category for one in self.added)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedChanges:
    """How many images were labeled, and what is no label: files put in, and folders whose name no category can have."""

    labeled: int
    unusable: tuple[Message, ...]


def manual_changes(catalog: Catalog, library: Path) -> ManualChanges:
    """What a person did to `library` and was not asked about; call it once the catalog agrees with the disk.

    Nothing in a library that was never sorted into, such as that of `illsort label`: its folders are labels anyway.
    """
    if not has_run_of_kind(catalog, SORT):
        return ManualChanges()
    return ManualChanges(moved=tuple(unsettled(catalog)), added=tuple(added_files(catalog, library)))


def leave(catalog: Catalog, changes: ManualChanges) -> None:
    """Learn nothing from `changes`, now and later; everything stays where it is."""
    with catalog.transaction():
        settle(catalog, [move.image_id for move in changes.moved], Settled.LEFT)
        leave_unlabeled(catalog, [added.key for added in changes.added])


def learn(
    catalog: Catalog, library: Path, changes: ManualChanges, *, max_megapixels: float, progress: Progress
) -> LearnedChanges:
    """Record labels for all of `changes`, or for none of them; files that are still being written wait."""
    with progress.stage(Message("reading what was put in"), total=len(changes.added), unit="picture") as stage:
        read, unusable = read_added(changes.added, max_megapixels=max_megapixels, stage=stage)
    at = utc_now()
    with catalog.transaction():
        known = read_known(catalog.connection)
        settle(catalog, [move.image_id for move in changes.moved], Settled.LEARNED)
        adopted, copies = adopt(catalog, read)
        unusable += copies
        leave_unlabeled(catalog, [added.key for added, _ in unusable])
        folders = {move.image_id: folder_of(move.new) for move in changes.moved}
        folders |= {image_id: folder_of(added.path) for image_id, added in adopted.items()}
        labels = [_label(image_id, known.decision_for(folder), at=at) for image_id, folder in folders.items()]
        good, complaints = _with_usable_names(catalog, library, [label for label in labels if label is not None])
        annotation_log.add_all(catalog, good)
    return LearnedChanges(labeled=len(good), unusable=(*(why for _, why in unusable), *complaints))


def adopt_labels(
    catalog: Catalog, library: Path, names: Sequence[str], *, max_megapixels: float, progress: Progress
) -> None:
    """Take the labels of a model as images of the library that it sorts into for the first time, and as labels there.

    A person sorted that folder by hand, and named it to learn from: there is nothing to ask. `names` are the model's
    categories; which folders are nested ones is known by them.
    """
    if has_run_of_kind(catalog, SORT):
        return
    categories.make(catalog, [name for name in names if SEPARATOR in name], at=utc_now())
    changes = ManualChanges(added=tuple(added_files(catalog, library)))
    if not changes.added:
        return
    learned = learn(catalog, library, changes, max_megapixels=max_megapixels, progress=progress)
    for sentence in learned.unusable:
        progress.say(sentence)
    progress.say(
        Counted(
            "{library}: {count:,} picture that you sorted is of the library, and a label of it",
            "{library}: {count:,} pictures that you sorted are of the library, and labels of it",
            count=learned.labeled,
            library=library,
        )
    )


def _label(image_id: ImageId, decided: tuple[Action, str] | None, *, at: str) -> Annotation | None:
    """What the decision of an image's folder says about it; nothing in `_review`, where it waits, or `_duplicates`."""
    if decided is None or decided[0] in {Action.REVIEW, Action.DUPLICATE}:
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
    names = read_aliases(catalog)
    old = [name for name in of_category if names.resolve(name) != nfc(name)]
    new = [name for name, ids in of_category.items() if name not in names.made and not has_others(catalog, name, ids)]
    known = [name for name in used_categories(catalog) if name not in new]
    good, complaints = usable_names(sorted(set(new) - set(old)), [*known, *names.made], where=str(library))
    categories.make(catalog, good, at=utc_now())
    refused = {*new, *old} - set(good)
    complaints += [_old_name(name, names.resolve(name)) for name in old]
    return [label for label in labels if label.category not in refused], complaints


def _old_name(old: str, now: str) -> Message:
    return Message(
        "the folder {old} makes no labels, for the category {now} was called so before; give it another name",
        old=old,
        now=now,
    )
