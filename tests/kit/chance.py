"""Libraries whose images are those of a crawl, so that some are asked about by chance, and answers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalog
from classifier.catalog.files import record_found, set_image_id
from classifier.images.hashing import hash_file
from classifier.records import Action, Annotation, AnnotationKind, ImageId, Selection
from kit.reviewing import waiting_library

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog

WAITING = [(Action.REVIEW, "dog", 0.4), (Action.FILE, "cat", 0.9), (Action.UNKNOWN, "dog", 0.3)] * 3
MANY = [(Action.REVIEW, "dog", 0.4)] * 9 + [(Action.FILE, "cat", 0.9)] * 3


def library_of(
    folder: Path,
    waiting: Sequence[tuple[Action, str, float]] = WAITING,
    *,
    is_sample: bool = False,
    content: Callable[[int], bytes] = lambda number: str(number).encode(),
) -> tuple[Path, list[ImageId]]:
    """A library whose images are those of its crawl; and their ids in the order in which they are asked."""
    library, ids = waiting_library(folder, waiting, content=content, is_sample=is_sample)
    with open_catalog(library) as catalog:
        files = [hash_file(path)[0] for path in sorted((folder / "crawl").iterdir())]
        record_found(catalog, run=1, crawl=folder / "crawl", files=files)
        with catalog.transaction():
            for path in sorted((folder / "crawl").iterdir()):
                set_image_id(catalog, *hash_file(path))
    return library, sorted(ids)


def say(
    catalog: Catalog,
    image_id: ImageId,
    kind: AnnotationKind = AnnotationKind.RIGHT,
    selection: Selection = Selection.CHANCE,
    category: str | None = "dog",
) -> None:
    """Store an answer about an image."""
    annotation = Annotation(
        image_id=image_id, kind=kind, category=category, origin="review", at="", selection=selection
    )
    annotation_log.add(catalog, annotation)
