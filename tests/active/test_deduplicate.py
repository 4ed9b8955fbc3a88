"""Of pictures that are one to a person, one stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classifier.active.deduplicate import drop_repeats, duplicate_indices
from kit.pictures import busy, encoded


def test_what_is_like_one_that_stays_goes_and_what_is_only_like_one_that_goes_stays() -> None:
    assert {1, 4} == drop_repeats([(1, 2), (0, 1), (3, 4)])


def test_the_same_picture_in_another_format_and_size_is_superfluous(tmp_path: Path) -> None:
    image, other = busy(1, (400, 300)), busy(2, (400, 300))
    contents = {
        "a.png": encoded(image, "PNG"),
        "b.jpg": encoded(image, "JPEG", quality=80),
        "c.png": encoded(other, "PNG"),
        "d.png": encoded(image.resize((200, 150)), "PNG"),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    embeddings = np.array([[1, 0], [0.99, 0.01], [0.98, 0.1], [1, 0.05]], dtype=np.float32)
    paths = [tmp_path / name for name in contents]

    assert {1, 3} == duplicate_indices(paths, embeddings, bits=6, max_megapixels=64)


def test_pictures_whose_embeddings_lie_apart_are_not_even_read(tmp_path: Path) -> None:
    nowhere = [tmp_path / "a.png", tmp_path / "b.png"]
    assert set() == duplicate_indices(nowhere, np.eye(2, dtype=np.float32), bits=6, max_megapixels=64)
