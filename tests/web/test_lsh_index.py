"""What may nearly repeat a picture is found by sketches of embeddings that are read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifier.catalog import embeddings
from classifier.catalog.connection import open_catalog
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.shards import EmbeddingBatch, ShardWriter, shard_path
from classifier.records import Action
from classifier.web.lsh_index import EMPTY, LshIndex, build_index, candidates
from kit.reviewing import waiting_library

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId

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

    def sketched(self, known: LshIndex = EMPTY) -> LshIndex:
        """All that waits now."""
        drawn = build_index(self.catalog, self.folder, backbone=BACKBONE, known=known, rest=lambda: True)
        assert drawn is not None
        return drawn

    def candidates(self, embedding: NDArray[np.float32], sketches: LshIndex) -> list[ImageId]:
        """What may repeat a picture of this embedding."""
        return candidates(self.catalog, self.folder, sketches, embedding, backbone=BACKBONE)


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

    found = kept.candidates(rows[2], kept.sketched())

    assert [kept.image_ids[number] for number in (2, 5, 33)] == found


def test_known_embeddings_are_not_read_again_and_new_ones_are_added(kept: Kept) -> None:
    rows = drawn(40)
    rows[39] = rows[0]
    kept.keep(kept.image_ids[:39], rows[:39])
    first = kept.sketched()
    content = shard_path(kept.folder, 1).read_bytes()
    kept.keep(kept.image_ids[39:40], rows[39:])
    whole = shard_path(kept.folder, 1).read_bytes()
    shard_path(kept.folder, 1).write_bytes(whole[:64] + bytes(len(content) - 64) + whole[len(content) :])
    second = kept.sketched(first)

    assert (39, 40) == (len(first.spots), len(second.spots))
    assert first.words.tolist() == second.words[:39].tolist()
    shard_path(kept.folder, 1).write_bytes(whole)
    assert {kept.image_ids[0], kept.image_ids[39]} == set(kept.candidates(rows[0], second))


def test_images_that_are_decided_or_unreadable_are_left_out(kept: Kept) -> None:
    kept.keep(kept.image_ids, drawn(41))
    path = shard_path(kept.folder, 1)
    path.write_bytes(path.read_bytes()[:-200])

    assert 39 == len(kept.sketched().spots)


def test_the_search_ends_when_it_is_cancelled(kept: Kept) -> None:
    kept.keep(kept.image_ids, drawn(41))

    assert None is build_index(kept.catalog, kept.folder, backbone=BACKBONE, known=EMPTY, rest=lambda: False)


def test_an_embedding_of_another_width_has_no_near_duplicates(kept: Kept) -> None:
    kept.keep(kept.image_ids, drawn(41))

    assert [] == kept.candidates(np.ones(WIDTH + 1, np.float32), kept.sketched())


def test_an_empty_index_finds_nothing(kept: Kept) -> None:
    assert [] == kept.candidates(drawn(1)[0], kept.sketched())
