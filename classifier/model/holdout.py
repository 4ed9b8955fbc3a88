"""Predictions for held-out labeled images: the evidence for risk guarantees.

Every image keeps how it was selected. A test of an error rate is exact for a simple random sample and for nothing
else (Cochran 1977, Sampling Techniques, chapter 2), so `by_chance` is the only part that a guarantee may rest on: the
images of random draws that were answered whole. A drawn image of which there is no prediction, or no answer, is
`unjudged` and counts as filed and wrong; one that is of no category has the truth NO_CATEGORY, so any guess is wrong.
"""

# Shapes: N images, K categories.

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.errors import Message
from classifier.model.npz import read_arrays, select_rows, selections_of, wrong_rows
from classifier.records import ImageId, Selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NO_CATEGORY: Final = -1
"""The truth of an image that is of none of the categories."""


@dataclass(frozen=True, slots=True)
class HoldoutMethod:
    """How the model was kept from fitting the images it is measured on.

    `parts` is 1 where one part of the labels was held out, else the number of parts that were each held out once. So
    many `answers` were fitted beside them and are not measured on.
    """

    parts: int
    answers: int = 0

    @property
    def is_possible(self) -> bool:
        """Whether the numbers mean anything."""
        return self.parts >= 1 and self.answers >= 0

    @property
    def phrase(self) -> Message:
        """It in a few words."""
        if self.parts == 1:
            return Message("held out")
        if self.answers == 0:
            return Message("cross-fitted in {parts} parts", parts=self.parts)
        return Message(
            "cross-fitted in {parts} parts, with {answers} answers beside them", parts=self.parts, answers=self.answers
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HoldoutPredictions:
    """One row for each image: `logits` float32 (N, K), before the temperature; `targets` int64 (N,), 0..K-1 or -1.

    Near-duplicates share a number in `groups`, int64 (N,). `selections` says how each was selected, and `unjudged` how
    many randomly drawn have no row. `method` says why the model was not fitted to them.
    """

    logits: NDArray[np.float32]
    targets: NDArray[np.int64]
    groups: NDArray[np.int64]
    image_ids: tuple[ImageId, ...]
    paths: tuple[str, ...]
    method: HoldoutMethod
    selections: tuple[Selection, ...]
    unjudged: int = 0

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def by_chance(self) -> HoldoutPredictions:
        """The images of random draws: all that a guarantee may rest on."""
        return self.rows([selection is Selection.RANDOM for selection in self.selections])

    @property
    def of_categories(self) -> HoldoutPredictions:
        """The images that are of a category."""
        return self.rows((self.targets != NO_CATEGORY).tolist())

    def rows(self, kept: Sequence[bool]) -> HoldoutPredictions:
        """The same with some of its images."""
        return select_rows(self, kept)

    def save(self, path: Path) -> None:
        """Write it as an .npz file that is read without pickle."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                logits=self.logits,
                truths=self.targets,
                groups=self.groups,
                pictures=np.array(self.image_ids, dtype=np.str_),
                paths=np.array(self.paths, dtype=np.str_),
                parts=np.array(self.method.parts),
                answers=np.array(self.method.answers),
                selections=np.array([selection.value for selection in self.selections], dtype=np.str_),
                unjudged=np.array(self.unjudged),
            )


def load_holdout(path: Path, *, categories: int) -> HoldoutPredictions:
    """Read what `HoldoutPredictions.save` wrote. Raises ModelError in one line naming the file and what is wrong."""
    return read_arrays(path, _evidence, lambda holdout: _wrong(holdout, categories))


def _evidence(arrays: dict[str, NDArray[Any]]) -> HoldoutPredictions:
    return HoldoutPredictions(
        logits=arrays["logits"],
        targets=arrays["truths"],
        groups=arrays["groups"],
        image_ids=tuple(ImageId(str(image_id)) for image_id in arrays["pictures"]),
        paths=tuple(str(path) for path in arrays["paths"]),
        method=_method(arrays),
        selections=selections_of(arrays),
        unjudged=int(arrays["unjudged"]) if "unjudged" in arrays else 0,
    )


def _wrong(holdout: HoldoutPredictions, categories: int) -> Message | None:
    """What is wrong with the arrays, in a phrase; None when nothing is."""
    logits, targets, groups = holdout.logits, holdout.targets, holdout.groups
    types = ", ".join(str(numbers.dtype) for numbers in (logits, targets, groups))
    if types != "float32, int64, int64":
        return Message("its numbers are {found}, not {wanted}", found=types, wanted="float32, int64, int64")
    count = len(holdout.image_ids)
    parts = {targets.shape, groups.shape, (len(holdout.paths),), (len(holdout.selections),)}
    if (
        logits.shape != (count, categories)
        or parts != {(count,)}
        or not holdout.method.is_possible
        or holdout.unjudged < 0
    ):
        return Message(
            "its parts do not fit {count} pictures and {categories} categories", count=count, categories=categories
        )
    named = np.where(targets == NO_CATEGORY, 0, targets)
    return wrong_rows(logits, named, holdout.image_ids, categories=categories)


def _method(arrays: dict[str, NDArray[Any]]) -> HoldoutMethod:
    """Read from a bundle. An earlier version wrote a phrase, such as "cross-fitted in 3 parts"."""
    if "how" not in arrays:
        return HoldoutMethod(int(arrays["parts"]), int(arrays["answers"]))
    return HoldoutMethod(*[int(number) for number in re.findall(r"\d{1,9}", str(arrays["how"]))[:2]] or [1])
