"""Labeled embeddings are stored as float16 and refused in one line when damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.errors import ModelError
from classifier.model.labeled_embeddings import LabeledEmbeddings, load_labeled_embeddings
from classifier.records import ImageId, Selection


def labeled(count: int = 3, *, scale: float = 1.0) -> LabeledEmbeddings:
    return LabeledEmbeddings(
        embeddings=(scale * np.random.default_rng(0).normal(size=(count, 4))).astype(np.float32),
        targets=np.arange(count, dtype=np.int64) % 2,
        groups=np.arange(count, dtype=np.int64),
        image_ids=tuple(ImageId(f"{number:064x}") for number in range(count)),
        paths=tuple(f"狗/{number} \udcff.jpg" for number in range(count)),
        selections=tuple([*Selection][number % len(Selection)] for number in range(count)),
        stats=np.random.default_rng(1).random((count, 2), np.float32),
    )


@pytest.mark.parametrize("count", [0, 1, 300])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_saved_values_are_read_back_to_three_digits(tmp_path: Path, count: int, scale: float) -> None:
    saved = labeled(count, scale=scale)
    saved.save(tmp_path / "labelled.npz")
    read = load_labeled_embeddings(tmp_path / "labelled.npz", categories=2)

    np.testing.assert_allclose(saved.embeddings, read.embeddings, rtol=1e-3, atol=1e-6 * scale)
    assert saved.stats is not None
    assert read.stats is not None
    np.testing.assert_allclose(saved.stats, read.stats, rtol=1e-3, atol=1e-6)
    assert (saved.targets.tolist(), saved.groups.tolist()) == (read.targets.tolist(), read.groups.tolist())
    assert (saved.image_ids, saved.paths, count) == (read.image_ids, read.paths, len(read))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"embeddings": np.zeros((2, 4), np.float16)}, "do not fit 3 pictures"),
        ({"embeddings": np.zeros(3, np.float16)}, "do not fit"),
        ({"embeddings": np.full((3, 4), np.inf, np.float16)}, "not finite"),
        ({"stats": np.zeros((2, 2), np.float16)}, "do not fit 3 pictures"),
        ({"stats": np.full((3, 2), np.nan, np.float16)}, "not finite"),
        ({"targets": np.zeros(2, np.int64)}, "do not fit"),
        ({"targets": np.zeros(3, np.int32)}, "its numbers are int32, int64"),
        ({"targets": np.array([0, 1, 2])}, "categories beyond the 2"),
        ({"paths": ("a.jpg",)}, "do not fit"),
        ({"image_ids": ("a", "b", "c")}, "no SHA-256"),
        ({"image_ids": np.array([None, None, None], dtype=object)}, "cannot be read"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    path = tmp_path / "labelled.npz"
    whole = replace(labeled(), **change)
    arrays = {name: getattr(whole, name) for name in LabeledEmbeddings.__slots__}
    np.savez(path, scale=np.float32(1), truths=arrays.pop("targets"), pictures=arrays.pop("image_ids"), **arrays)
    refused(path, says)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:0],
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b"truths", b"truth_"),
        lambda content: content.replace(b"scale", b"sca__"),
    ],
    ids=["empty", "half", "a part missing", "no scale"],
)
def test_a_damaged_file_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "labelled.npz"
    labeled(40).save(path)
    path.write_bytes(spoil(path.read_bytes()))
    refused(path, "cannot be read")


def refused(path: Path, says: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_labeled_embeddings(path, categories=2)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())
