"""What the model says of labelled pictures that it was not fitted to: all that an error rate can be promised by.

Plain numpy; knows no network, and not what the numbers will be used for.
"""

# Shapes: N pictures, K categories.

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.model.arrays import read_arrays, wrong_rows
from classifier.records import PictureId

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVIDENCE = "evidence.npz"
"""The file's name in a bundle."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """One row for each picture: `logits` float32 (N, K), before the temperature; `truths` int64 (N,), 0..K-1.

    Near-duplicates share a number in `groups`, int64 (N,): they count once. `how` says in a phrase why the model was
    not fitted to them: "held out", "cross-fitted in 3 parts".
    """

    logits: NDArray[np.float32]
    truths: NDArray[np.int64]
    groups: NDArray[np.int64]
    pictures: tuple[PictureId, ...]
    paths: tuple[str, ...]
    how: str

    def __len__(self) -> int:
        return len(self.truths)

    def save(self, path: Path) -> None:
        """Write it as an .npz file that is read without pickle."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                logits=self.logits,
                truths=self.truths,
                groups=self.groups,
                pictures=np.array(self.pictures, dtype=np.str_),
                paths=np.array(self.paths, dtype=np.str_),
                how=np.array(self.how),
            )


def load_evidence(path: Path, *, categories: int) -> Evidence:
    """Read and check what `Evidence.save` wrote. Raises ModelError in one line naming the file and what is wrong."""
    return read_arrays(path, _evidence, lambda evidence: _wrong(evidence, categories))


def _evidence(arrays: dict[str, NDArray[Any]]) -> Evidence:
    return Evidence(
        logits=arrays["logits"],
        truths=arrays["truths"],
        groups=arrays["groups"],
        pictures=tuple(PictureId(str(picture)) for picture in arrays["pictures"]),
        paths=tuple(str(path) for path in arrays["paths"]),
        how=str(arrays["how"]),
    )


def _wrong(evidence: Evidence, categories: int) -> str:
    """What does not fit together, in a phrase; empty when all does."""
    logits, truths, groups = evidence.logits, evidence.truths, evidence.groups
    types = ", ".join(str(numbers.dtype) for numbers in (logits, truths, groups))
    if types != "float32, int64, int64":
        return f"its numbers are {types}, not float32, int64, int64"
    count = len(evidence.pictures)
    if logits.shape != (count, categories) or not truths.shape == groups.shape == (len(evidence.paths),) == (count,):
        return f"its parts do not fit {count} pictures and {categories} categories"
    return wrong_rows(logits, truths, evidence.pictures, categories=categories)
