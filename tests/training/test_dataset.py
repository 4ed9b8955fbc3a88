"""Training images are the same from the cache and from disk; labels are read in workers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from classifier.errors import LabelsError
from classifier.inference.reader import Limits, NoPixels
from classifier.inference.worker_pool import WorkerPool
from classifier.reason_text import reason_message
from classifier.records import Example, FailureKind, Label
from classifier.training.dataset import TrainingImages, iter_batches, read_in_workers
from kit.labels import read_example
from kit.learning import drawn_examples
from kit.pictures import COLORS, encoded, varied
from kit.readers import Fragile


def opened(examples: tuple[Example, ...], most_kept_bytes: int, read: list[int], *, guesses: int = 0) -> TrainingImages:
    def prepare(pixels: Tensor) -> Tensor:
        read.append(1)
        return pixels

    targets = np.ones((len(examples), 1))
    return TrainingImages(
        examples, targets, guesses=guesses, prepare=prepare, max_megapixels=1, most_kept_bytes=most_kept_bytes
    )


@pytest.mark.parametrize(("room_for", "num_reads"), [(0, 12), (2, 10), (6, 6)])
def test_the_cache_changes_only_the_speed(tmp_path: Path, room_for: int, num_reads: int) -> None:
    examples = drawn_examples(tmp_path, first=0, count=2)
    read: list[int] = []
    pictures = opened(examples, room_for * 3 * 48 * 64, read)
    first = [pictures[index] for index in range(6)]
    second = [pictures[index] for index in range(6)]

    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert num_reads == len(read)


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_batches_come_in_order_each_picture_once(threads: int) -> None:
    order = [4, 2, 0, 1, 3, 5, 6]
    batches = list(iter_batches(order, torch.tensor, batch_size=2, threads=threads))

    assert [[4, 2], [0, 1], [3, 5], [6]] == [batch for batch, _ in batches]
    assert order == torch.cat([views for _, views in batches]).tolist()


def test_no_order_gives_no_batches() -> None:
    assert [] == list(iter_batches([], torch.tensor, batch_size=2, threads=1))


def test_pseudo_labels_appear_in_every_fourth_epoch(tmp_path: Path) -> None:
    pictures = opened(drawn_examples(tmp_path, first=0, count=4), 0, [], guesses=7)
    epochs = [pictures.order(epoch, seed=1) for epoch in (1, 2, 3, 4)]

    assert all(set(range(5)) <= set(order) and len(order) == len(set(order)) for order in epochs)
    assert list(range(5, 12)) == sorted(index for order in epochs for index in order if index >= 5)
    assert 7 == pictures.per_epoch == max(len(order) for order in epochs)


def test_an_unreadable_pseudo_label_is_skipped(tmp_path: Path) -> None:
    examples = drawn_examples(tmp_path, first=0, count=1)
    pictures = opened(examples, 0, [], guesses=2)
    examples[2].label.path.unlink()
    batches = list(iter_batches([2, 0, 1], pictures.__getitem__, batch_size=2, threads=1))

    assert [[0], [1]] == [batch for batch, _ in batches]


@pytest.mark.parametrize("harm", ["vanish", "break"])
def test_a_picture_lost_during_training_is_named(tmp_path: Path, harm: str) -> None:
    examples = drawn_examples(tmp_path, first=0, count=1)
    path = examples[0].label.path
    path.unlink() if harm == "vanish" else path.write_bytes(b"no picture")
    with pytest.raises(LabelsError, match="no longer can") as caught:
        opened(examples, 0, [])[0]

    assert str(path) in str(caught.value)


LIMITS = Limits(deadline_s=1, worker_gigabytes=3)


def drawn(folder: Path, *names: str) -> tuple[Label, ...]:
    """Images in formats and modes that are decoded in different ways."""
    for number, name in enumerate(names):
        image = varied(COLORS["red"], seed=number, size=(90, 70))
        kind = {".jpg": "JPEG", ".webp": "WEBP"}.get(Path(name).suffix, "PNG")
        (folder / name).write_bytes(encoded(image.convert("L") if "grey" in name else image, kind))
    return tuple(Label(path=folder / name, category="cat") for name in names)


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_read_the_same_as_one_process(tmp_path: Path, workers: int) -> None:
    labels = drawn(tmp_path, "a.png", "b.jpg", "c.webp", "grey.jpg", "grey.png")
    with WorkerPool(LIMITS, workers=workers) as pool:
        found = list(read_in_workers(labels, pool, max_megapixels=1))

    assert [read_example(label, max_megapixels=1) for label in labels] == found


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_too_long_for_a_picture_is_not_read(tmp_path: Path, workers: int) -> None:
    labels = drawn(tmp_path, "a.png", "huge.jpg")
    with (tmp_path / "huge.jpg").open("r+b") as file:
        file.truncate(65 * 2**20)
    with WorkerPool(LIMITS, workers=workers) as pool:
        read, (label, failure) = read_in_workers(labels, pool, max_megapixels=1)

    assert isinstance(read, Example)
    assert (tmp_path / "huge.jpg", FailureKind.TOO_LARGE) == (label.path, failure.kind)
    assert "the file has 68,157,440 bytes, more than 1 megapixels can take" == str(reason_message(failure.detail))
    assert failure == read_example(labels[1], max_megapixels=1)[1]


@pytest.mark.skipif(sys.platform != "linux", reason="the names make a reader die by signals")
def test_a_label_that_kills_or_hangs_its_reader_is_reported(tmp_path: Path) -> None:
    labels = drawn(tmp_path, "a.png", "kill-1.png", "b.png", "hang-2.png", "c.png")
    reader = Fragile(transform=NoPixels(), max_megapixels=1, looks=True)
    with WorkerPool(LIMITS, workers=1) as pool:
        found = list(read_in_workers(labels, pool, max_megapixels=1, reader=reader))
    kinds = [FailureKind.CRASHED, FailureKind.TIMEOUT]

    assert ["a.png", "b.png", "c.png"] == [one.label.path.name for one in found if isinstance(one, Example)]
    assert kinds == [one[1].kind for one in found if not isinstance(one, Example)]


def test_no_labels_are_no_work() -> None:
    with WorkerPool(LIMITS, workers=2) as pool:
        assert [] == list(read_in_workers((), pool, max_megapixels=1))
