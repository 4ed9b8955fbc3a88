"""Predicts the images of a run that have no prediction. Torch is imported here, and only if there are any.

All else that a sort does, deciding anew by stored logits or embeddings included, takes numpy alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from classifier.catalog import files, moved_images
from classifier.catalog.connection import Catalog
from classifier.errors import Counted, Message
from classifier.filing.path_scope import PathScope
from classifier.model.bundle import Bundle
from classifier.progress import Progress
from classifier.settings import Settings

_SORTING = Message("sorting")
_READING = Message("reading")


def predict(
    catalog: Catalog,
    library: Path,
    *,
    run: int,
    crawl: Path,
    bundle: Bundle,
    settings: Settings,
    progress: Progress,
    name: Message = _SORTING,
) -> Iterator[Path]:
    """Predict the images of the crawl; yields the last committed path after each commit. `name` is the stage's."""
    found = files.to_predict(catalog, run=run, crawl=crawl, model=bundle.manifest.key)
    yield from _predict(catalog, library, found, bundle=bundle, settings=settings, progress=progress, name=name)


def predict_moved(
    catalog: Catalog, library: Path, *, run: int, crawl: Path, bundle: Bundle, settings: Settings, progress: Progress
) -> None:
    """Predict the images that were moved out of the crawl, from where they lie in the library."""

    def found() -> Iterator[Path]:
        within = moved_images.to_predict_in_library(catalog, run=run, crawl=crawl, model=bundle.manifest.key)
        bounds = PathScope(catalog, library)
        return (library / path for path in within if bounds.is_in_library(path))

    for _ in _predict(catalog, library, found(), bundle=bundle, settings=settings, progress=progress, name=_READING):
        pass
    if left := sum(1 for _ in found()):
        progress.say(
            Counted(
                "{count:,} picture of the library cannot be read and stays where it is; see illsort verify",
                "{count:,} pictures of the library cannot be read and stay where they are; see illsort verify",
                count=left,
            )
        )


def _predict(
    catalog: Catalog,
    library: Path,
    found: Iterator[Path],
    *,
    bundle: Bundle,
    settings: Settings,
    progress: Progress,
    name: Message,
) -> Iterator[Path]:
    """As `predict.predict` does, which is imported for at least one image."""
    if (first := next(found, None)) is None:
        return
    with progress.stage(Message("starting the network"), total=None, unit=""):
        from classifier.sort import predict as with_torch  # noqa: PLC0415 - seconds, if known images waited for it
    found = chain([first], found)
    yield from with_torch.predict(
        catalog, library, found=found, bundle=bundle, settings=settings, progress=progress, name=name
    )
