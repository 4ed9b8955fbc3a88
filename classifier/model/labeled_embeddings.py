"""The embeddings of all labeled images under the trained network, stored so that a new head can be fitted."""

# Shapes: N images, D embedding width, T statistics.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import Message
from classifier.model.npz import read_arrays, select_rows, selections_of, wrong_ids, wrong_rows
from classifier.records import ImageId, Selection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabeledEmbeddings:
    """One row for each labeled image: `embeddings` float32 (N, D), kept half as precise; `targets` int64 (N,).

    Near-duplicates share a number in `groups`, int64 (N,). An annotation that became a label has an empty path.
    `selections` says how each was selected, FITTED where the backbone was fitted to it. `stats`, float32 (N, T), are
    those of earlier stages; None in older bundles, and where the head is fitted to embeddings alone.
    """

    embeddings: NDArray[np.float32]
    targets: NDArray[np.int64]
    groups: NDArray[np.int64]
    image_ids: tuple[ImageId, ...]
    paths: tuple[str, ...]
    selections: tuple[Selection, ...]
    stats: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def rows(self, kept: Sequence[bool]) -> LabeledEmbeddings:
        """The same with some of its images."""
        return select_rows(self, kept)

    def save(self, path: Path) -> None:
        """Write it as an .npz file that is read without pickle."""
        # As shares of a power of two, so that no network's scale is too large for float16.
        scale = np.ldexp(np.float32(1), np.frexp(np.abs(self.embeddings).max(initial=0))[1])
        # Of unit length each stage.
        stats: dict[str, Any] = {} if self.stats is None else {"stats": self.stats.astype(np.float16)}
        with path.open("wb") as file:
            np.savez(
                file,
                embeddings=(self.embeddings / scale).astype(np.float16),
                scale=np.float32(scale),
                truths=self.targets,
                groups=self.groups,
                pictures=np.array(self.image_ids, dtype=np.str_),
                paths=np.array(self.paths, dtype=np.str_),
                selections=np.array([selection.value for selection in self.selections], dtype=np.str_),
                **stats,
            )


def no_labels(width: int) -> LabeledEmbeddings:
    """No labeled image yet, for embeddings of this width."""
    nothing = np.empty(0, dtype=np.int64)
    embeddings = np.empty((0, width), dtype=np.float32)
    return LabeledEmbeddings(
        embeddings=embeddings, targets=nothing, groups=nothing, image_ids=(), paths=(), selections=()
    )


def load_labeled_embeddings(path: Path, *, categories: int) -> LabeledEmbeddings:
    """Read and check a saved file. Raises ModelError in one line naming the file and what is wrong."""
    return read_arrays(path, _labeled, lambda labeled: _wrong(labeled, categories))


def load_labeled_paths(path: Path) -> dict[ImageId, str]:
    """Where each labeled image lay when it was learned from, empty if it is known only by an annotation.

    Of the same file as `load_labeled_embeddings`, without reading the embeddings. Raises ModelError
    in one line naming the file and what is wrong.
    """
    return read_arrays(path, _paths, lambda paths: wrong_ids(list(paths)), names=("pictures", "paths"))


def _paths(arrays: dict[str, NDArray[Any]]) -> dict[ImageId, str]:
    return {
        ImageId(str(image_id)): str(path) for image_id, path in zip(arrays["pictures"], arrays["paths"], strict=True)
    }


def _labeled(arrays: dict[str, NDArray[Any]]) -> LabeledEmbeddings:
    return LabeledEmbeddings(
        embeddings=arrays["embeddings"].astype(np.float32) * np.float32(arrays["scale"]),
        targets=arrays["truths"],
        groups=arrays["groups"],
        image_ids=tuple(ImageId(str(image_id)) for image_id in arrays["pictures"]),
        paths=tuple(str(path) for path in arrays["paths"]),
        selections=selections_of(arrays),
        stats=arrays["stats"].astype(np.float32) if "stats" in arrays else None,
    )


def _wrong(labeled: LabeledEmbeddings, categories: int) -> Message | None:
    """What is wrong with the arrays, in a phrase; None when nothing is."""
    embeddings, targets, groups = labeled.embeddings, labeled.targets, labeled.groups
    if f"{targets.dtype}, {groups.dtype}" != "int64, int64":
        found = f"{targets.dtype}, {groups.dtype}"
        return Message("its numbers are {found}, not {wanted}", found=found, wanted="int64, int64")
    count = len(labeled.image_ids)
    fits = targets.shape == groups.shape == (len(labeled.paths),) == (len(labeled.selections),) == (count,)
    if embeddings.ndim != 2 or len(embeddings) != count or not fits:  # noqa: PLR2004 - a matrix
        return Message("its parts do not fit {count} pictures", count=count)
    if (stats := labeled.stats) is not None and not (stats.ndim == 2 and len(stats) == count):  # noqa: PLR2004
        return Message("its parts do not fit {count} pictures", count=count)
    if stats is not None and not np.isfinite(stats).all():
        return Message("it holds numbers that are not finite")
    return wrong_rows(embeddings, targets, labeled.image_ids, categories=categories)
