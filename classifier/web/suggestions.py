"""What the last sort's model says of a picture, by what is stored of it: read without the network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from classifier.catalog import audits
from classifier.catalog.categories import CategoryAliases, read_aliases
from classifier.catalog.decisions import used_categories
from classifier.errors import ModelError
from classifier.model.manifest import Manifest, load_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """The model's categories in its order, what a person calls them, and how its logits become probabilities.

    `temperature` is None where the model's folder is gone or holds another model by now: then no guess is shown.
    """

    model: str
    known: tuple[str, ...]
    temperature: float | None
    names: CategoryAliases = field(default_factory=CategoryAliases)

    @property
    def categories(self) -> tuple[str, ...]:
        """Every category there is, by its name of now: the model's first, then those that a person made."""
        return self.names.all(self.known)

    def of(self, logits: bytes | None) -> dict[str, float]:
        """The probability of each category, the likeliest first; empty when nothing is known.

        `logits` as the catalog keeps them: float32, little-endian, one for each category that the model knows.
        Categories that a person put together have the sum of theirs.
        """
        if logits is None or self.temperature is None or len(logits) != 4 * len(self.known):
            return {}
        values = np.frombuffer(logits, "<f4").astype(np.float64) / self.temperature
        powers = np.exp(values - values.max())
        shares: Counter[str] = Counter()
        for category, share in zip(self.known, (powers / powers.sum()).tolist(), strict=True):
            shares[self.names.resolve(category)] += share
        return dict(shares.most_common())


def read_guesses(catalog: Catalog) -> Suggestions:
    """Those of the model that the library was last sorted with; without its folder, the categories that were used."""
    names = read_aliases(catalog)
    model, folder, _ = audits.last_sort(catalog) or ("", None, {})
    manifest = None if folder is None else _read(folder)
    if manifest is not None and manifest.key == model:
        return Suggestions(model=model, known=manifest.categories, temperature=manifest.temperature, names=names)
    used = [category for category in used_categories(catalog) if category not in names.made]
    return Suggestions(model=model, known=tuple(used), temperature=None, names=names)


def _read(folder: Path) -> Manifest | None:
    """The manifest; None when it is not there or damaged."""
    try:
        return load_manifest(folder)
    except ModelError:
        return None
