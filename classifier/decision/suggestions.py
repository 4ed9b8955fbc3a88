"""The last model's prediction of an image, from the stored logits, without the network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from classifier.catalog import audits
from classifier.catalog.categories import CategoryAliases, read_aliases
from classifier.catalog.decisions import used_categories
from classifier.model.manifest import manifest_or_none

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """The categories of the model in its order, their current names, and its temperature.

    `temperature` is None where the model is gone or replaced: then there are no predictions.
    """

    model: str
    known: tuple[str, ...]
    temperature: float | None
    names: CategoryAliases = field(default_factory=CategoryAliases)

    @property
    def categories(self) -> tuple[str, ...]:
        """Every category by its current name: those of the model first, then those that a person made."""
        return self.names.all(self.known)

    def of(self, logits: bytes | None) -> dict[str, float]:
        """The probability of each category, the most likely first; empty when unknown.

        `logits` as stored: float32, little-endian, one per category of the model. Merged categories have the sum.
        """
        if logits is None or self.temperature is None or len(logits) != 4 * len(self.known):
            return {}
        values = np.frombuffer(logits, "<f4").astype(np.float64) / self.temperature
        powers = np.exp(values - values.max())
        shares: Counter[str] = Counter()
        for category, share in zip(self.known, (powers / powers.sum()).tolist(), strict=True):
            shares[self.names.resolve(category)] += share
        return dict(shares.most_common())


def read_suggestions(catalog: Catalog) -> Suggestions:
    """The suggestions of the last model; without its folder, only the categories in use."""
    names = read_aliases(catalog)
    model, folder, _ = audits.last_sort(catalog) or ("", None, {})
    manifest = None if folder is None else manifest_or_none(folder)
    if manifest is not None and manifest.key == model:
        return Suggestions(model=model, known=manifest.categories, temperature=manifest.temperature, names=names)
    used = [category for category in used_categories(catalog) if category not in names.made]
    return Suggestions(model=model, known=tuple(used), temperature=None, names=names)
