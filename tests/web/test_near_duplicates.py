"""Candidates for near-duplicates are found by embeddings; hash and thumbnail decide, as in the split of the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from classifier.catalog import embeddings
from classifier.catalog.connection import Catalog, open_catalog
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.shards import EmbeddingBatch, ShardWriter, shard_path
from classifier.images.hashing import hash_bytes
from classifier.records import Action, ImageId
from classifier.web.near_duplicates import NearDuplicateFinder, WaitingIndex, build_index
from kit.pictures import COLORS, busy, encoded, plain
from kit.reviewing import waiting_library

BACKBONE = "b" * 32
WIDTH = 48


class Kept:
    """A library in which pictures wait whose embeddings are kept."""

    def __init__(self, catalog: Catalog, library: Path, pictures: Sequence[ImageId]) -> None:
        self.catalog = catalog
        self.library = library
        self.folder = embeddings_folder(library, BACKBONE)
        self.image_ids = list(pictures)

    def keep(self, pictures: Sequence[ImageId], rows: NDArray[np.float32]) -> None:
        """Have the store hold these."""
        last = embeddings.last_row(self.catalog, BACKBONE)
        written = EmbeddingBatch(image_ids=pictures, embeddings=rows, stats=np.zeros((len(rows), 0), np.float32))
        spots = ShardWriter(self.library, BACKBONE, last=last).append(written)
        found = [(picture, spot) for picture, spot in zip(pictures, spots, strict=True) if spot is not None]
        embeddings.add(self.catalog, found, backbone=BACKBONE)

    def index(self) -> WaitingIndex:
        """Of all that waits now."""
        return build_index(self.catalog, self.folder, backbone=BACKBONE, rest=lambda: None)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    waiting = (
        [(Action.REVIEW, "chibi", 0.5)] * 30 + [(Action.UNKNOWN, "chibi", 0.5)] * 10 + [(Action.FILE, "page", 1.0)]
    )
    library, pictures = waiting_library(tmp_path, waiting)
    with open_catalog(library) as catalog:
        yield Kept(catalog, library, pictures)


def drawn(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Embeddings that have nothing to do with each other."""
    return np.random.default_rng(seed).standard_normal((count, WIDTH), dtype=np.float32)


def test_near_duplicates_are_found_among_all_that_waits_nearest_first(kept: Kept) -> None:
    rows = drawn(41)
    rows[[5, 33, 40]] = rows[2] + 0.1 * drawn(3, seed=1) * np.array([[1], [2], [1]])
    kept.keep(kept.image_ids, rows)

    found = kept.index().candidates(rows[2])

    assert [kept.image_ids[number] for number in (2, 5, 33)] == found


def test_images_that_are_decided_or_unreadable_are_no_candidates(kept: Kept) -> None:
    rows = drawn(41)
    rows[[3, 39, 40]] = rows[0]
    kept.keep(kept.image_ids, rows)
    path = shard_path(kept.folder, 1)
    path.write_bytes(path.read_bytes()[:-200])  # of the last row, and of the one before

    assert [kept.image_ids[number] for number in (0, 3)] == kept.index().candidates(rows[0])


def test_building_the_index_can_be_interrupted(kept: Kept) -> None:
    kept.keep(kept.image_ids, drawn(41))

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        build_index(kept.catalog, kept.folder, backbone=BACKBONE, rest=stop)


def test_an_embedding_of_another_width_has_no_candidates(kept: Kept) -> None:
    kept.keep(kept.image_ids, drawn(41))

    assert [] == kept.index().candidates(np.ones(WIDTH + 1, np.float32))


def test_an_empty_index_finds_nothing(kept: Kept) -> None:
    assert [] == kept.index().candidates(drawn(1)[0])


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
