"""A sample of the crawl is drawn by name: the same for the same names, whatever else there is."""

from __future__ import annotations

from pathlib import Path

from classifier.training.unlabeled import sample, sample_size
from kit.tree import make_tree


def test_a_sample_is_a_repeatable_draw(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": {f"{n}.jpg": b"x" for n in range(50)}, "notes.txt": b"no picture"})
    drawn, found = sample(tmp_path, count=10, seed=1)

    assert (10, 50) == (len(set(drawn)), found.pictures)
    assert drawn == sample(tmp_path, count=10, seed=1)[0]
    assert drawn != sample(tmp_path, count=10, seed=2)[0]


def test_new_pictures_take_the_places_of_few(tmp_path: Path) -> None:
    make_tree(tmp_path, {f"{n}.jpg": b"x" for n in range(100)})
    before, _ = sample(tmp_path, count=30, seed=0)
    make_tree(tmp_path, {f"new{n}.jpg": b"x" for n in range(10)})
    after, _ = sample(tmp_path, count=30, seed=0)

    assert len(set(before) & set(after)) > 20


def test_the_sample_grows_with_the_labels_within_bounds() -> None:
    assert [1000, 1920, 4000] == [sample_size(labels) for labels in (10, 160, 5000)]
