"""Predicts the images of a run that have no prediction. Torch is imported here, and only if there are any.

All else that a sort does, deciding anew by stored logits or embeddings included, takes numpy alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from classifier.catalog import files
from classifier.catalog.connection import Catalog
from classifier.errors import Message
from classifier.model.bundle import Bundle
from classifier.progress import Progress
from classifier.settings import Settings

_SORTING = Message("sorting")


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
    """As `predict.predict` does, which is imported for at least one image; `name` is that of its stage."""
    if next(files.to_predict(catalog, run=run, crawl=crawl, model=bundle.manifest.key), None) is None:
        return
    with progress.stage(Message("starting the network"), total=None, unit=""):
        from classifier.sort import predict as with_torch  # noqa: PLC0415 - seconds, if known images waited for it
    yield from with_torch.predict(
        catalog, library, run=run, crawl=crawl, bundle=bundle, settings=settings, progress=progress, name=name
    )
