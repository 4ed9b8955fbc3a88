"""Copies are one group, whatever was done to them; variants of one drawing and strangers stay apart."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from classifier.duplicates.compare import Pictures, no_pictures
from classifier.duplicates.groups import find_groups, near_pairs
from kit.copies import COPIES, compressed, cut, drawing, pictures_of, with_face
from kit.pictures import plain


@pytest.mark.parametrize("how", list(COPIES))
def test_a_copy_is_found_among_strangers(how: str) -> None:
    originals = [drawing(seed) for seed in range(6)]
    copies = [COPIES[how](image) for image in originals]

    assert [[n, n + 6] for n in range(6)] == find_groups(pictures_of(*originals, *copies))


def test_all_copies_of_one_are_one_group_with_the_best_first() -> None:
    image = drawing(3)

    groups = find_groups(pictures_of(image, *(copy(image) for copy in COPIES.values()), drawing(4)))

    assert [list(range(len(COPIES) + 1))] == groups


def test_variants_with_another_face_stay_apart_and_each_has_its_copies() -> None:
    smiling, stern = (with_face(drawing(7), smiling=smiling) for smiling in (True, False))
    small = [compressed(one.resize((200, 260))) for one in (smiling, stern)]

    assert [[0, 2], [1, 3]] == find_groups(pictures_of(smiling, stern, *small))


@pytest.mark.parametrize("how", list(COPIES))
def test_a_copy_and_a_variant_are_near_and_strangers_are_not(how: str) -> None:
    smiling, stern = (with_face(drawing(7), smiling=smiling) for smiling in (True, False))

    pairs = near_pairs(pictures_of(drawing(8), smiling, stern, COPIES[how](smiling), drawing(9)))

    assert [(1, 2), (1, 3), (2, 3)] == pairs
    assert [] == near_pairs(no_pictures())


def test_a_copy_of_a_copy_that_is_none_of_the_best_has_a_group_of_its_own() -> None:
    """A tenth and then another tenth are cut off: the last is a copy of the second, and a stranger to the first."""
    image = drawing(11, (800, 1000))
    once = cut(image, 0.1, all_round=False)
    twice = cut(once, 0.1, all_round=False)
    thrice = cut(twice, 0.1, all_round=False)

    groups = find_groups(pictures_of(image, once, twice, thrice))

    assert [[0, 1], [2, 3]] == groups


def test_mirrored_and_recolored_drawings_stay_apart() -> None:
    image = drawing(5)
    red, green, blue = image.split()
    swapped = Image.merge("RGB", [blue, red, green])

    assert [] == find_groups(pictures_of(image, ImageOps.mirror(image), swapped))


def test_flat_images_of_other_colors_stay_apart() -> None:
    colors = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (120, 120, 120), (250, 250, 250)]

    assert [] == find_groups(pictures_of(*(plain(color, size=(300, 300)) for color in colors)))


def test_strangers_are_no_copies() -> None:
    assert [] == find_groups(pictures_of(*(drawing(seed) for seed in range(60))))


def test_of_no_picture_and_of_one_there_is_no_group() -> None:
    assert [] == find_groups(no_pictures())
    assert [] == find_groups(pictures_of(drawing(1)))


def test_hundreds_of_equal_looks_are_one_group() -> None:
    one = pictures_of(drawing(2))
    many = Pictures(looks=np.repeat(one.looks, 300, axis=0), sizes=np.repeat(one.sizes, 300, axis=0))

    assert [list(range(300))] == find_groups(many)
