"""A library sorted by a bundle that doubts some of its labels, whose pictures lie in a folder of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.images.hashing import hash_bytes
from classifier.model.bundle_files import EMBEDDINGS, EVALUATION
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import Selection
from kit.bundles import CATEGORIES, color_bundle
from kit.pictures import COLORS, encoded, varied
from kit.reviewing import sort_again, unsure_library

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.records import ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubted:
    """`wrong` are files in the labels folder that lie under another category than `colors` say, the surest first."""

    library: Path
    bundle: Path
    labels: Path
    wrong: tuple[Path, ...]
    colors: tuple[str, ...]

    @property
    def image_ids(self) -> tuple[ImageId, ...]:
        """Their ids, in the same order."""
        return tuple(hash_bytes(path.read_bytes()) for path in self.wrong)


def doubted(folder: Path, *, crawled: int = 0, waiting: int = 2) -> Doubted:
    """Make it in `folder`: two pictures of each color, and three more in the folder of the next color.

    `crawled` of the three are in the crawl too, and `waiting` others that are no labels.
    """
    labels = folder / "labels"
    drawn = {
        labels / (category if number < 2 else CATEGORIES[(kind + 1) % 3]) / f"{category} {number}.png": category
        for kind, category in enumerate(CATEGORIES)
        for number in range(3)
    }
    for number, (path, category) in enumerate(drawn.items()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(varied(COLORS[category], seed=number, size=(320, 240)), "PNG"))
    wrong = {path: category for path, category in drawn.items() if path.parent.name != category}
    bundle = color_bundle(folder / "model").folder
    for path in list(wrong)[:crawled]:
        (folder / "crawl").mkdir(exist_ok=True)
        (folder / "crawl" / path.name).write_bytes(path.read_bytes())
    made = Doubted(
        library=unsure_library(folder, bundle, waiting),
        bundle=bundle,
        labels=labels,
        wrong=tuple(wrong),
        colors=tuple(wrong.values()),
    )
    tell(made, tuple(drawn))
    sort_again(folder, bundle)
    return made


def tell(made: Doubted, paths: tuple[Path, ...]) -> None:
    """Have the bundle say that it was made of the pictures at `paths`, and that it doubts the wrong ones."""
    LabeledEmbeddings(
        embeddings=np.zeros((len(paths), 2), dtype=np.float32),
        targets=np.array([CATEGORIES.index(path.parent.name) for path in paths]),
        groups=np.arange(len(paths)),
        image_ids=tuple(hash_bytes(path.read_bytes()) for path in paths),
        paths=tuple(path.as_posix() for path in paths),
        selections=(Selection.PERSON,) * len(paths),
    ).save(made.bundle / EMBEDDINGS)
    doubts = [
        {
            "picture": hash_bytes(path.read_bytes()),
            "path": path.as_posix(),
            "category": path.parent.name,
            "likely": color,
            "wrong": 0.99 - number / 10,
            "confidence": 0.98 - number / 10,
        }
        for number, (path, color) in enumerate(zip(made.wrong, made.colors, strict=True))
    ]
    found = {"doubts": {"count": len(paths), "likely_wrong": len(doubts), "labels": doubts}}
    (made.bundle / EVALUATION).write_text(json.dumps(found), encoding="utf-8")
