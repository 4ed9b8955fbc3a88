"""Labelled pictures as tensors, read in threads and kept in memory as far as it may grow; knows no network.

Threads, not processes: decoding and resizing let go of the interpreter, every system has them, and what is kept is
kept once. These files were all read before, so none is expected to harm its reader.
"""

# Shapes: B pictures, C channels, H height, W width.

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Final

import torch
from torch import Tensor

from classifier.errors import LabelsError, Undecodable
from classifier.infer.pixels import load_pixels
from classifier.records import Example

MOST_KEPT_BYTES: Final = 2 * 2**30
_BATCHES_AHEAD: Final = 3


class Pictures:
    """Pictures and their category indices. `prepare` takes decoded pixels, uint8 (3, any, any), to what is kept.

    Which of them are kept (up to `most_kept_bytes`) changes speed and memory alone.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        targets: Sequence[int],
        *,
        prepare: Callable[[Tensor], Tensor],
        max_megapixels: float,
        most_kept_bytes: int = MOST_KEPT_BYTES,
    ) -> None:
        self.examples = tuple(examples)
        self.targets = torch.tensor(list(targets), dtype=torch.int64)
        self._prepare = prepare
        self._max_megapixels = max_megapixels
        self._room_bytes = most_kept_bytes
        self._kept: dict[int, Tensor] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Tensor:
        """The prepared pixels. Raises LabelsError when the file can no longer be read."""
        if index in self._kept:
            return self._kept[index]
        pixels = self._prepare(self._load(index))
        with self._lock:
            if index not in self._kept and pixels.nbytes <= self._room_bytes:
                self._kept[index] = pixels
                self._room_bytes -= pixels.nbytes
        return pixels

    def _load(self, index: int) -> Tensor:
        path = self.examples[index].label.path
        try:
            return load_pixels(path.read_bytes(), max_megapixels=self._max_megapixels)[0]
        except (OSError, Undecodable) as error:
            reason = error.detail if isinstance(error, Undecodable) else error.strerror
            raise LabelsError(
                f"{path}: could be read when training began and no longer can ({reason}); leave the labels alone while "
                "training, and start it again to go on"
            ) from error


def in_batches(
    order: Sequence[int], view: Callable[[int], Tensor], *, batch_size: int, threads: int
) -> Iterator[tuple[list[int], Tensor]]:
    """Indices in `order`, `batch_size` at a time, and the views of them stacked, (B, C, H, W); made ahead of use."""
    batches = [list(order[start : start + batch_size]) for start in range(0, len(order), batch_size)]
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        ahead: deque[tuple[list[int], list[Future[Tensor]]]] = deque()
        try:
            for batch in batches:
                ahead.append((batch, [pool.submit(view, index) for index in batch]))
                if len(ahead) == _BATCHES_AHEAD:
                    yield _stacked(*ahead.popleft())
            while ahead:
                yield _stacked(*ahead.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _stacked(batch: list[int], views: list[Future[Tensor]]) -> tuple[list[int], Tensor]:
    return batch, torch.stack([view.result() for view in views])
