"""The images of a library in the order of their ids, in which a person is asked about some that nobody chose.

An id is a hash of the content, so the images with the lowest ids are a simple random sample of all, however far the
order was followed, if each of them was asked about. Only what a crawl holds is asked, filed or waiting; nothing in
a library whose pictures a model had a part in choosing (`chosen_pictures`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.catalog import annotation_log
from classifier.records import AnnotationKind, ImageId, Selection

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from classifier.catalog.connection import Catalog

_PART: Final = 200
_OF_CRAWLS: Final = """
SELECT d.picture FROM decisions AS d CROSS JOIN places ON places.picture = d.picture
WHERE d.action IN ('file', 'review', 'unknown')
AND EXISTS (SELECT 1 FROM files WHERE files.picture = d.picture AND files.failure_kind IS NULL)
AND NOT EXISTS (SELECT 1 FROM chosen_from)
"""
_NAMED: Final = frozenset({AnnotationKind.RIGHT, AnnotationKind.NONE})


def next_by_chance(catalog: Catalog, *, limit: int, labels: Container[ImageId] = ()) -> list[ImageId]:
    """The next images to be asked about, in their order: those that nobody named, or skipped when asked so.

    Those in `labels` are named elsewhere.
    """
    found: list[ImageId] = []
    last = ""
    while len(found) < limit:
        query = f"{_OF_CRAWLS} AND d.picture > ? ORDER BY d.picture LIMIT ?"
        part = [ImageId(image_id) for (image_id,) in catalog.connection.execute(query, (last, _PART))]
        if not part:
            break
        last = part[-1]
        found += [image_id for image_id in _unanswered(catalog, part) if image_id not in labels]
    return found[:limit]


def images_up_to(catalog: Catalog, last: ImageId) -> list[ImageId]:
    """All images of the order up to `last`."""
    query = f"{_OF_CRAWLS} AND d.picture <= ? ORDER BY d.picture"
    return [ImageId(image_id) for (image_id,) in catalog.connection.execute(query, (last,))]


def asked_by_chance(catalog: Catalog) -> frozenset[ImageId]:
    """The images that a person was ever asked about in this order, also where they took the answer back."""
    rows = catalog.connection.execute("SELECT DISTINCT picture FROM verdicts WHERE selection = ?", (Selection.CHANCE,))
    return frozenset(ImageId(image_id) for (image_id,) in rows)


def _unanswered(catalog: Catalog, image_ids: Sequence[ImageId]) -> list[ImageId]:
    annotations = list(annotation_log.of_images(catalog, image_ids))
    latest = annotation_log.exclude_moved(catalog, annotation_log.current(annotations))
    skipped = {
        one.image_id
        for of_it in annotation_log.without_retracted(annotations).values()
        for one in of_it
        if one.kind is AnnotationKind.SKIPPED and one.selection is Selection.CHANCE
    }
    named = {image_id for image_id, annotation in latest.items() if annotation.kind in _NAMED}
    return [image_id for image_id in image_ids if image_id not in named | skipped]
