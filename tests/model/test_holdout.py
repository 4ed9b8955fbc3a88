"""What is saved is what is read, without pickle; what is damaged is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.errors import ModelError
from classifier.model.holdout import HoldoutMethod, HoldoutPredictions, load_holdout
from classifier.records import ImageId, Selection


def evidence(count: int = 3) -> HoldoutPredictions:
    return HoldoutPredictions(
        logits=np.arange(2 * count, dtype=np.float32).reshape(count, 2),
        targets=np.arange(count, dtype=np.int64) % 2,
        groups=np.arange(count, dtype=np.int64),
        image_ids=tuple(ImageId(f"{number:064x}") for number in range(count)),
        paths=tuple(f"狗/{number} \udcff.jpg" for number in range(count)),
        method=HoldoutMethod(3),
        selections=tuple([*Selection][number % len(Selection)] for number in range(count)),
        unjudged=7,
    )


def as_values(of: HoldoutPredictions) -> tuple[Any, ...]:
    rows = of.logits.tolist(), of.targets.tolist(), of.groups.tolist(), of.image_ids, of.paths, of.selections
    return *rows, of.method, of.unjudged


@pytest.mark.parametrize("count", [0, 1, 300])
def test_what_is_saved_is_what_is_read(tmp_path: Path, count: int) -> None:
    evidence(count).save(tmp_path / "evidence.npz")
    read = load_holdout(tmp_path / "evidence.npz", categories=2)

    assert as_values(evidence(count)) == as_values(read)
    assert (np.float32, np.int64, np.int64) == (read.logits.dtype, read.targets.dtype, read.groups.dtype)
    assert count == len(read)


def test_the_same_evidence_is_the_same_file(tmp_path: Path) -> None:
    evidence().save(tmp_path / "one.npz")
    evidence().save(tmp_path / "two.npz")

    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"logits": np.zeros((3, 5), np.float32)}, "do not fit 3 pictures and 2 categories"),
        ({"logits": np.zeros(3, np.float32)}, "do not fit"),
        ({"targets": np.zeros(2, np.int64)}, "do not fit"),
        ({"paths": ("a.jpg",)}, "do not fit"),
        ({"groups": np.zeros((3, 1), np.int64)}, "do not fit"),
        ({"logits": np.zeros((3, 2))}, "its numbers are float64, int64, int64"),
        ({"targets": np.zeros(3, np.int32)}, "its numbers are float32, int32, int64"),
        ({"logits": np.full((3, 2), np.nan, np.float32)}, "not finite"),
        ({"targets": np.array([0, 1, 2])}, "categories beyond the 2"),
        ({"targets": np.array([0, 1, -2])}, "categories beyond the 2"),
        ({"unjudged": -1}, "do not fit"),
        ({"method": HoldoutMethod(0)}, "do not fit"),
        ({"method": HoldoutMethod(3, answers=-1)}, "do not fit"),
        ({"selections": ("random", "random")}, "do not fit"),
        ({"selections": ("random", "random", "lucky")}, "cannot be read"),
        ({"image_ids": ("a", "b", "c")}, "no SHA-256"),
        ({"image_ids": np.array([None, None, None], dtype=object)}, "cannot be read"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    path = tmp_path / "evidence.npz"
    np.savez(path, **as_arrays(replace(evidence(), **change)))
    refused(path, says)


def as_arrays(of: HoldoutPredictions) -> dict[str, Any]:
    arrays = {name: getattr(of, name) for name in HoldoutPredictions.__slots__}
    method = arrays.pop("method")
    names = {"truths": arrays.pop("targets"), "pictures": arrays.pop("image_ids")}
    return {**arrays, **names, "parts": method.parts, "answers": method.answers}


@pytest.mark.parametrize(
    ("phrase", "method"),
    [
        ("held out", HoldoutMethod(1)),
        ("cross-fitted in 3 parts", HoldoutMethod(3)),
        ("cross-fitted in 5 parts, with 10 verdicts beside them", HoldoutMethod(5, answers=10)),
    ],
)
def test_the_phrase_of_an_earlier_version_is_read(tmp_path: Path, phrase: str, method: HoldoutMethod) -> None:
    path = tmp_path / "evidence.npz"
    arrays = as_arrays(evidence())
    del arrays["parts"], arrays["answers"]
    np.savez(path, how=phrase, **arrays)

    assert method == load_holdout(path, categories=2).method


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:0],
        lambda content: b"not a zip" + content[:0],
        lambda content: content[: len(content) // 2],
        lambda content: content[:60] + b"\xff\xff\xff\xff" + content[64:],
        lambda content: content.replace(b"truths", b"truth_"),
    ],
    ids=["empty", "no zip", "half", "bits", "a part missing"],
)
def test_a_damaged_file_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "evidence.npz"
    evidence(40).save(path)
    path.write_bytes(spoil(path.read_bytes()))
    refused(path, "cannot be read")


def test_no_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "evidence.npz", "cannot be read")


def refused(path: Path, says: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_holdout(path, categories=2)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())


def test_older_holdout_predictions_count_as_selected_by_a_person(tmp_path: Path) -> None:
    path, whole = tmp_path / "evidence.npz", evidence()
    later = {"selections", "unjudged", "parts", "answers"}
    arrays = {name: values for name, values in as_arrays(whole).items() if name not in later}
    np.savez(path, how="cross-fitted in 3 parts", **arrays)
    read = load_holdout(path, categories=2)

    assert (Selection.PERSON,) * 3 == read.selections
    assert 0 == len(read.by_chance)
