"""Labeled pictures: read in the test's own process, or made up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from classifier.labels.dataset import Result, read_example
from classifier.records import Example, ImageId, Label

GREY = bytes([128]) * 768


def read_here(labels: tuple[Label, ...]) -> Iterator[Result]:
    """One after the other."""
    return (read_example(label, 64) for label in labels)


def example(name: str, category: str, *, phash: int | None = None, thumbnail: bytes | None = None) -> Example:
    """An example unlike any other, unless told what it looks like."""
    rng = np.random.default_rng(abs(hash((name, category))))
    return Example(
        label=Label(path=Path(category) / name, category=category),
        image_id=ImageId(f"{category}/{name}"),
        phash=int(rng.integers(2**63)) if phash is None else phash,
        thumbnail=rng.integers(0, 256, 768, dtype=np.uint8).tobytes() if thumbnail is None else thumbnail,
    )
