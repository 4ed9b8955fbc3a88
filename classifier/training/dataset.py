"""Training images: the labeled images are read once in worker processes, then by threads with a cache.

The first read has the limits of a sort, since a file may harm its reader. The images that passed are read again in
threads: decoding and resizing release the GIL, and the cache is held once.
"""

# Shapes: N images, B of them in a batch, C channels, H height, W width, K categories.

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from classifier.errors import LabelsError, Undecodable, message_of
from classifier.images.safe_open import read_image_file
from classifier.inference.loader import stream
from classifier.inference.reader import NoPixels, Read, Reader, load_pixels
from classifier.inference.stopwatch import Stopwatch
from classifier.labels.dataset import Result
from classifier.reason_text import reason_message
from classifier.records import Example, ImageInfo, Label
from classifier.training.recipe import TURNS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from classifier.inference.worker_pool import WorkerPool

MOST_KEPT_BYTES: Final = 2 * 2**30
_BATCHES_AHEAD: Final = 3


class TrainingImages:
    """Images and what is to be learned of each: `targets` float (N, K), rows of shares that sum to 1.

    The last `guesses` of them are guessed, not labeled. `prepare` takes decoded pixels, uint8 (3, any, any), to what
    is kept. Which of them are kept (up to `most_kept_bytes`) changes speed and memory alone. `watch` measures how long
    the training waits for them.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        targets: NDArray[np.floating],
        *,
        guesses: int = 0,
        prepare: Callable[[Tensor], Tensor],
        max_megapixels: float,
        most_kept_bytes: int = MOST_KEPT_BYTES,
        watch: Stopwatch | None = None,
    ) -> None:
        self.examples = tuple(examples)
        self.targets = torch.tensor(targets, dtype=torch.float32)
        self.labeled = len(self.examples) - guesses
        self.watch = watch or Stopwatch()
        self._prepare = prepare
        self._max_megapixels = max_megapixels
        self._room_bytes = most_kept_bytes
        self._kept: dict[int, Tensor] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def per_epoch(self) -> int:
        """The most images that an epoch shows."""
        return self.labeled + -(-(len(self) - self.labeled) // TURNS)

    def order(self, epoch: int, *, seed: int) -> list[int]:
        """Every label and a quarter of the guesses, each quarter in its turn, in an order of the epoch's own."""
        shown = [*range(self.labeled), *range(self.labeled + epoch % TURNS, len(self), TURNS)]
        return [shown[place] for place in np.random.default_rng([seed, epoch]).permutation(len(shown))]

    def __reduce__(self) -> tuple[Callable[..., TrainingImages], tuple[object, ...]]:
        """For another process, which keeps pixels of its own."""
        of = partial(
            TrainingImages,
            guesses=len(self) - self.labeled,
            prepare=self._prepare,
            max_megapixels=self._max_megapixels,
        )
        return of, (self.examples, self.targets.numpy())

    def __getitem__(self, index: int) -> Tensor | None:
        """The prepared pixels; None when a guess can no longer be read. Raises LabelsError when a label cannot."""
        if index in self._kept:
            return self._kept[index]
        try:
            pixels = self._prepare(self._load(index))
        except LabelsError:
            if index < self.labeled:
                raise
            return None
        with self._lock:
            if index not in self._kept and pixels.nbytes <= self._room_bytes:
                self._kept[index] = pixels
                self._room_bytes -= pixels.nbytes
        return pixels

    def _load(self, index: int) -> Tensor:
        path = self.examples[index].label.path
        try:
            data = read_image_file(path, max_megapixels=self._max_megapixels)
            return load_pixels(data, max_megapixels=self._max_megapixels)[0]
        except (OSError, Undecodable) as error:
            reason = reason_message(error.detail) if isinstance(error, Undecodable) else message_of(error)
            raise LabelsError(
                "{path}: could be read when training began and no longer can ({why}); leave the labels alone while "
                "training, and start it again to go on",
                path=path,
                why=reason,
            ) from error


def iter_batches(
    order: Sequence[int],
    view: Callable[[int], Tensor | None],
    *,
    batch_size: int,
    threads: int,
    part: Callable[[Sequence[int]], list[int]] = list,
) -> Iterator[tuple[list[int], Tensor]]:
    """Indices in `order`, of `batch_size` at a time a `part`, and views of them stacked, (B, C, H, W); made ahead.

    Those without a view are left out; where none has one, the tensor is empty.
    """
    batches = [part(order[start : start + batch_size]) for start in range(0, len(order), batch_size)]
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        ahead: deque[tuple[list[int], list[Future[Tensor | None]]]] = deque()
        try:
            for batch in batches:
                ahead.append((batch, [pool.submit(view, index) for index in batch]))
                if len(ahead) == _BATCHES_AHEAD:
                    yield _stacked(*ahead.popleft())
            while ahead:
                yield _stacked(*ahead.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _stacked(batch: list[int], views: list[Future[Tensor | None]]) -> tuple[list[int], Tensor]:
    results = [view.result() for view in views]
    there = {index: result for index, result in zip(batch, results, strict=True) if result is not None}
    return list(there), torch.stack(list(there.values())) if there else torch.empty(0)


_BATCH: Final = 8


def example_of(label: Label, image: ImageInfo) -> Example:
    """The labeled image as an example."""
    return Example(label=label, image_id=image.id, look=image.look, size=(image.width, image.height))


def read_in_workers(
    labels: tuple[Label, ...], pool: WorkerPool, *, max_megapixels: float, reader: Reader | None = None
) -> Iterator[Result]:
    """What reading each label gives, in their order; with no workers there are no limits but those on size."""
    reader = reader or Reader(transform=NoPixels(), max_megapixels=max_megapixels, looks=True)
    paths = [label.path for label in labels]
    for batch in stream(paths, reader, pool, batch_size=_BATCH):
        for key, outcome in zip(batch.keys, batch.results, strict=True):
            if isinstance(outcome, Read):
                yield example_of(labels[key], outcome.image)
            else:
                yield labels[key], outcome.failure
