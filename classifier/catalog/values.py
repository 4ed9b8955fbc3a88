"""How values are stored: paths as bytes, times and messages as text; and queries about many images, in chunks."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import Message, SystemMessage
from classifier.paths import displayable, to_json
from classifier.records import ImageFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId


def to_bytes(path: Path) -> bytes:
    """A path as the catalog stores it."""
    return os.fsencode(path.as_posix())


def to_path(kept: bytes) -> Path:
    """The path that the catalog stores as `kept`."""
    return Path(os.fsdecode(kept))


def below(folder: bytes) -> tuple[bytes, bytes]:
    """The bounds, both exclusive, of the stored paths in a folder and its subfolders: "0" is what follows "/"."""
    return folder + b"/", folder + b"0"


def column_of(field: str) -> str:
    """The column that holds a field of a record: ids of images are in the columns `picture`."""
    return "picture" if field == "image_id" else field


def field_of(column: str) -> str:
    """The field of a record that a column holds; the inverse of `column_of`."""
    return "image_id" if column == "picture" else column


def to_image_file(path: Path, size_bytes: int, mtime_ns: int, inode: str, device: str) -> ImageFile:
    """The record of a file from the columns of a row, which hold inode and device as text."""
    return ImageFile(path=path, size_bytes=size_bytes, mtime_ns=mtime_ns, inode=int(inode), device=int(device))


def utc_now(timespec: str = "seconds") -> str:
    """The time in UTC, down to `timespec`."""
    return datetime.now(UTC).isoformat(timespec=timespec)


def to_note(message: str) -> str:
    """A message as the catalog stores it: as JSON of its parts if it has any, for translation."""
    if isinstance(message, SystemMessage) or (isinstance(message, Message) and message.params):
        with suppress(TypeError):  # a parameter that is not of JSON
            return to_json(message.as_dict(), ascii_only=True)
    return displayable(message)


def to_message(note: str) -> str:
    """The message that the catalog stores as `note`; earlier versions stored only the English text."""
    if note.startswith('{"template": '):
        with suppress(LookupError, TypeError, ValueError, AttributeError, RecursionError):
            return Message.from_dict(json.loads(note))
    return note


_CHUNK: Final = 500  # below the least number of values that SQLite takes in one statement


def select_many(
    catalog: Catalog, query: str, image_ids: Sequence[ImageId], *, before: Sequence[Any] = ()
) -> Iterator[Any]:
    """The rows of `query` for `image_ids`, part by part; it contains `IN {pictures}`.

    `before` are the values of the placeholders before that.
    """
    for start in range(0, len(image_ids), _CHUNK):
        part = image_ids[start : start + _CHUNK]
        marks = ", ".join("?" for _ in part)
        yield from catalog.connection.execute(query.replace("{pictures}", f"({marks})"), (*before, *part)).fetchall()
