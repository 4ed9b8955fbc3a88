"""Pictures are nearly the same by hash and thumbnail, as in the split of the labels."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from PIL import Image

from classifier.images.hashing import hash_bytes
from classifier.records import ImageId
from classifier.web.similar import NearDuplicateFinder
from kit.pictures import COLORS, busy, encoded, plain


def shelf(*images: Image.Image) -> tuple[Callable[[ImageId], bytes | None], list[ImageId], list[ImageId]]:
    """What sees these, their ids, and a list that grows by the id of each that is looked at."""
    pictures = [hash_bytes(str(number).encode()) for number in range(len(images))]
    kept = dict(zip(pictures, (encoded(image, "JPEG", quality=82) for image in images), strict=True))
    asked: list[ImageId] = []

    def see(picture: ImageId) -> bytes | None:
        asked.append(picture)
        return kept.get(picture)

    return see, pictures, asked


def test_a_scaled_and_recompressed_copy_is_a_near_duplicate() -> None:
    one = busy(1, (320, 240))
    again = Image.open(BytesIO(encoded(one, "JPEG", quality=40)))
    see, (own, smaller, worse, other), _ = shelf(one, one.resize((160, 120)), again, busy(2, (320, 240)))

    assert [worse, smaller] == NearDuplicateFinder(see).same(own, [other, worse, smaller])


def test_flat_images_of_different_colors_are_no_near_duplicates() -> None:
    see, (red, blue, again), _ = shelf(*(plain(COLORS[name], (320, 240)) for name in ("red", "blue", "red")))

    assert [again] == NearDuplicateFinder(see).same(red, [blue, again])


def test_a_missing_image_has_no_near_duplicates_and_is_read_once() -> None:
    see, (own, other), asked = shelf(busy(1), busy(1))
    looks, gone = NearDuplicateFinder(see), ImageId("f" * 64)

    assert [other] == looks.same(own, [gone, other])
    assert [] == looks.same(gone, [own])
    assert [own, gone, other] == asked


def test_an_image_without_candidates_is_not_decoded() -> None:
    see, (own,), asked = shelf(busy(1))

    assert ([], []) == (NearDuplicateFinder(see).same(own, []), asked)
