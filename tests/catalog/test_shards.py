"""Rows of embeddings come back as they were, or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from classifier.catalog import shards
from classifier.catalog.embeddings import RowLocation, embeddings_folder, sizes_by_backbone
from classifier.catalog.shards import EmbeddingBatch, ShardWriter, read_shard, shard_path
from classifier.records import ImageId

BACKBONE = "b" * 32


def ids(count: int, first: int = 0) -> list[ImageId]:
    return [ImageId(hashlib.sha256(str(number).encode()).hexdigest()) for number in range(first, first + count)]


def rows(count: int = 10, *, first: int = 0, scale: float = 1.0, stats: int = 3) -> EmbeddingBatch:
    rng = np.random.default_rng(first)
    return EmbeddingBatch(
        image_ids=ids(count, first),
        embeddings=(scale * rng.standard_normal((count, 5))).astype(np.float32),
        stats=rng.random((count, stats), np.float32),
    )


def write(library: Path, given: EmbeddingBatch, last: RowLocation | None = None) -> list[RowLocation]:
    return [spot for spot in ShardWriter(library, BACKBONE, last=last).append(given) if spot is not None]


def read(library: Path, pictures: list[ImageId], *, shard: int = 1, first: int = 0) -> list[ImageId]:
    wanted = list(enumerate(pictures, start=first))
    return [one for part in read_shard(embeddings_folder(library, BACKBONE), shard, wanted) for one in part.image_ids]


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e9])
def test_embeddings_are_read_in_half_precision_at_any_scale(tmp_path: Path, scale: float) -> None:
    given = rows(scale=scale)
    assert [RowLocation(shard=1, row=number) for number in range(10)] == write(tmp_path, given)
    (found,) = read_shard(embeddings_folder(tmp_path, BACKBONE), 1, [(row, given.image_ids[row]) for row in (0, 3, 9)])

    assert [given.image_ids[row] for row in (0, 3, 9)] == found.image_ids
    np.testing.assert_allclose(given.embeddings[[0, 3, 9]], found.embeddings, rtol=1e-3, atol=scale * 1e-4)
    np.testing.assert_allclose(given.stats[[0, 3, 9]], found.stats, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("exponent", [-40, 0, 40])
def test_each_float16_value_is_read_exactly(tmp_path: Path, exponent: int) -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    numbers = every[np.isfinite(every) & (np.abs(every) < 1)]
    # A row's scale is a power of two above its largest number: with one half in each row, that is one.
    numbers = numbers[: len(numbers) // 7 * 7].reshape(-1, 7)
    kept = np.ldexp(np.pad(numbers, ((0, 0), (0, 1)), constant_values=0.5), exponent)
    given = EmbeddingBatch(image_ids=ids(len(kept)), embeddings=kept, stats=np.zeros((len(kept), 0), np.float32))
    write(tmp_path, given)
    found = np.concatenate(
        [
            part.embeddings
            for part in read_shard(embeddings_folder(tmp_path, BACKBONE), 1, list(enumerate(given.image_ids)))
        ]
    )

    assert np.array_equal(kept.view(np.uint32), found.view(np.uint32))  # signs of zeros included


def test_a_full_shard_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROWS", 4)
    spots = write(tmp_path, rows(10))

    assert [(1, 0), (1, 3), (2, 0), (3, 1)] == [(spots[n].shard, spots[n].row) for n in (0, 3, 4, 9)]
    assert ids(4, 4) == read(tmp_path, ids(4, 4), shard=2)
    assert [RowLocation(shard=3, row=2)] == write(tmp_path, rows(1, first=50), last=spots[-1])
    assert [*ids(2, 8), *ids(1, 50)] == read(tmp_path, [*ids(2, 8), *ids(1, 50)], shard=3)


def test_unrecorded_rows_after_a_kill_are_overwritten(tmp_path: Path) -> None:
    known = write(tmp_path, rows(3))[-1]
    write(tmp_path, rows(5, first=100), last=known)
    with shard_path(embeddings_folder(tmp_path, BACKBONE), 1).open("ab") as file:
        file.write(b"half a row")

    assert [RowLocation(shard=1, row=3), RowLocation(shard=1, row=4)] == write(tmp_path, rows(2, first=200), last=known)
    assert [*ids(3), *ids(2, 200)] == read(tmp_path, [*ids(3), *ids(2, 200)])


def test_embeddings_that_are_not_finite_are_not_stored(tmp_path: Path) -> None:
    given = rows(3)
    given.embeddings[1, 2] = np.inf
    spots = ShardWriter(tmp_path, BACKBONE, last=None).append(given)

    assert [RowLocation(shard=1, row=0), None, RowLocation(shard=1, row=1)] == spots
    assert [given.image_ids[0], given.image_ids[2]] == read(tmp_path, [given.image_ids[0], given.image_ids[2]])


def test_a_row_of_another_image_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, rows(3))

    assert [ids(3)[0], ids(3)[2]] == read(tmp_path, [ids(3)[0], ids(1, 77)[0], ids(3)[2]])


def test_any_damaged_byte_of_a_row_is_detected(tmp_path: Path) -> None:
    write(tmp_path, rows(3))
    path = shard_path(embeddings_folder(tmp_path, BACKBONE), 1)
    whole = path.read_bytes()
    length = (len(whole) - 64) // 3
    for place in range(64 + length, 64 + 2 * length):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        assert [ids(3)[0], ids(3)[2]] == read(tmp_path, ids(3))


def test_any_damaged_byte_of_a_header_is_detected(tmp_path: Path) -> None:
    write(tmp_path, rows(3))
    path = shard_path(embeddings_folder(tmp_path, BACKBONE), 1)
    whole = path.read_bytes()
    for place in range(64):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        assert [] == read(tmp_path, ids(3))


def test_a_truncated_shard_returns_its_complete_rows(tmp_path: Path) -> None:
    write(tmp_path, rows(3))
    path = shard_path(embeddings_folder(tmp_path, BACKBONE), 1)
    whole = path.read_bytes()
    length = (len(whole) - 64) // 3
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert ids(max(0, (size - 64) // length)) == read(tmp_path, ids(3))


def test_a_missing_shard_returns_nothing_and_is_not_reused(tmp_path: Path) -> None:
    last = write(tmp_path, rows(3))[-1]
    path = shard_path(embeddings_folder(tmp_path, BACKBONE), 1)
    path.unlink()

    assert [] == read(tmp_path, ids(3))
    assert [RowLocation(shard=2, row=0)] == write(tmp_path, rows(1, first=9), last=last)


def test_another_embedding_width_begins_a_new_shard(tmp_path: Path) -> None:
    last = write(tmp_path, rows(3))[-1]

    assert [RowLocation(shard=2, row=0)] == write(tmp_path, rows(1, first=9, stats=0), last=last)
    assert ids(1, 9) == read(tmp_path, ids(1, 9), shard=2)


def test_sizes_are_bytes_on_the_disk(tmp_path: Path) -> None:
    assert {} == sizes_by_backbone(tmp_path)
    write(tmp_path, rows(3))

    assert {BACKBONE: shard_path(embeddings_folder(tmp_path, BACKBONE), 1).stat().st_size} == sizes_by_backbone(
        tmp_path
    )
