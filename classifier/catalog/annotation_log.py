"""Annotations: what people said about images. Rows are added, never changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from classifier.catalog.categories import nfc
from classifier.catalog.manual_moves import moved_since_annotated
from classifier.catalog.values import select_many
from classifier.records import Annotation, AnnotationKind, ImageId, Selection

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from classifier.catalog.connection import Catalog

T = TypeVar("T")

_COLUMNS = "id, picture, said, category, origin, audit, at, step, selection"


def add(catalog: Catalog, annotation: Annotation) -> Annotation:
    """Record an annotation durably; returns it with its id."""
    return add_all(catalog, [annotation])[0]


def add_all(catalog: Catalog, annotations: Iterable[Annotation]) -> list[Annotation]:
    """Record annotations durably, all or none; returns them with their ids."""
    with catalog.transaction() as connection:
        return [replace(annotation, id=_insert(connection, annotation)) for annotation in annotations]


def latest(catalog: Catalog, image_ids: Sequence[ImageId] | None = None) -> dict[ImageId, Annotation]:
    """The current annotation of each of `image_ids` (None: of all annotated ones): the last that was not retracted.

    Skipped questions and retracted annotations change nothing. An image that a person has moved within the library
    since its last annotation has none.
    """
    return exclude_moved(catalog, current(of_images(catalog, image_ids)))


def exclude_moved(catalog: Catalog, held: dict[ImageId, T]) -> dict[ImageId, T]:
    """`held` without the images that a person has moved since their last annotation."""
    moved = moved_since_annotated(catalog, list(held))
    return {image_id: of_it for image_id, of_it in held.items() if image_id not in moved}


def current(annotations: Iterable[Annotation]) -> dict[ImageId, Annotation]:
    """The current annotation of each image, given all of them, oldest first."""
    kept = {
        image_id: [one for one in of_it if one.kind is not AnnotationKind.SKIPPED]
        for image_id, of_it in without_retracted(annotations).items()
    }
    return {image_id: of_it[-1] for image_id, of_it in kept.items() if of_it}


def ruled_out(annotations: Iterable[Annotation]) -> dict[ImageId, frozenset[str]]:
    """The categories ruled out for each image, given all annotations, oldest first.

    A category that the image was later annotated with is not among them. Names are as they were when annotated.
    """
    found: dict[ImageId, frozenset[str]] = {}
    for image_id, of_it in without_retracted(annotations).items():
        last = {one.category: one.kind for one in of_it if one.kind in {AnnotationKind.RIGHT, AnnotationKind.WRONG}}
        if out := frozenset(name for name, word in last.items() if name is not None and word is AnnotationKind.WRONG):
            found[image_id] = out
    return found


def rename_category(
    catalog: Catalog, old: str, new: str, *, origin: str, at: str, step: int | None = None, merges: bool = False
) -> list[Annotation]:
    """Store the latest annotations about `old` again about `new`; returns them. The caller holds the transaction.

    Where `merges`, `new` is another category too, which what is not of `old` may be of.
    """
    out = {} if merges else ruled_out(of_images(catalog))
    held = [
        one
        for one in latest(catalog).values()
        if (one.kind is AnnotationKind.RIGHT and one.category == old)
        or (one.kind is AnnotationKind.WRONG and old in out.get(one.image_id, ()))
    ]
    return add_all(
        catalog, [replace(one, category=new, origin=origin, audit=None, at=at, id=0, step=step) for one in held]
    )


def judged_wrong(catalog: Catalog) -> list[ImageId]:
    """The images for which a category was ever ruled out."""
    rows = catalog.connection.execute("SELECT DISTINCT picture FROM verdicts WHERE said = ?", (AnnotationKind.WRONG,))
    return [ImageId(image_id) for (image_id,) in rows]


def without_retracted(annotations: Iterable[Annotation]) -> dict[ImageId, list[Annotation]]:
    """The annotations of each image that are not retracted, oldest first.

    A retraction removes the last annotation of its own origin.
    """
    found: dict[ImageId, list[Annotation]] = {}
    for annotation in annotations:
        of_it = found.setdefault(annotation.image_id, [])
        if annotation.kind is not AnnotationKind.TAKEN_BACK:
            of_it.append(annotation)
            continue
        own = [number for number, one in enumerate(of_it) if one.origin == annotation.origin]
        if own:
            del of_it[own[-1]]
    return found


def of_images(catalog: Catalog, image_ids: Sequence[ImageId] | None = None) -> Iterator[Annotation]:
    """Every annotation of `image_ids` (None: of all), in the order in which they were made."""
    if image_ids is None:
        yield from map(_annotation, catalog.connection.execute(f"SELECT {_COLUMNS} FROM verdicts ORDER BY id"))  # noqa: S608
        return
    query = f"SELECT {_COLUMNS} FROM verdicts WHERE picture IN {{pictures}} ORDER BY id"  # noqa: S608 - our own names
    yield from map(_annotation, select_many(catalog, query, image_ids))


def of_origin(catalog: Catalog, origin: str) -> list[Annotation]:
    """Every annotation of one origin, in the order in which they were made."""
    rows = catalog.connection.execute(f"SELECT {_COLUMNS} FROM verdicts WHERE origin = ? ORDER BY id", (origin,))  # noqa: S608
    return [_annotation(row) for row in rows]


def of_audit(catalog: Catalog, audit: int) -> list[Annotation]:
    """Every annotation of one audit, in the order in which they were made."""
    rows = catalog.connection.execute(f"SELECT {_COLUMNS} FROM verdicts WHERE audit = ? ORDER BY id", (audit,))  # noqa: S608
    return [_annotation(row) for row in rows]


def newest_id(catalog: Catalog) -> int:
    """The id of the last annotation; 0 before the first."""
    (number,) = catalog.connection.execute("SELECT coalesce(max(id), 0) FROM verdicts").fetchone()
    return int(number)


def count(catalog: Catalog) -> int:
    """How many images have a current annotation."""
    return len(latest(catalog))


def _insert(connection: sqlite3.Connection, annotation: Annotation) -> int:
    values = (
        annotation.image_id,
        annotation.kind,
        annotation.category,
        annotation.origin,
        annotation.audit,
        annotation.at,
        annotation.step,
        annotation.selection,
    )
    cursor = connection.execute(
        "INSERT INTO verdicts (picture, said, category, origin, audit, at, step, selection) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    return int(cursor.lastrowid or 0)


def _annotation(row: Sequence[object]) -> Annotation:
    number, image_id, kind, category, origin, audit, at, step, selection = row
    return Annotation(
        id=int(str(number)),
        image_id=ImageId(str(image_id)),
        kind=AnnotationKind(str(kind)),
        category=None if category is None else nfc(str(category)),
        origin=str(origin),
        audit=None if audit is None else int(str(audit)),
        at=str(at),
        step=None if step is None else int(str(step)),
        selection=None if selection is None else Selection(str(selection)),
    )


def begin_step(catalog: Catalog, *, at: str) -> int:
    """Record a new step of the review page, made at the time `at`; returns its number, greater than all before.

    A step is undone as a whole. The number says which came last; the clock does not, for it can be set back.
    """
    with catalog.transaction() as connection:
        return int(connection.execute("INSERT INTO steps (at) VALUES (?)", (at,)).lastrowid or 0)
