"""Images that a person moved from one folder of a library to another.

An image moved by hand stays there: no later decision moves it, unless the person annotates it again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.values import select_many, utc_now
from classifier.reasons import ReasonCode
from classifier.records import Action

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from classifier.catalog.connection import Catalog
    from classifier.catalog.places import LibraryFile
    from classifier.records import ImageId

_MOVED: Final = """
SELECT hand_moves.picture, old, new, path FROM hand_moves JOIN places ON places.picture = hand_moves.picture
WHERE NOT EXISTS (
    SELECT 1 FROM verdicts WHERE verdicts.picture = hand_moves.picture AND verdicts.id > hand_moves.last_verdict)
{condition} ORDER BY hand_moves.id
"""


def record_move(connection: sqlite3.Connection, old: LibraryFile, new: LibraryFile) -> None:
    """Record both paths; an image that is now in another folder gets the decision of that folder."""
    if new.beside is not None:
        return
    connection.execute(
        "INSERT INTO hand_moves (picture, old, new, last_verdict, at) "
        "VALUES (?, ?, ?, (SELECT coalesce(max(id), 0) FROM verdicts), ?)",
        (new.image_id, old.path, new.path, utc_now()),
    )
    decided = decision_for_folder(_folder(new.path))
    if decided is not None and _folder(old.path) != _folder(new.path):
        action, category = decided
        connection.execute(
            "INSERT INTO decisions (picture, run, action, category, confidence, reason_code, reason_params) "
            "VALUES (?1, 0, ?2, ?3, 0, ?4, '{}') ON CONFLICT (picture) DO UPDATE "
            "SET action = ?2, category = ?3, reason_code = ?4, reason_params = '{}'",
            (new.image_id, action.value, category, ReasonCode.MOVED_BY_PERSON.value),
        )


def current_path(catalog: Catalog, image_id: ImageId, path: bytes) -> bytes:
    """Where a person moved the image placed at `path`; `path` itself if nobody did."""
    rows = catalog.connection.execute("SELECT old, new FROM hand_moves WHERE picture = ? ORDER BY id", (image_id,))
    for old, new in rows:
        path = new if old == path else path
    return path


def manually_placed(catalog: Catalog, image_ids: Sequence[ImageId] | None = None) -> dict[ImageId, bytes]:
    """Those of `image_ids` (None: all) that were moved by hand and not annotated since, with their folder."""
    if image_ids is None:
        rows: Iterator[Any] = catalog.connection.execute(_MOVED.format(condition=""))
    else:
        rows = select_many(catalog, _MOVED.format(condition="AND hand_moves.picture IN {pictures}"), image_ids)
    put: dict[ImageId, bytes] = {}
    ends: dict[ImageId, tuple[bytes, bytes]] = {}
    for image_id, old, new, path in rows:
        if image_id in ends and ends[image_id][0] != old:
            put.pop(image_id, None)  # illsort moved it in between
        ends[image_id] = (new, path)
        if _folder(old) != _folder(new):
            put[image_id] = _folder(new)
    return {image_id: folder for image_id, folder in put.items() if ends[image_id][0] == ends[image_id][1]}


def decision_for_folder(folder: bytes) -> tuple[Action, str] | None:
    """The decision that a folder stands for: file, review with a best guess, or unknown; None at the top."""
    first, *rest = os.fsdecode(folder).split("/")
    if first == "_review":
        return Action.REVIEW, "/".join(rest[:1])
    if first == "_unknown":
        return Action.UNKNOWN, ""
    return None if not first or first[0] in "._" else (Action.FILE, first)


def _folder(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]
