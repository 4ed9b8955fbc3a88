"""Every image of a library with what is recorded of it, read in parts: memory does not grow with the library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog import annotation_log
from classifier.catalog.decisions import decision_from_row
from classifier.catalog.values import to_path
from classifier.records import Annotation, Decision, ImageId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.connection import Catalog

_AT_ONCE: Final = 1000

# By path, in which order an index has them. A symbolic link has its own size in `places`.
_IMAGES: Final = """
SELECT places.path, places.source, places.picture, predictions.logits,
    coalesce(pictures.size_bytes, places.size_bytes), pictures.width, pictures.height,
    decisions.action, decisions.category, decisions.confidence, decisions.reason_code, decisions.reason_params
FROM places
LEFT JOIN pictures ON pictures.id = places.picture
LEFT JOIN decisions ON decisions.picture = places.picture
LEFT JOIN predictions ON predictions.model = ? AND predictions.picture = places.picture
ORDER BY places.path
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryImage:
    """An image of the library; `path` is relative to it, `source` the file that it came from.

    `logits` are those of one model as stored, None where none are kept. `annotation` is the current one. Width and
    height are None for an image that was never decoded.
    """

    image_id: ImageId
    path: Path
    source: Path
    decision: Decision | None
    annotation: Annotation | None
    logits: bytes | None
    size_bytes: int
    width: int | None
    height: int | None


def library_images(catalog: Catalog, *, model: str) -> Iterator[LibraryImage]:
    """Every image of the library, by path, with the logits of `model`."""
    rows = catalog.connection.execute(_IMAGES, (model,))
    while part := rows.fetchmany(_AT_ONCE):
        annotated = annotation_log.latest(catalog, [ImageId(row[2]) for row in part])
        for row in part:
            yield _image(row, annotated.get(ImageId(row[2])))


def count_library_images(catalog: Catalog) -> int:
    """How many images are in the library."""
    (count,) = catalog.connection.execute("SELECT count(*) FROM places").fetchone()
    return int(count)


def _image(row: tuple[Any, ...], annotation: Annotation | None) -> LibraryImage:
    path, source, image_id, logits, size_bytes, width, height, *decided = row
    return LibraryImage(
        image_id=ImageId(image_id),
        path=to_path(path),
        source=to_path(source),
        decision=None if decided[0] is None else decision_from_row((image_id, *decided)),
        annotation=annotation,
        logits=logits,
        size_bytes=size_bytes,
        width=width,
        height=height,
    )
