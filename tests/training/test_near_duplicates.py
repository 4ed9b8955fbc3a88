"""Near-duplicates of labels are known by their looks; so are those of images that a backbone was fitted to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifier.errors import ModelError
from classifier.images.hashing import hash_bytes
from classifier.model.fitted_images import FittedImages, load_fitted
from classifier.records import Example, Label
from classifier.training.near_duplicates import are_fitted, near_examples
from kit.copies import COPIES, drawing, look_at, with_face


def labeled(name: str, image: Image.Image | None) -> Example:
    label = Label(path=Path(name), category="cat")
    if image is None:
        return Example(label=label, image_id=hash_bytes(name.encode()))
    return Example(label=label, image_id=hash_bytes(name.encode()), look=look_at(image), size=image.size)


SMILING, STERN = (with_face(drawing(7), smiling=smiling) for smiling in (True, False))


def test_copies_and_variants_are_pairs_whatever_stands_between_them() -> None:
    examples = [
        labeled("smiling", SMILING),
        labeled("never read", None),
        labeled("stranger", drawing(8)),
        labeled("cut", COPIES["cut at one side by 10%"](drawing(8))),
        labeled("stern", STERN),
        labeled("unread too", None),
    ]

    assert [(0, 4), (2, 3)] == near_examples(examples)
    assert [] == near_examples([])


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A record of two images, one of which has no look."""
    FittedImages().with_examples([labeled("smiling", SMILING), labeled("lookless", None)]).save(tmp_path / "fitted.npz")
    return tmp_path / "fitted.npz"


def test_what_nearly_repeats_a_fitted_image_is_fitted(kept: Path) -> None:
    later = [
        labeled("stranger", drawing(9)),
        labeled("lookless", None),
        labeled("another file", SMILING),
        labeled("unread", None),
        labeled("gray", COPIES["gray"](SMILING)),
        labeled("stern", STERN),
    ]

    assert [False, True, True, False, True, True] == are_fitted(load_fitted(kept), later)
    assert [False] * 6 == are_fitted(FittedImages(), later)


def test_a_record_grows_by_each_content_once(kept: Path) -> None:
    before = load_fitted(kept)
    after = before.with_examples([labeled("smiling", SMILING), labeled("new", STERN), labeled("new", STERN)])

    assert (2, 3) == (len(before), len(after))
    assert [look_at(SMILING), look_at(STERN)] == [after.looks[number].tobytes() for number in (0, 2)]


def test_after_a_record_of_an_earlier_version_every_image_counts_as_fitted(tmp_path: Path) -> None:
    ids = np.array([hash_bytes(b"smiling")])
    np.savez_compressed(tmp_path / "old.npz", pictures=ids, hashes=np.zeros(1, np.uint64), is_known=np.array(True))
    old = load_fitted(tmp_path / "old.npz")

    assert [True, True] == are_fitted(old, [labeled("a", drawing(9)), labeled("b", None)])
    assert not old.with_examples([labeled("new", STERN)]).is_known


@pytest.mark.parametrize(
    "harm",
    [
        {"looks": np.zeros((2, 703), np.uint8)},
        {"looks": np.zeros((2, 704), np.float32)},
        {"sizes": np.zeros((3, 2), np.int64)},
    ],
)
def test_a_damaged_record_is_refused_in_one_line(kept: Path, harm: dict[str, np.ndarray]) -> None:
    with np.load(kept) as arrays:
        whole = dict(arrays)
    np.savez_compressed(kept, **(whole | harm))

    with pytest.raises(ModelError, match="its parts do not fit 2 pictures"):
        load_fitted(kept)
