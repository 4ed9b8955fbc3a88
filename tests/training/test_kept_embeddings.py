"""Training takes what a library keeps of labeled pictures, and reads the others."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.records import Example
from classifier.settings import Settings, load
from classifier.sort.pipeline import sort
from classifier.training import context
from classifier.training.features import embed_examples
from classifier.training.pipeline import TrainingResult, train_model
from kit.pictures import COLORS, encoded, varied
from kit.tree import make_tree

EACH = 20
TIMED = 32
"""What is embedded whatever is kept, to estimate the time by."""


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each stage of a training embedded."""
    counts: list[int] = []

    def counted(examples: Sequence[Example], **options: Any) -> Any:
        counts.append(len(examples))
        return embed_examples(examples, **options)

    monkeypatch.setattr(context, "embed_examples", counted)
    return counts


def settings(folder: Path, backbone: str, *overrides: str) -> Settings:
    given = {
        "labels.folder": folder / "labels",
        "model.folder": folder / "model",
        "model.backbone": backbone,
        "model.image_size": 32,
        "runtime.workers": 0,
        "train.recipe": "head",
    }
    return load(None, [*(f"{name}={value}" for name, value in given.items()), *overrides])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, backbone: str) -> tuple[TrainingResult, Path]:
    """A model, and the folder of a library into which it sorted the very pictures that it learned from."""
    folder, names = tmp_path_factory.mktemp("trained"), ("blue", "green", "red")
    pictures = {
        name: {f"{n}.png": encoded(varied(COLORS[name], seed=97 * n + ord(name[0])), "PNG") for n in range(EACH)}
        for name in names
    }
    make_tree(folder / "labels", pictures)
    result = train_model(settings(folder, backbone))
    sort(folder / "labels", library=folder / "sorted", bundle=result.bundle.folder, settings=settings(folder, backbone))
    return result, folder


def train_again(trained: Path, backbone: str, *, library: Path) -> TrainingResult:
    given = settings(trained, backbone, f"labels.library={library}", f"model.folder={library.parent / 'again'}")
    return train_model(given)


def test_pictures_that_a_library_knows_are_not_read_again(
    tmp_path: Path, trained: tuple[TrainingResult, Path], backbone: str, embedded: list[int]
) -> None:
    first, folder = trained
    library = shutil.copytree(folder / "sorted", tmp_path / "sorted")

    again = train_again(folder, backbone, library=library)

    assert embedded == [TIMED]
    assert again.bundle.manifest.categories == first.bundle.manifest.categories
    kept, read = again.bundle.load_holdout(), first.bundle.load_holdout()
    assert kept is not None
    assert read is not None
    assert kept.image_ids == read.image_ids
    np.testing.assert_allclose(kept.logits, read.logits, atol=0.05)


def test_pictures_whose_kept_values_are_damaged_are_read(
    tmp_path: Path, trained: tuple[TrainingResult, Path], backbone: str, embedded: list[int]
) -> None:
    first, folder = trained
    library = shutil.copytree(folder / "sorted", tmp_path / "sorted")
    for shard in library.glob(".illsort/embeddings/*/*.rows"):
        shard.write_bytes(shard.read_bytes()[:64] + bytes(shard.stat().st_size))

    again = train_again(folder, backbone, library=library)

    assert embedded == [3 * EACH]
    damaged, read = again.bundle.load_holdout(), first.bundle.load_holdout()
    assert damaged is not None
    assert read is not None
    np.testing.assert_array_equal(damaged.logits, read.logits)
