"""What the demo draws is varied, repeatable and readable by the project's own eyes."""

from __future__ import annotations

import pytest

from classifier.demo.draw import KINDS, draw
from classifier.duplicates.groups import near_pairs
from kit.copies import pictures_of


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same_picture(kind: str) -> None:
    assert draw(kind, 3).tobytes() == draw(kind, 3).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_of_a_kind_are_equal_and_few_are_alike(kind: str) -> None:
    pictures = [draw(kind, seed) for seed in range(24)]

    assert 24 == len({picture.tobytes() for picture in pictures})
    assert len(near_pairs(pictures_of(*pictures))) <= 1
