"""The tags of a tagger: what its own head says of a picture, kept while another head takes its place.

They name what pictures have in common before anything is labeled. The list is `selected_tags.csv` of the WD taggers:
a row for each output of the head, with the columns name and category (0 general, 4 character, 9 rating).
"""

# Shapes: N images, D embedding width, T tags.

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.category_names import problem_with

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.model.head import LinearHead

_CHARACTER, _RATING = "4", "9"
_MOST_BYTES: Final = 32 * 2**20
_LIKELY: Final = 0.5
"""From this mean probability on, a tag holds for a cluster."""
_TELLING: Final = 0.25
"""So much likelier than among all images, at least: what all have in common names none of them."""
_NAMES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tags:
    """The head's tags in the order of its outputs, with their categories as in the list."""

    names: tuple[str, ...]
    categories: tuple[str, ...]
    head: LinearHead

    def probabilities(self, embeddings_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of each tag, independent of the others, float32 (N, T)."""
        odds = np.exp(-np.abs(logits := self.head(embeddings_ND)))
        return np.where(logits >= 0, 1 / (1 + odds), odds / (1 + odds)).astype(np.float32)

    def cluster_names(
        self, embeddings_ND: NDArray[np.float32], clusters_N: NDArray[np.integer]
    ) -> dict[int, list[str]]:
        """At most three names that a category may have for each cluster that its tags tell from the others.

        Characters first, then what is likelier there than among all; ratings name nothing.
        """
        found = self.probabilities(embeddings_ND)
        usual = found.mean(axis=0)
        means = {int(number): found[clusters_N == number].mean(axis=0) for number in np.unique(clusters_N)}
        named = {number: self._telling(mean, usual) for number, mean in means.items()}
        return {number: names for number, names in named.items() if names}

    def _telling(self, mean_T: NDArray[np.float32], usual_T: NDArray[np.float32]) -> list[str]:
        lift = mean_T - usual_T
        likely = np.flatnonzero((mean_T >= _LIKELY) & (lift >= _TELLING)).tolist()
        naming = [tag for tag in likely if self.categories[tag] != _RATING]
        ordered = sorted(naming, key=lambda tag: (self.categories[tag] != _CHARACTER, -lift[tag]))
        names = (self.names[tag].replace("_", " ").strip() for tag in ordered)
        return [name for name in dict.fromkeys(names) if problem_with(name) is None][:_NAMES]


def read_tags(path: Path, head: LinearHead) -> Tags | None:
    """The tags of `head` by a list that its repository has; None where the list is not of this head."""
    rows = _rows(path)
    if rows is None or len(rows) != len(head.bias):
        return None
    return Tags(names=tuple(name for name, _ in rows), categories=tuple(category for _, category in rows), head=head)


def _rows(path: Path) -> Sequence[tuple[str, str]] | None:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file.read(_MOST_BYTES).splitlines(), restval="")
            rows = [(row["name"], row["category"]) for row in table]
        return rows if all(name and category for name, category in rows) else None
    except (OSError, ValueError, KeyError, csv.Error):
        return None
