"""Copies among what waits are found by kept looks, nearest first; what is decided or has no look is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifier.catalog import embeddings
from classifier.catalog.connection import Catalog, open_catalog
from classifier.catalog.embeddings import LOOKS, embeddings_folder
from classifier.catalog.looks import as_rows
from classifier.catalog.shards import ShardWriter, shard_path
from classifier.records import Action, ImageId, ImageInfo
from classifier.web.near_duplicates import WaitingIndex, build_index, copies_among, look_of
from kit.copies import compressed, cut, drawing, look_at, with_face
from kit.reviewing import waiting_library

WAITING = 8
FILED = 9


class Kept:
    """A library in which images wait whose looks are kept."""

    def __init__(self, catalog: Catalog, library: Path, image_ids: Sequence[ImageId]) -> None:
        self.catalog = catalog
        self.library = library
        self.image_ids = list(image_ids)

    def keep(self, images: dict[int, Image.Image]) -> None:
        """Have the store hold the looks of these, by number."""
        infos = [
            ImageInfo(id=self.image_ids[number], size_bytes=1, width=4, height=3, truncated=False, look=look_at(image))
            for number, image in images.items()
        ]
        located = ShardWriter(self.library, LOOKS, last=None).append(as_rows(infos))
        found = [(info.id, location) for info, location in zip(infos, located, strict=True) if location is not None]
        embeddings.add(self.catalog, found, backbone=LOOKS)

    def index(self) -> WaitingIndex:
        """Of all that waits now."""
        return build_index(self.catalog, self.library, rest=lambda: None)

    def copies(self, number: int) -> list[int]:
        """The copies of an image that wait, by number."""
        look = look_of(self.catalog, self.library, self.image_ids[number])
        close = [] if look is None else self.index().candidates(look)
        others = [one for one in close if one != self.image_ids[number]]
        found = copies_among(self.catalog, self.library, self.image_ids[number], others)
        return [self.image_ids.index(one) for one in found]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    waiting = [(Action.REVIEW, "chibi", 0.5)] * WAITING + [(Action.UNKNOWN, "", 0.5), (Action.FILE, "page", 1.0)]
    library, image_ids = waiting_library(tmp_path, waiting)
    with open_catalog(library) as catalog:
        yield Kept(catalog, library, image_ids)


def test_a_copy_of_half_the_size_and_a_cut_one_are_found_whichever_is_shown(kept: Kept) -> None:
    image = drawing(1)
    small = compressed(image.resize((200, 260)))
    kept.keep({0: image, 3: small, 8: cut(image, 0.03, all_round=True), 5: drawing(2), 6: drawing(3)})

    assert {3, 8} == set(kept.copies(0))
    assert {0, 8} == set(kept.copies(3))
    assert {0, 3} == set(kept.copies(8))
    assert [] == kept.copies(5)


def test_the_nearest_come_first(kept: Kept) -> None:
    image = drawing(4)
    kept.keep({0: image, 1: cut(image, 0.1, all_round=True), 2: image.resize((200, 260))})

    assert kept.image_ids[0] == kept.index().candidates(np.frombuffer(look_at(image), np.uint8))[0]
    assert [2, 1] == kept.copies(0)


def test_variants_with_another_face_are_no_copies(kept: Kept) -> None:
    smiling, stern = (with_face(drawing(7), smiling=smiling) for smiling in (True, False))
    kept.keep({0: smiling, 1: stern, 2: smiling.resize((200, 260))})

    assert [2] == kept.copies(0)
    assert [] == kept.copies(1)


def test_images_that_are_decided_or_unreadable_are_no_candidates(kept: Kept) -> None:
    image = drawing(5)
    kept.keep(dict.fromkeys((0, 3, FILED, 4), image))
    path = shard_path(embeddings_folder(kept.library, LOOKS), 1)
    path.write_bytes(path.read_bytes()[:-200])  # of the last row

    assert [3] == kept.copies(0)


def test_building_the_index_can_be_interrupted(kept: Kept) -> None:
    kept.keep({0: drawing(1)})

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        build_index(kept.catalog, kept.library, rest=stop)


def test_an_image_without_a_look_has_no_copies(kept: Kept) -> None:
    kept.keep({1: drawing(1)})

    assert [] == kept.copies(0)
    assert () == copies_among(kept.catalog, kept.library, kept.image_ids[0], [kept.image_ids[1]])


def test_an_empty_index_finds_nothing(kept: Kept) -> None:
    assert [] == kept.index().candidates(np.frombuffer(look_at(drawing(1)), np.uint8))
