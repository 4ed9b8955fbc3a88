"""What the model says of labelled pictures that it was not fitted to: all that an error rate can be promised by.

Plain numpy; knows no network, and not what the numbers will be used for.
"""

# Shapes: N pictures, K categories.

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import ModelError
from classifier.records import PictureId

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVIDENCE = "evidence.npz"
"""The file's name in a bundle."""

_ID_LENGTH = 64


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
    try:
        # Opened here: of a damaged file, numpy leaves its own open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            evidence = _evidence({name: arrays[name] for name in arrays.files})
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"{path}: cannot be read ({reason}); train again or restore it") from None
    wrong = _wrong(evidence, categories)
    if wrong:
        raise ModelError(f"{path}: {wrong}; train again or restore it")
    return evidence


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
    if not np.isfinite(logits).all():
        return "it holds numbers that are not finite"
    if count and not 0 <= truths.min() <= truths.max() < categories:
        return f"it names categories beyond the {categories} there are"
    if any(len(picture) != _ID_LENGTH for picture in evidence.pictures):
        return "it names pictures by something that is no SHA-256"
    return ""
