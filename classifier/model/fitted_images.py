"""The images that a backbone was fitted to, recorded through every training that starts from it.

A head that is judged by images its backbone was fitted to looks better than it is, and to cross-fit the head does not
help: the backbone has seen all of them. So each bundle keeps the ids and looks of all images that its weights learned
from, its own and those of every bundle that it began from. An image counts as seen when its content is among them, or
when it is a near-duplicate of one of them. For weights without such a record, or with one of an earlier version, which
has no looks, every image counts as seen.
"""

# Shapes: M images the weights were fitted to.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.errors import Message
from classifier.images.look import LOOK_BYTES
from classifier.model.npz import read_arrays, wrong_ids
from classifier.records import ImageId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.records import Example


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedImages:
    """Looks uint8 (M, 704) and sizes int64 (M, 2) of `image_ids`; `is_known` when these are all there were.

    An image without a look has zeros in its place.
    """

    image_ids: tuple[ImageId, ...] = ()
    looks: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, LOOK_BYTES), np.uint8))
    sizes: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), np.int64))
    is_known: bool = True

    def __len__(self) -> int:
        return len(self.image_ids)

    def with_examples(self, examples: Iterable[Example]) -> FittedImages:
        """These and `examples`, each content once."""
        known = set(self.image_ids)
        new = {example.image_id: example for example in examples if example.image_id not in known}
        looks = b"".join(example.look or bytes(LOOK_BYTES) for example in new.values())
        sizes = np.array([example.size for example in new.values()], np.int64)
        return FittedImages(
            image_ids=(*self.image_ids, *new),
            looks=np.concatenate([self.looks, np.frombuffer(looks, np.uint8).reshape(-1, LOOK_BYTES)]),
            sizes=np.concatenate([self.sizes, sizes.reshape(-1, 2)]),
            is_known=self.is_known,
        )

    def save(self, path: Path) -> None:
        """Write it as an .npz file that is read without pickle."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                pictures=np.array(self.image_ids, dtype=np.str_),
                looks=self.looks,
                sizes=self.sizes,
                is_known=np.array(self.is_known),
            )


UNKNOWN: Final = FittedImages(is_known=False)
"""Of weights without a record."""


def load_fitted(path: Path) -> FittedImages:
    """Read and check what `save` wrote. Raises ModelError in one line naming the file and what is wrong."""
    return read_arrays(path, _fitted, _wrong)


def _fitted(arrays: dict[str, NDArray[Any]]) -> FittedImages:
    if "looks" not in arrays:
        return UNKNOWN
    return FittedImages(
        image_ids=tuple(ImageId(str(image_id)) for image_id in arrays["pictures"]),
        looks=arrays["looks"],
        sizes=arrays["sizes"],
        is_known=bool(arrays["is_known"]),
    )


def _wrong(fitted: FittedImages) -> Message | None:
    """What is wrong with the arrays, in a phrase; None when nothing is."""
    count, kinds = len(fitted), (str(fitted.looks.dtype), str(fitted.sizes.dtype))
    if (kinds, fitted.looks.shape, fitted.sizes.shape) != (("uint8", "int64"), (count, LOOK_BYTES), (count, 2)):
        return Message("its parts do not fit {count} pictures", count=count)
    return wrong_ids(fitted.image_ids)
