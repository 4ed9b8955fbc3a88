"""Keeps the looks of a library's images that an earlier version read without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.catalog import embeddings
from classifier.catalog.connection import open_catalog
from classifier.catalog.embeddings import LOOKS
from classifier.catalog.lock import hold_lock
from classifier.catalog.looks import as_rows, without_look
from classifier.catalog.shards import ShardWriter
from classifier.errors import Counted, IllsortError, Message, message_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress
    from classifier.records import ImageInfo

_AT_ONCE: Final = 1024


def write_looks(catalog: Catalog, library: Path, images: Sequence[ImageInfo]) -> None:
    """Write the looks of these images beside the catalog, whose library the caller owns. Raises OSError."""
    if not (new := without_look(catalog, library, images)):
        return
    writer = ShardWriter(library, LOOKS, last=embeddings.last_row(catalog, LOOKS))
    located = zip(new, writer.append(as_rows(new)), strict=True)
    found = [(image.id, location) for image, location in located if location is not None]
    with catalog.transaction():
        embeddings.add(catalog, found, backbone=LOOKS)


def keep_looks(library: Path, images: Sequence[ImageInfo], progress: Progress) -> None:
    """Write the looks of these images, which the library knows, beside its catalog; says so where that cannot be."""
    if not images:
        return
    try:
        with hold_lock(library), open_catalog(library) as catalog:
            for start in range(0, len(images), _AT_ONCE):
                write_looks(catalog, library, images[start : start + _AT_ONCE])
    except (IllsortError, OSError) as error:
        progress.say(Message("{library}: what was read is not kept: {why}", library=library, why=message_of(error)))
        return
    progress.say(
        Counted(
            "{count:,} picture need not be read the next time",
            "{count:,} pictures need not be read the next time",
            count=len(images),
        )
    )
