"""Of near-duplicates in a sample, one is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classifier.active.deduplicate import drop_repeats, duplicate_indices
from kit.pictures import busy, encoded


def test_only_images_similar_to_a_kept_one_are_dropped() -> None:
    assert {1, 4} == drop_repeats([(1, 2), (0, 1), (3, 4)])


def test_the_same_image_in_another_format_and_size_is_a_duplicate(tmp_path: Path) -> None:
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


def test_images_with_different_embeddings_are_not_read(tmp_path: Path) -> None:
    nowhere = [tmp_path / "a.png", tmp_path / "b.png"]
    assert set() == duplicate_indices(nowhere, np.eye(2, dtype=np.float32), bits=6, max_megapixels=64)
