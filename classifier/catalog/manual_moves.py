"""Images that a person moved from one folder of a library to another.

An image moved by hand stays there: no later decision moves it, unless the person annotates it again. What the move
says about the image is learned once the person agrees: it is settled then, as it is when they do not want that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.category_folders import read_known
from classifier.catalog.values import select_many, utc_now
from classifier.reasons import ReasonCode
from classifier.records import Action, AnnotationKind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from classifier.catalog.category_folders import KnownCategories
    from classifier.catalog.connection import Catalog
    from classifier.catalog.places import LibraryFile
    from classifier.records import Annotation, ImageId

ORIGIN: Final = "file manager"
"""The origin of annotations that follow from what a person did to the files of a library."""


class Settled(StrEnum):
    """What became of a move by hand: learned from, left as it is, or part of a folder that was renamed.

    A renamed folder is its category's new name, so that its images are not in a folder of their own.
    """

    LEARNED = "learned"
    LEFT = "left"
    RENAMED = "renamed"


_MOVED: Final = """
SELECT hand_moves.picture, old, new, path, settled FROM hand_moves
JOIN places ON places.picture = hand_moves.picture
WHERE NOT EXISTS (
    SELECT 1 FROM verdicts AS v WHERE v.picture = hand_moves.picture AND v.id > hand_moves.last_verdict
    AND v.said NOT IN ('taken back', 'skipped') {of_verdict} AND NOT EXISTS (
        SELECT 1 FROM verdicts AS back WHERE back.picture = v.picture AND back.origin = v.origin
        AND back.said = 'taken back' AND back.id > v.id AND 0 < (
            SELECT sum(CASE between_.said WHEN 'taken back' THEN 1 ELSE -1 END) FROM verdicts AS between_
            WHERE between_.picture = v.picture AND between_.origin = v.origin
            AND between_.id > v.id AND between_.id <= back.id)))
{condition} ORDER BY hand_moves.id
"""
"""With the images that no annotation that stands was made of since: as `without_retracted` pairs them."""

_NO_LABELS: Final = f"""
SELECT places.path FROM places JOIN decisions ON decisions.picture = places.picture
WHERE action = '{Action.FILE}' AND coalesce(reason_code, '') != ? AND (coalesce(reason_code, '') != ?
    OR places.picture IN (SELECT picture FROM hand_moves WHERE settled = ?))
"""  # noqa: S608 - a constant

_NOT_LEARNED: Final = f"AND v.origin != '{ORIGIN}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualMove:
    """An image that a person moved from `old` to `new`, paths within the library."""

    image_id: ImageId
    old: bytes
    new: bytes


def record_moves(connection: sqlite3.Connection, files: Sequence[tuple[LibraryFile, LibraryFile]]) -> None:
    """Record both paths of each image whose path differs; one that is in another folder now gets its decision.

    A copy that was taken out of `_duplicates` is kept by itself, and the others stay as they are.
    """
    known = read_known(connection)
    for old, new in files:
        if new.beside is not None or old.path == new.path:
            continue
        connection.execute(
            "INSERT INTO hand_moves (picture, old, new, last_verdict, at) "
            "VALUES (?, ?, ?, (SELECT coalesce(max(id), 0) FROM verdicts), ?)",
            (new.image_id, old.path, new.path, utc_now()),
        )
        if folder_of(old.path) != folder_of(new.path):
            _decide_by_folder(connection, new, known)
            if _is_copy(old, known) and not _is_copy(new, known):
                _keep_alone(connection, new.image_id)


def _keep_alone(connection: sqlite3.Connection, image_id: ImageId) -> None:
    """File the image by itself; outside of all categories its folder has made no decision."""
    connection.execute("UPDATE copies SET kept = 1 WHERE picture = ?", (image_id,))
    connection.execute(
        "UPDATE decisions SET action = ?, reason_code = ?, reason_params = '{}' WHERE picture = ? AND action = ?",
        (Action.FILE.value, ReasonCode.MOVED_BY_PERSON.value, image_id, Action.DUPLICATE.value),
    )


def _is_copy(place: LibraryFile, known: KnownCategories) -> bool:
    """Whether its folder is in `_duplicates`."""
    decided = known.decision_for(folder_of(place.path))
    return decided is not None and decided[0] is Action.DUPLICATE


def record_added(connection: sqlite3.Connection, place: LibraryFile, known: KnownCategories) -> None:
    """Record that a person put the image there from elsewhere, which is settled: it gets its folder's decision."""
    connection.execute(
        "INSERT INTO hand_moves (picture, old, new, last_verdict, at, settled) "
        "VALUES (?, ?, ?, (SELECT coalesce(max(id), 0) FROM verdicts), ?, ?)",
        (place.image_id, b"", place.path, utc_now(), Settled.LEARNED.value),
    )
    _decide_by_folder(connection, place, known)


