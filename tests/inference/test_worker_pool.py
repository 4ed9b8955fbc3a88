"""The same processes read one sequence of images after another; what happens to one does not disturb the others."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, replace
from multiprocessing import active_children
from typing import TYPE_CHECKING

import pytest

from classifier.errors import IllsortError
from classifier.inference import worker, worker_process
from classifier.inference.loader import Batch, stream
from classifier.inference.reader import Limits, Read
from classifier.inference.worker_pool import WorkerPool
from kit.pictures import png_bytes
from kit.readers import Fragile, Shrink

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.errors import Message

needs_fork = pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="spawn takes its place here")
READER = Fragile(transform=Shrink(), max_megapixels=64)
LIMITS = Limits(deadline_s=60, worker_gigabytes=3)


def write(folder: Path, names: Sequence[str]) -> list[Path]:
    """A picture for each name, whose red says which it is."""
    for index, name in enumerate(names):
        (folder / f"{name}-{index:03}.png").write_bytes(png_bytes((index, 0, 0), (8, 8)))
    return [folder / f"{name}-{index:03}.png" for index, name in enumerate(names)]


def reds(batches: list[Batch]) -> list[int | str]:
    """The red of each image in order, or the kind of its failure."""
    return [
        int(one.pixels[0, 0, 0]) if isinstance(one, Read) else one.failure.kind.name
        for batch in batches
        for one in batch.results
    ]


def processes() -> set[int | None]:
    return {child.pid for child in active_children()}


@needs_fork
def test_one_set_of_workers_reads_one_sequence_after_another(tmp_path: Path) -> None:
    paths = write(tmp_path, ["ok"] * 12)
    smaller = replace(READER, transform=Shrink(4))
    with WorkerPool(LIMITS, workers=2, start_method="fork") as pool:
        assert list(range(12)) == reds(list(stream(paths, READER, pool, batch_size=3)))
        before = processes()
        [batch] = stream(paths[:5], smaller, pool, batch_size=64)
        assert list(range(5)) == reds([batch])
        assert (5, 3, 4, 4) == tuple(batch.pixels.shape)
        assert list(range(12)) == reds(list(stream(paths, READER, pool, batch_size=1)))
        assert before == processes()
        assert 2 == len(before)
    assert set() == processes()


@needs_fork
def test_a_worker_that_dies_is_replaced_alone(tmp_path: Path) -> None:
    paths = write(tmp_path, ["ok", "ok", "ok", "ok", "ok", "ok", "exit", "ok"])
    with WorkerPool(LIMITS, workers=2, start_method="fork") as pool:
        batches = stream(paths, READER, pool, batch_size=1)
        first, second = next(batches), next(batches)
        before = processes()
        rest = list(batches)
        assert [0, 1, 2, 3, 4, 5, "CRASHED", 7] == reds([first, second, *rest])
        assert 1 == len(before & processes())
        assert 2 == len(processes())


@needs_fork
def test_a_sequence_left_early_does_not_show_in_the_next(tmp_path: Path) -> None:
    paths = write(tmp_path, ["ok"] * 20)
    with WorkerPool(LIMITS, workers=2, start_method="fork") as pool:
        batches = stream(paths, READER, pool, batch_size=1)
        next(batches)
        batches.close()  # type: ignore[attr-defined]  # a generator
        assert list(range(10, 20)) == reds(list(stream(paths[10:], READER, pool, batch_size=2)))


@needs_fork
def test_threads_share_a_process_and_only_what_kills_it_is_blamed(tmp_path: Path) -> None:
    names = ["ok"] * 30
    names[13] = "exit"
    paths = write(tmp_path, names)
    with WorkerPool(LIMITS, workers=4, threads=4, start_method="fork") as pool:
        batches = list(stream(paths, READER, pool, batch_size=8))
        assert 1 == len(processes())
    assert ["CRASHED" if name == "exit" else index for index, name in enumerate(names)] == reds(batches)


@dataclass
class Counted:
    """Paths that count how many were taken."""

    paths: list[Path]
    taken: int = 0

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int, /) -> Path:
        self.taken += 1
        return self.paths[index]


@needs_fork
def test_paths_are_handed_out_as_they_are_needed(tmp_path: Path) -> None:
    paths = Counted(write(tmp_path, ["ok"] * 100))
    with WorkerPool(LIMITS, workers=2, start_method="fork") as pool:
        next(iter(stream(paths, READER, pool, batch_size=2)))
        assert paths.taken <= 2 * 2 * 3


def test_a_process_that_starts_slowly_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_STALLED_S", 0.0)
    monkeypatch.setattr(worker_process, "_POLL_S", 0.1)
    paths = write(tmp_path, ["ok"] * 3)
    hasty = replace(LIMITS, deadline_s=0.1)  # a spawned process imports torch for longer than that
    with WorkerPool(hasty, workers=1, start_method="spawn") as pool:
        assert [0, 1, 2] == reds(list(stream(paths, READER, pool, batch_size=3)))


@needs_fork
def test_half_as_many_go_on_when_there_is_no_memory_for_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = worker_process.WorkerProcess._start

    def limited(self: worker_process.WorkerProcess) -> None:
        if len(processes()) >= 2:
            raise worker_process.WorkerNotStartedError("[WinError 1455] The paging file is too small")
        start(self)

    monkeypatch.setattr(worker_process.WorkerProcess, "_start", limited)
    said: list[Message] = []
    paths = write(tmp_path, ["ok"] * 20)
    with WorkerPool(LIMITS, workers=4, start_method="fork", say=said.append) as pool:
        assert list(range(20)) == reds(list(stream(paths, READER, pool, batch_size=2)))
    assert ["A process to read pictures in could not be started, perhaps for lack of memory: 2 go on."] == said


@needs_fork
def test_when_no_process_starts_at_all_an_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "init_worker", lambda **_: os._exit(3))
    paths = write(tmp_path, ["ok"] * 4)
    with (
        WorkerPool(LIMITS, workers=2, start_method="fork") as pool,
        pytest.raises(IllsortError, match="no process to read pictures in can be started"),
    ):
        list(stream(paths, READER, pool, batch_size=1))
    assert set() == processes()


@needs_fork
def test_a_process_killed_while_it_holds_the_lock_of_its_end_is_not_waited_for(tmp_path: Path) -> None:
    """Torch sets that event when a loader goes, and would wait for ever for the lock of one that is gone."""
    paths = write(tmp_path, ["ok"] * 4)
    with WorkerPool(LIMITS, workers=1, start_method="fork") as pool:
        list(stream(paths, READER, pool, batch_size=2))
        (process,) = pool._workers
        # What a process does that is killed in the middle of it: the lock stays taken.
        process._loader._iterator._workers_done_event._cond.acquire()  # type: ignore[union-attr]
        closing = threading.Thread(target=process.close, daemon=True)
        closing.start()
        closing.join(30)

        assert not closing.is_alive()
