"""Labels are read in worker processes within the limits of a sort: what harms its reader costs itself alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from classifier.inference.limits import Limits
from classifier.labels.dataset import read_example
from classifier.records import Example, FailureKind, Label
from classifier.training.read_images import PathsAsBytes, read_in_workers
from kit.pictures import COLORS, encoded, varied
from kit.readers import Fragile

LIMITS = Limits(deadline_s=1, worker_gigabytes=3)


def drawn(folder: Path, *names: str) -> tuple[Label, ...]:
    """Pictures in formats and modes that are decoded in different ways."""
    for number, name in enumerate(names):
        image = varied(COLORS["red"], seed=number, size=(90, 70))
        kind = {".jpg": "JPEG", ".webp": "WEBP"}.get(Path(name).suffix, "PNG")
        (folder / name).write_bytes(encoded(image.convert("L") if "grey" in name else image, kind))
    return tuple(Label(path=folder / name, category="cat") for name in names)


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_see_in_a_picture_what_one_process_does(tmp_path: Path, workers: int) -> None:
    labels = drawn(tmp_path, "a.png", "b.jpg", "c.webp", "grey.jpg", "grey.png")
    found = list(read_in_workers(labels, max_megapixels=1, limits=LIMITS, workers=workers))

    assert [read_example(label, 1) for label in labels] == found


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_too_long_for_a_picture_is_not_read(tmp_path: Path, workers: int) -> None:
    labels = drawn(tmp_path, "a.png", "huge.jpg")
    with (tmp_path / "huge.jpg").open("r+b") as file:
        file.truncate(65 * 2**20)
    read, (label, failure) = read_in_workers(labels, max_megapixels=1, limits=LIMITS, workers=workers)

    assert isinstance(read, Example)
    assert (tmp_path / "huge.jpg", FailureKind.TOO_LARGE) == (label.path, failure.kind)
    assert "the file has 68,157,440 bytes, more than 1 megapixels can take" == failure.detail
    assert failure == read_example(labels[1], 1)[1]


@pytest.mark.skipif(sys.platform != "linux", reason="the names make a reader die by signals")
def test_a_label_that_kills_or_hangs_its_reader_is_named_and_the_rest_is_learned(tmp_path: Path) -> None:
    labels = drawn(tmp_path, "a.png", "kill-1.png", "b.png", "hang-2.png", "c.png")
    reader = Fragile(transform=PathsAsBytes(), max_megapixels=1)
    found = list(read_in_workers(labels, max_megapixels=1, limits=LIMITS, workers=1, reader=reader))
    kinds = [FailureKind.CRASHED, FailureKind.TIMEOUT]

    assert ["a.png", "b.png", "c.png"] == [one.label.path.name for one in found if isinstance(one, Example)]
    assert kinds == [one[1].kind for one in found if not isinstance(one, Example)]


def test_no_labels_are_no_work() -> None:
    assert [] == list(read_in_workers((), max_megapixels=1, limits=LIMITS, workers=2))
