"""A file that crashes, hangs or exhausts a worker is one failure with its reason."""

from __future__ import annotations

import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from classifier.inference.reader import Limits, Read, Reader, ReadError
from classifier.records import FailureKind
from kit.pictures import COLORS, encoded, plain, png_bytes
from kit.readers import Fragile, Glutton, Shrink
from kit.reading import stream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what a process maps")
KINDS = {
    "abort": FailureKind.CRASHED,
    "exit": FailureKind.CRASHED,
    "kill": FailureKind.CRASHED,
    "hang": FailureKind.TIMEOUT,
    "eat": FailureKind.MEMORY,
}
READER = Fragile(transform=Shrink(), max_megapixels=64)
# So little memory is eaten within the deadline on a busy machine too.
LIMITS = Limits(deadline_s=5, worker_gigabytes=0.2)


def outcomes(paths: list[Path], *, workers: int = 2) -> list[FailureKind | None]:
    """The failure of each path, None where it was read; fails when a picture came under another's key."""
    kinds: list[FailureKind | None] = []
    for batch in stream(paths, READER, limits=LIMITS, workers=workers, batch_size=16):
        for key, outcome in zip(batch.keys, batch.results, strict=True):
            assert key == len(kinds)
            kinds.append(outcome.failure.kind if isinstance(outcome, ReadError) else None)
            if isinstance(outcome, Read):
                assert outcome.pixels[:, 0, 0].tolist() == [key % 256, key // 256, 0]
    return kinds


def planted(folder: Path, *, total: int, every: int) -> tuple[list[Path], list[FailureKind | None]]:
    """Pictures whose color says their number, each `every`-th with a harmful name; and what is to come of each."""
    paths, expected = [], []
    for number in range(total):
        name = list(KINDS)[number // every % len(KINDS)] if number % every == every // 2 else "ok"
        path = folder / f"{name}-{number:05}.png"
        path.write_bytes(png_bytes((number % 256, number // 256, 0), (16, 16)))
        paths.append(path)
        expected.append(KINDS.get(name))
    return paths, expected


@pytest.mark.parametrize(
    ("total", "every"), [(120, 24), pytest.param(2000, 40, marks=pytest.mark.slow)], ids=["5 of 120", "50 of 2000"]
)
def test_harmful_files_cost_themselves_alone(tmp_path: Path, total: int, every: int) -> None:
    paths, expected = planted(tmp_path, total=total, every=every)
    started = time.monotonic()

    assert expected == outcomes(paths)
    assert active_children() == []
    print(f"{total} files, {total // every} harmful: {time.monotonic() - started:.1f} s")  # noqa: T201 - a figure


def test_a_runaway_decoder_does_not_take_its_worker_down(tmp_path: Path) -> None:
    (tmp_path / "eat-0.png").write_bytes(png_bytes((0, 0, 0)))
    (tmp_path / "ok-1.png").write_bytes(png_bytes((1, 0, 0)))

    assert [FailureKind.MEMORY, None] == outcomes(sorted(tmp_path.iterdir()), workers=1)


def test_a_runaway_decoder_gets_what_the_limit_says_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes((0, 0, 0)))
    reader = Reader(transform=Glutton(log=tmp_path / "mapped"), max_megapixels=64)
    limits = Limits(deadline_s=60, worker_gigabytes=0.5)
    [batch] = stream([tmp_path / "a.png"], reader, limits=limits, workers=1, batch_size=1)

    assert isinstance(batch.results[0], ReadError)
    assert batch.results[0].failure.kind is FailureKind.MEMORY
    # What is mapped counts, as RLIMIT_DATA counts it: what is resident may be more, for a forked worker begins with
    # all that its parent had mapped and not used yet.
    assert 0.4e9 < int((tmp_path / "mapped").read_text()) <= 0.5e9


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"])
def test_the_largest_picture_that_is_accepted_fits_into_the_default_limit(tmp_path: Path, name: str) -> None:
    options = {"AVIF": {"speed": 10}, "WEBP": {"method": 0, "lossless": True}}.get(name, {})
    path = tmp_path / f"large.{name.lower()}"
    path.write_bytes(encoded(plain(COLORS["red"], (8000, 8000)), name, **options))
    reader = Reader(transform=Shrink(), max_megapixels=64)
    (batch,) = stream([path], reader, limits=Limits(deadline_s=60, worker_gigabytes=3), workers=1, batch_size=1)

    assert isinstance(batch.results[0], Read), batch.results[0]
