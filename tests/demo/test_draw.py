"""What the demo draws is varied, repeatable and readable by the project's own eyes."""

from __future__ import annotations

import pytest

from classifier.demo.draw import KINDS, draw
from classifier.images.hashing import perceptual_hash


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same_picture(kind: str) -> None:
    assert draw(kind, 3).tobytes() == draw(kind, 3).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_of_a_kind_are_equal_and_few_are_alike(kind: str) -> None:
    pictures = [draw(kind, seed) for seed in range(12)]
    hashes = [perceptual_hash(picture) for picture in pictures]

    assert 12 == len({picture.tobytes() for picture in pictures})
    apart = [(a ^ b).bit_count() for n, a in enumerate(hashes) for b in hashes[:n]]
    assert sorted(apart)[len(apart) // 2] > 6
