"""Records what a model answered elsewhere about files of a crawl, as if they had been read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from classifier.catalog.files import add_image
from classifier.catalog.predictions import add_many_logits, logits_as_bytes
from classifier.catalog.values import to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.records import Failure, ImageId, ImageInfo


class CrawlFile(NamedTuple):
    """A file of a crawl as it was when it was answered about: its path as the catalog stores it, size and time."""

    path: bytes
    size_bytes: int
    mtime_ns: int


_FOUND = """
SELECT picture,
    failure_kind IS NOT NULL,
    picture IS NOT NULL AND EXISTS (
        SELECT 1 FROM predictions WHERE predictions.picture = files.picture AND model = ?),
    ? IS NULL OR EXISTS (
        SELECT 1 FROM embeddings WHERE embeddings.picture = files.picture AND backbone = ?)
FROM files WHERE path = ? AND crawl = ? AND seen = ? AND size_bytes = ? AND mtime_ns = ?
"""


def unread_as(
    catalog: Catalog,
    files: Sequence[tuple[CrawlFile, ImageId | None]],
    *,
    run: int,
    crawl: Path,
    model: str,
    backbone: str | None = None,
) -> tuple[dict[int, bool], int]:
    """The places in `files` of those that `run` found so, unchanged, and lacks an answer of this model about.

    With `backbone`, also of those that lack an embedding of it: by each place, whether only that is lacking. Each file
    comes with its image, None where it could not be decoded; one that the catalog knows as another image is none.
    Also returns how many `run` found so at all.
    """
    root, unread, found = to_bytes(crawl), dict[int, bool](), 0
    for place, (file, image_id) in enumerate(files):
        path, size_bytes, mtime_ns = file
        values = (model, backbone, backbone, path, root, run, size_bytes, mtime_ns)
        row = catalog.connection.execute(_FOUND, values).fetchone()
        if row is None:
            continue
        found += 1
        known, has_failed, is_answered, is_kept = row
        if not has_failed and not (is_answered and is_kept) and known in {None, image_id}:
            unread[place] = bool(is_answered)
    return unread, found


def without_answer(catalog: Catalog, image_ids: Sequence[ImageId], *, model: str) -> list[int]:
    """The places of the images that have no prediction of the model; of equal ones, the first."""
    return _first_without(catalog, "SELECT 1 FROM predictions WHERE picture = ? AND model = ?", image_ids, model)


def without_embedding(catalog: Catalog, image_ids: Sequence[ImageId], *, backbone: str) -> list[int]:
    """The places of the images that have no stored embedding of the backbone; of equal ones, the first."""
    return _first_without(catalog, "SELECT 1 FROM embeddings WHERE picture = ? AND backbone = ?", image_ids, backbone)


def _first_without(catalog: Catalog, query: str, image_ids: Sequence[ImageId], key: str) -> list[int]:
    first = {image_id: place for place, image_id in reversed(list(enumerate(image_ids)))}
    return sorted(
        place
        for image_id, place in first.items()
        if catalog.connection.execute(query, (image_id, key)).fetchone() is None
    )


def record_answers(
    catalog: Catalog,
    images: Sequence[ImageInfo],
    logits: NDArray[np.float32],
    ood_scores: Sequence[float | None],
    *,
    model: str,
) -> None:
    """Record images with their logits, float32 (N, K), and OOD scores; the caller holds the transaction."""
    for image in images:
        add_image(catalog, image)
    if images:
        answers = zip((image.id for image in images), logits_as_bytes(logits), ood_scores, strict=True)
        add_many_logits(catalog, answers, model=model)


def record_files(
    catalog: Catalog, image_ids: Mapping[CrawlFile, ImageId], failures: Mapping[CrawlFile, Failure]
) -> None:
    """Record which image each file held, or why it could not be read; the caller holds the transaction."""
    catalog.connection.executemany(
        "UPDATE files SET picture = ?, failure_kind = NULL, failure_detail = NULL WHERE path = ?",
        ((image_id, file.path) for file, image_id in image_ids.items()),
    )
    catalog.connection.executemany(
        "UPDATE files SET failure_kind = ?, failure_detail = ? WHERE path = ?",
        ((failure.kind, failure.detail.text, file.path) for file, failure in failures.items()),
    )
