"""The images that a backbone was fitted to, recorded through every training that starts from it.

A head that is judged by images its backbone was fitted to looks better than it is, and to cross-fit the head does not
help: the backbone has seen all of them. So each bundle keeps the ids and perceptual hashes of all images that its
weights learned from, its own and those of every bundle that it began from. An image counts as seen when its content is
among them, or when its hash differs from one of them by at most the near-duplicate distance. That counts more images
than are near-duplicates, which is safe. For weights without such a record every image counts as seen.
"""

# Shapes: M images the weights were fitted to, N images asked about.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.errors import Message
from classifier.model.npz import read_arrays, wrong_ids
from classifier.records import ImageId

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.records import Example

_CHUNK: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedImages:
    """`hashes` uint64 (M,), a perceptual hash for each of `image_ids`; `is_known` when these are all there were."""

    image_ids: tuple[ImageId, ...] = ()
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    is_known: bool = True

    def __len__(self) -> int:
        return len(self.image_ids)

    def with_examples(self, examples: Iterable[Example]) -> FittedImages:
        """These and `examples`, each content once."""
        hashes = dict(zip(self.image_ids, self.hashes.tolist(), strict=True))
        hashes |= {example.image_id: example.phash for example in examples}
        return FittedImages(
            image_ids=tuple(hashes), hashes=np.array([*hashes.values()], dtype=np.uint64), is_known=self.is_known
        )

    def has_seen(self, examples: Sequence[Example], *, bits: int) -> list[bool]:
        """Whether each of `examples`, or what nearly repeats it, is among them; all of them where nothing is known."""
        if not self.is_known:
            return [True] * len(examples)
        contents = set(self.image_ids)
        near = self._is_near(np.array([example.phash for example in examples], dtype=np.uint64), bits)
        return [example.image_id in contents or bool(is_near) for example, is_near in zip(examples, near, strict=True)]

    def _is_near(self, hashes_N: NDArray[np.uint64], bits: int) -> NDArray[np.bool_]:
        found = np.zeros(len(hashes_N), dtype=np.bool_)
        for start in range(0, len(hashes_N), _CHUNK) if len(self) else ():
            apart = np.bitwise_count(hashes_N[start : start + _CHUNK, None] ^ self.hashes[None, :])
            found[start : start + _CHUNK] = (apart <= bits).any(axis=1)
        return found

    def save(self, path: Path) -> None:
        """Write it as an .npz file that is read without pickle."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                pictures=np.array(self.image_ids, dtype=np.str_),
                hashes=self.hashes,
                is_known=np.array(self.is_known),
            )


UNKNOWN: Final = FittedImages(is_known=False)
"""Of weights without a record."""


def load_fitted(path: Path) -> FittedImages:
    """Read and check what `Fitted.save` wrote. Raises ModelError in one line naming the file and what is wrong."""
    return read_arrays(path, _fitted, _wrong)


def _fitted(arrays: dict[str, NDArray[Any]]) -> FittedImages:
    return FittedImages(
        image_ids=tuple(ImageId(str(image_id)) for image_id in arrays["pictures"]),
        hashes=arrays["hashes"],
        is_known=bool(arrays["is_known"]),
    )


def _wrong(fitted: FittedImages) -> Message | None:
    """What is wrong with the arrays, in a phrase; None when nothing is."""
    if fitted.hashes.dtype != np.uint64 or fitted.hashes.shape != (len(fitted),):
        return Message("its parts do not fit {count} pictures", count=len(fitted))
    return wrong_ids(fitted.image_ids)
