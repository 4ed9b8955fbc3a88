"""Pictures come as they are asked for, whether they were kept in memory or read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from classifier.errors import LabelsError
from classifier.records import Example
from classifier.training.dataset import TrainingImages, in_batches
from kit.learning import drawn_examples


def opened(examples: tuple[Example, ...], most_kept_bytes: int, read: list[int], *, guesses: int = 0) -> TrainingImages:
    def prepare(pixels: Tensor) -> Tensor:
        read.append(1)
        return pixels

    targets = np.ones((len(examples), 1))
    return TrainingImages(
        examples, targets, guesses=guesses, prepare=prepare, max_megapixels=1, most_kept_bytes=most_kept_bytes
    )


@pytest.mark.parametrize(("room_for", "num_reads"), [(0, 12), (2, 10), (6, 6)])
def test_what_is_kept_saves_reading_and_changes_nothing(tmp_path: Path, room_for: int, num_reads: int) -> None:
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
    batches = list(in_batches(order, torch.tensor, batch_size=2, threads=threads))

    assert [[4, 2], [0, 1], [3, 5], [6]] == [batch for batch, _ in batches]
    assert order == torch.cat([views for _, views in batches]).tolist()


def test_no_order_gives_no_batches() -> None:
    assert [] == list(in_batches([], torch.tensor, batch_size=2, threads=1))


def test_an_epoch_shows_every_label_and_each_guess_in_every_third(tmp_path: Path) -> None:
    pictures = opened(drawn_examples(tmp_path, first=0, count=4), 0, [], guesses=7)
    epochs = [pictures.order(epoch, seed=1) for epoch in (1, 2, 3)]

    assert all(set(range(5)) <= set(order) and len(order) == len(set(order)) for order in epochs)
    assert list(range(5, 12)) == sorted(index for order in epochs for index in order if index >= 5)
    assert 8 == pictures.per_epoch == max(len(order) for order in epochs)


def test_a_guess_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    examples = drawn_examples(tmp_path, first=0, count=1)
    pictures = opened(examples, 0, [], guesses=2)
    examples[2].label.path.unlink()
    batches = list(in_batches([2, 0, 1], pictures.__getitem__, batch_size=2, threads=1))

    assert [[0], [1]] == [batch for batch, _ in batches]


@pytest.mark.parametrize("harm", ["vanish", "break"])
def test_a_picture_lost_during_training_is_named(tmp_path: Path, harm: str) -> None:
    examples = drawn_examples(tmp_path, first=0, count=1)
    path = examples[0].label.path
    path.unlink() if harm == "vanish" else path.write_bytes(b"no picture")
    with pytest.raises(LabelsError, match="no longer can") as caught:
        opened(examples, 0, [])[0]

    assert str(path) in str(caught.value)
