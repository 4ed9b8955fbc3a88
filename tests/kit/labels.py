"""Labeled pictures: read in the test's own process, or made up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from classifier.inference.reader import NoPixels, Read, Reader
from classifier.labels.dataset import Result
from classifier.records import Example, ImageId, Label
from classifier.training.dataset import example_of


def read_here(labels: tuple[Label, ...]) -> Iterator[Result]:
    """One after the other."""
    return (read_example(label) for label in labels)


def read_example(label: Label, *, max_megapixels: float = 64) -> Result:
    """One labeled image, or its failure."""
    read = Reader(transform=NoPixels(), max_megapixels=max_megapixels, looks=True).read(label.path)
    return example_of(label, read.image) if isinstance(read, Read) else (label, read.failure)


def example(name: str, category: str) -> Example:
    """An example of no picture."""
    return Example(label=Label(path=Path(category) / name, category=category), image_id=ImageId(f"{category}/{name}"))