def _decide_by_folder(connection: sqlite3.Connection, place: LibraryFile, known: KnownCategories) -> None:
    if (decided := known.decision_for(folder_of(place.path))) is not None:
        action, category = decided
        connection.execute(
            "INSERT INTO decisions (picture, run, action, category, confidence, reason_code, reason_params) "
            "VALUES (?1, 0, ?2, ?3, 0, ?4, '{}') ON CONFLICT (picture) DO UPDATE "
            "SET action = ?2, category = ?3, reason_code = ?4, reason_params = '{}'",
            (place.image_id, action.value, category, ReasonCode.MOVED_BY_PERSON.value),
        )


def repeats_label(annotation: Annotation, category: str) -> bool:
    """Whether it only says what the folder says in which a person put the image: that is the label, no answer to it."""
    return (annotation.origin, annotation.kind, annotation.category) == (ORIGIN, AnnotationKind.RIGHT, category)


def current_path(catalog: Catalog, image_id: ImageId, path: bytes) -> bytes:
    """Where a person moved the image placed at `path`; `path` itself if nobody did."""
    rows = catalog.connection.execute("SELECT old, new FROM hand_moves WHERE picture = ? ORDER BY id", (image_id,))
    for old, new in rows:
        path = new if old == path else path
    return path


def folder_after_renaming(catalog: Catalog, image_id: ImageId, folder: bytes) -> bytes:
    """What the folder is called now in which the image was, if a person renamed it while it was there."""
    rows = catalog.connection.execute(
        "SELECT old, new FROM hand_moves WHERE picture = ? AND settled = ? ORDER BY id",
        (image_id, Settled.RENAMED.value),
    )
    for old, new in rows:
        folder = folder_of(new) if folder_of(old) == folder else folder
    return folder


def folder_by_hand(catalog: Catalog, image_id: ImageId) -> bytes | None:
    """Where a person last put the image."""
    query = "SELECT new FROM hand_moves WHERE picture = ? ORDER BY id DESC LIMIT 1"
    row = catalog.connection.execute(query, (image_id,)).fetchone()
    return None if row is None else folder_of(row[0])


def manually_placed(catalog: Catalog, image_ids: Sequence[ImageId] | None = None) -> dict[ImageId, bytes]:
    """Those of `image_ids` (None: all) that were moved by hand and not annotated elsewhere since, with their folder."""
    return _put_by_hand(catalog, image_ids, of_verdict=_NOT_LEARNED)


def moved_since_annotated(catalog: Catalog, image_ids: Sequence[ImageId]) -> frozenset[ImageId]:
    """Those of `image_ids` that were moved by hand after their last annotation, whatever that follows from."""
    return frozenset(_put_by_hand(catalog, image_ids, of_verdict=""))


