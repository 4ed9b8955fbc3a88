"""Reads images that are known but whose look is not kept: of an earlier version, or put into the library by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.catalog.files import add_image
from classifier.duplicates.keep import write_looks
from classifier.errors import Message
from classifier.inference.device import runtime_from_settings
from classifier.inference.loader import PackedPaths, stream
from classifier.inference.reader import NoPixels, Read, Reader, limits_from
from classifier.inference.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress
    from classifier.records import ImageInfo
    from classifier.settings import Settings

_AT_ONCE: Final = 8
_KEPT_AT_ONCE: Final = 256


def read_looks(
    catalog: Catalog, library: Path, paths: Sequence[Path], *, settings: Settings, progress: Progress
) -> None:
    """Read the images at `paths` with the limits of a sort and keep their looks; a stopped one goes on where it was."""
    reader = Reader(transform=NoPixels(), max_megapixels=settings.images.max_megapixels, looks=True)
    workers = runtime_from_settings(settings.runtime, training=False).workers
    packed = PackedPaths(paths)
    read: list[ImageInfo] = []
    with (
        WorkerPool(limits_from(settings.images), workers=workers, say=progress.say) as pool,
        progress.stage(Message("reading to find copies"), total=len(packed), unit="picture") as stage,
    ):
        for batch in stream(packed, reader, pool, batch_size=_AT_ONCE):
            read += [result.image for result in batch.results if isinstance(result, Read)]
            if len(read) >= _KEPT_AT_ONCE:
                _keep(catalog, library, read)
                read = []
            stage.advance(len(batch.keys))
    _keep(catalog, library, read)


def _keep(catalog: Catalog, library: Path, images: Sequence[ImageInfo]) -> None:
    with catalog.transaction():
        for image in images:
            add_image(catalog, image)
    write_looks(catalog, library, images)
