"""What the model of a run answers: by stored embeddings, by reading images, and spread over near pictures."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from classifier.errors import Message
from classifier.sort.new_images import predict, predict_moved
from classifier.sort.prepare import Prepared, resolved_again
from classifier.sort.reuse_embeddings import reuse_embeddings
from classifier.sort.spread_answers import restore_own_answers, spread_answers, spread_holdout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress

_SORTING = Message("sorting")


def predicting(catalog: Catalog, ready: Prepared, progress: Progress, *, name: Message = _SORTING) -> Iterator[Path]:
    """Predict the images that have no prediction yet; yields as `new_images.predict` does, whose stage is `name`."""
    run, crawl, library, model, settings = ready.run, ready.crawl, ready.library, ready.model, ready.settings
    if not ready.is_spread:
        restore_own_answers(catalog, library, model)
    reuse_embeddings(catalog, run=run, crawl=crawl, library=library, bundle=model, progress=progress)
    predict_moved(catalog, library, run=run, crawl=crawl, bundle=model, settings=settings, progress=progress)
    return predict(
        catalog, library, run=run, crawl=crawl, bundle=model, settings=settings, progress=progress, name=name
    )


def with_spread_answers(catalog: Catalog, ready: Prepared, progress: Progress) -> Prepared:
    """Spread the answers of a run that is to, and resolve its policy again by what they say of held-out labels."""
    if not ready.is_spread:
        return ready
    model, run, crawl = ready.model, ready.run, ready.crawl
    if not spread_answers(catalog, ready.library, model, run=run, crawl=crawl, progress=progress):
        progress.say(
            Message("answers are not spread over near pictures: of more than one in a hundred no embedding is kept")
        )
        restore_own_answers(catalog, ready.library, model)
        deque(predicting(catalog, ready, progress), maxlen=0)  # what could not be read of the embeddings
    return resolved_again(catalog, ready, spread_holdout(catalog, model), progress)