def unsettled(catalog: Catalog) -> list[ManualMove]:
    """The images in a folder of another decision than before a person moved them, about which nothing is settled.

    Outside of all categories, as at the top of the library or in `_duplicates`, a place says nothing about an image.
    """
    rows = catalog.connection.execute(
        "SELECT hand_moves.picture, old, path FROM hand_moves JOIN places ON places.picture = hand_moves.picture "
        "WHERE settled IS NULL ORDER BY hand_moves.id"
    ).fetchall()
    first: dict[ImageId, ManualMove] = {}
    for image_id, old, path in rows:
        first.setdefault(image_id, ManualMove(image_id=image_id, old=old, new=path))
    put = manually_placed(catalog, list(first)) if first else {}
    if not put:
        return []
    known = read_known(catalog.connection)
    return [move for move in first.values() if move.image_id in put and _says_something(move, known)]


def _says_something(move: ManualMove, known: KnownCategories) -> bool:
    now = known.decision_for(folder_of(move.new))
    if now is None or now[0] is Action.DUPLICATE:
        return False
    return now != known.decision_for(folder_of(move.old))


def paths_that_are_no_labels(catalog: Catalog) -> frozenset[bytes]:
    """Where the images are that no person put into a category, or of which one said that they are no labels."""
    rows = catalog.connection.execute(_NO_LABELS, (ReasonCode.ANNOTATED, ReasonCode.MOVED_BY_PERSON, Settled.LEFT))
    return frozenset(path for (path,) in rows) | {path for path, _, _ in left_unlabeled(catalog)}


def settle(catalog: Catalog, image_ids: Sequence[ImageId], how: Settled) -> None:
    """Record what became of all moves of these images so far; the caller holds the transaction."""
    catalog.connection.executemany(
        "UPDATE hand_moves SET settled = ? WHERE picture = ? AND settled IS NULL",
        [(how.value, image_id) for image_id in image_ids],
    )


def reopen(catalog: Catalog) -> None:
    """Ask again about all that was left as it was."""
    with catalog.transaction() as connection:
        connection.execute("UPDATE hand_moves SET settled = NULL WHERE settled = ?", (Settled.LEFT.value,))
        connection.execute("DELETE FROM no_labels")


def leave_unlabeled(catalog: Catalog, files: Iterable[tuple[bytes, int, int]]) -> None:
    """Record that files which a person put in are no labels: path, size and time, for another file may come there.

    The caller holds the transaction.
    """
    catalog.connection.executemany("INSERT OR REPLACE INTO no_labels VALUES (?, ?, ?)", files)


def left_unlabeled(catalog: Catalog) -> set[tuple[bytes, int, int]]:
    """The files that were left so, with size and time."""
    return set(catalog.connection.execute("SELECT path, size_bytes, mtime_ns FROM no_labels"))


def _put_by_hand(catalog: Catalog, image_ids: Sequence[ImageId] | None, *, of_verdict: str) -> dict[ImageId, bytes]:
    if image_ids is None:
        rows: Iterator[Any] = catalog.connection.execute(_MOVED.format(condition="", of_verdict=of_verdict))
    else:
        query = _MOVED.format(condition="AND hand_moves.picture IN {pictures}", of_verdict=of_verdict)
        rows = select_many(catalog, query, image_ids)
    put: dict[ImageId, bytes] = {}
    ends: dict[ImageId, tuple[bytes, bytes]] = {}
    for image_id, old, new, path, settled in rows:
        if image_id in ends and ends[image_id][0] != old:
            put.pop(image_id, None)  # illsort moved it in between
        ends[image_id] = (new, path)
        # With its folder's new name an image is put by hand only if it was so under the old one.
        if folder_of(old) != folder_of(new) and (settled != Settled.RENAMED or image_id in put):
            put[image_id] = folder_of(new)
    return {image_id: folder for image_id, folder in put.items() if ends[image_id][0] == ends[image_id][1]}


def folder_of(path: bytes) -> bytes:
    """The folder of a path within the library; empty at the top."""
    return path.rpartition(b"/")[0]
