from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from classifier.errors import ModelError
from classifier.images.hashing import hash_bytes
from classifier.inference.device import Runtime, choose_runtime
from classifier.inference.pipeline import InferenceFailure, Inferred
from classifier.inference.reader import Limits, Reader
from classifier.records import FailureKind
from kit.pictures import COLORS, busy, encoded, jpeg_bytes, png_bytes, webp_bytes
from kit.readers import MeanColor, Shrink
from kit.reading import infer

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

READER = Reader(transform=Shrink(16), max_megapixels=64)
NAMES = list(COLORS)
NETWORK = MeanColor(list(COLORS.values())).eval()
LIMITS = Limits(deadline_s=60, worker_gigabytes=3)
BAD = [b"", b"hello", png_bytes((1, 2, 3))[:40], b"8BPS\0\x01", None]


def runtime(*, workers: int = 0, batch_size: int = 4) -> Runtime:
    return choose_runtime(device="cpu", workers=workers, batch_size=batch_size)


def mixed(folder: Path, seed: int, count: int = 60) -> list[tuple[Path, str | None]]:
    """Pictures of known colors in three formats, with bad files (color None) among them at random."""
    dice = random.Random(seed)
    draw = {"png": png_bytes, "jpg": jpeg_bytes, "webp": webp_bytes}
    files: list[tuple[Path, str | None]] = []
    for index in range(count):
        suffix = dice.choice(list(draw))
        path = folder / f"{index:03}.{suffix}"
        color = None if dice.random() < 0.3 else dice.choice(NAMES)
        content = draw[suffix](COLORS[color], (dice.randrange(1, 90), 40)) if color else dice.choice(BAD)
        if content is not None:
            path.write_bytes(content)
        files.append((path, color))
    return files


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_each_file_gets_its_own_result_among_broken_ones(tmp_path: Path, workers: int, batch_size: int) -> None:
    files = mixed(tmp_path, seed=batch_size)
    paths = [path for path, _ in files]

    items = list(infer(paths, NETWORK, READER, runtime(workers=workers, batch_size=batch_size), limits=LIMITS))

    assert [item.key for item in items] == list(range(len(files)))
    named = [NAMES[int(item.logits.argmax())] if isinstance(item, Inferred) else None for item in items]
    assert named == [color for _, color in files]
    for item in items:
        if isinstance(item, Inferred):
            assert item.file.path == paths[item.key]
            assert item.image.id == hash_bytes(paths[item.key].read_bytes())


def test_a_failure_says_why_under_its_key(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")

    [item] = infer([tmp_path / "a.png"], NETWORK, READER, runtime(), limits=LIMITS)

    assert isinstance(item, InferenceFailure)
    assert (item.key, item.id, item.failure.kind) == (0, hash_bytes(b""), FailureKind.EMPTY)


def test_a_batch_answers_as_each_picture_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    paths = []
    for seed in range(9):
        paths.append(tmp_path / f"{seed}.png")
        paths[-1].write_bytes(encoded(busy(seed), "PNG"))

    together = list(infer(paths, Convolving(), READER, runtime(batch_size=9), limits=LIMITS))
    alone = [
        item for path in paths for item in infer([path], Convolving(), READER, runtime(batch_size=1), limits=LIMITS)
    ]

    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, Inferred)
        assert isinstance(other, Inferred)
        assert one.embedding.dtype == one.logits.dtype == np.float32
        assert one.embedding.shape == (8,)
        assert one.logits.shape == (3,)
        assert abs(one.embedding - other.embedding).max() <= 1e-5
        assert abs(one.logits - other.logits).max() <= 1e-5


def test_statistics_are_computed_only_when_requested(tmp_path: Path) -> None:
    files = mixed(tmp_path, seed=5, count=20)
    paths = [path for path, _ in files]
    network = Greedy(most=3)
    plain = list(infer(paths, network, READER, runtime(), limits=LIMITS))
    asked = list(infer(paths, network, READER, runtime(), limits=LIMITS, stats=True))

    for one, other in zip(plain, asked, strict=True):
        if isinstance(one, Inferred):
            assert isinstance(other, Inferred)
            assert one.stats is None
            assert np.array_equal(one.embedding, other.embedding)
            assert np.array_equal(2 * one.embedding, other.stats)
        else:
            assert one == other


def test_half_precision_is_near_and_comes_out_as_float32(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(busy(), "PNG"))
    exact = runtime()
    half = replace(exact, amp=True, dtype=torch.bfloat16)

    [one] = infer([tmp_path / "a.png"], Convolving(), READER, exact, limits=LIMITS)
    [other] = infer([tmp_path / "a.png"], Convolving(), READER, half, limits=LIMITS)

    assert isinstance(one, Inferred)
    assert isinstance(other, Inferred)
    assert other.logits.dtype == np.float32
    assert 0 < abs(one.embedding - other.embedding).max() < 0.05


def test_when_memory_runs_out_the_batch_is_split_and_nothing_is_lost(tmp_path: Path) -> None:
    files = mixed(tmp_path, seed=3)
    network = Greedy(most=5)

    items = list(infer([path for path, _ in files], network, READER, runtime(batch_size=32), limits=LIMITS))

    named = [NAMES[int(item.logits.argmax())] if isinstance(item, Inferred) else None for item in items]
    assert named == [color for _, color in files]
    assert network.refused <= 4  # what was learned in the first batch holds for the next ones


def test_one_picture_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes((1, 2, 3)))

    with pytest.raises(ModelError, match="not enough for this network, even for one picture"):
        list(infer([tmp_path / "a.png"], Greedy(most=0), READER, runtime(), limits=LIMITS))


class Convolving(MeanColor):
    """A small network in which a mistake about batches would show."""

    def __init__(self) -> None:
        super().__init__(list(COLORS.values()))
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.body = torch.nn.Sequential(
                torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
            )
            self.head = torch.nn.Linear(8, 3)
        self.eval()

    def embed(self, images: Tensor) -> Tensor:
        """Eight features."""
        features: Tensor = self.body(images)
        return features

    def classify(self, embeddings: Tensor) -> Tensor:
        """Three classes."""
        scores: Tensor = self.head(embeddings)
        return scores


class Greedy(MeanColor):
    """Runs out of memory when a batch is larger than `most`."""

    def __init__(self, most: int) -> None:
        super().__init__(list(COLORS.values()))
        self.most = most
        self.refused = 0

    def embed(self, images: Tensor) -> Tensor:
        """The mean color, of few pictures at a time."""
        if len(images) > self.most:
            self.refused += 1
            raise torch.OutOfMemoryError
        return super().embed(images)
