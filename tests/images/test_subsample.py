"""A sample by hash depends on names alone: it is repeatable, and a larger one begins with a smaller one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classifier.images.hashing import sample_by_hash
from classifier.records import ImageFile

if TYPE_CHECKING:
    from collections.abc import Sequence


def files(root: Path, numbers: Sequence[int]) -> list[ImageFile]:
    return [
        ImageFile(path=root / f"{number % 7}" / f"{number}.png", size_bytes=1, mtime_ns=0, inode=0, device=0)
        for number in numbers
    ]


def drawn(root: Path, numbers: Sequence[int], *, count: int, seed: int = 0) -> list[str]:
    return [file.path.name for file in sample_by_hash(files(root, numbers), root=root, count=count, seed=seed)]


def test_a_larger_draw_begins_with_a_smaller_one() -> None:
    few, many = (drawn(Path("crawl"), range(100), count=count) for count in (10, 40))
    assert few == many[:10]
    assert 40 == len(set(many))


def test_neither_the_order_nor_the_place_of_the_crawl_changes_the_draw() -> None:
    assert drawn(Path("a"), range(100), count=20) == drawn(Path("b/c"), range(99, -1, -1), count=20)


def test_another_seed_draws_others() -> None:
    assert drawn(Path("a"), range(100), count=20) != drawn(Path("a"), range(100), count=20, seed=1)


def test_there_may_be_fewer_than_are_asked_for() -> None:
    assert 3 == len(drawn(Path("a"), range(3), count=20))
