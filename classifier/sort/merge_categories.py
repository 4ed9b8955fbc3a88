"""Categories as a person calls them now, where a model decides: those put together have one sum and one threshold.

Pure. Of several thresholds the strictest holds: what was promised of each of them still is of all together.
"""

# Shapes: N pictures, K categories that the model knows, M by their names of now.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.catalog.categories import CategoryAliases


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CategoryMerge:
    """`categories` and `thresholds` by the names of now, M of each; `columns` (K,) says which of them each became."""

    categories: tuple[str, ...]
    thresholds: tuple[float, ...]
    columns: NDArray[np.int64]

    def __call__(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities (N, K) as (N, M)."""
        if len(self.categories) == len(self.columns):
            return rows
        folded = np.zeros((len(rows), len(self.categories)))
        np.add.at(folded.T, self.columns, rows.T)
        return folded


def fold(categories: Sequence[str], thresholds: Sequence[float], names: CategoryAliases) -> CategoryMerge:
    """How what a model knows becomes what a person calls it; each keeps the place of the first that it is made of."""
    now = tuple(dict.fromkeys(names.of(category) for category in categories))
    columns = [now.index(names.of(category)) for category in categories]
    strictest = [max(t for column, t in zip(columns, thresholds, strict=True) if column == m) for m in range(len(now))]
    return CategoryMerge(categories=now, thresholds=tuple(strictest), columns=np.array(columns, dtype=np.int64))
