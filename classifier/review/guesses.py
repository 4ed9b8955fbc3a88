"""What the last sort's model says of a picture, by what is stored of it: read without the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.catalogue import audits
from classifier.errors import ModelError
from classifier.model.files import MANIFEST, read_json
from classifier.model.key import answers_key

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalogue.store import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """The categories in the model's order, and how its logits become probabilities.

    `temperature` is None where the model's folder is gone or holds another model by now: then no guess is shown.
    """

    model: str
    categories: tuple[str, ...]
    temperature: float | None

    def of(self, logits: bytes | None) -> dict[str, float]:
        """The probability of each category, the likeliest first; empty when nothing is known.

        `logits` as the catalogue keeps them: float32, little-endian, one for each category.
        """
        if logits is None or self.temperature is None or len(logits) != 4 * len(self.categories):
            return {}
        values = np.frombuffer(logits, "<f4").astype(np.float64) / self.temperature
        powers = np.exp(values - values.max())
        pairs = zip(self.categories, (powers / powers.sum()).tolist(), strict=True)
        return dict(sorted(pairs, key=lambda pair: -pair[1]))


def read_guesses(catalogue: Catalogue) -> Guesses:
    """Those of the model that the library was last sorted with; without its folder, the categories that were used."""
    model, folder, _ = audits.last_sort(catalogue) or ("", None, {})
    manifest = {} if folder is None else _read(folder / MANIFEST)
    if manifest and _key(manifest) == model:
        return Guesses(
            model=model, categories=tuple(manifest["categories"]), temperature=float(manifest["temperature"])
        )
    used = catalogue.connection.execute("SELECT DISTINCT category FROM decisions ORDER BY category")
    return Guesses(model=model, categories=tuple(category for (category,) in used), temperature=None)


def _key(manifest: dict[str, Any]) -> str:
    return answers_key(
        weights_sha256=manifest["weights_sha256"],
        image_size=manifest["image_size"],
        max_squeeze=float(manifest["max_squeeze"]),
        novelty_sha256=manifest.get("novelty_sha256", ""),
    )


def _read(path: Path) -> dict[str, Any]:
    """The manifest; empty when it is not there or lacks what is asked of it."""
    try:
        values = read_json(path)
        needed = ("categories", "temperature", "weights_sha256", "image_size", "max_squeeze")
        return {key: values[key] for key in needed} | {"novelty_sha256": values.get("novelty_sha256", "")}
    except (ModelError, KeyError):
        return {}
