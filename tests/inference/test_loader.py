from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch

from classifier.inference.loader import Batch, PackedPaths
from classifier.inference.reader import Limits, Read, ReadError
from classifier.reason_text import reason_message
from classifier.records import FailureKind
from kit.pictures import png_bytes
from kit.readers import Fragile, Shrink
from kit.reading import stream

needs_fork = pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="spawn takes its place here")
READER = Fragile(transform=Shrink(), max_megapixels=64)
LIMITS = Limits(deadline_s=60, worker_gigabytes=3)
SOON = replace(LIMITS, deadline_s=1.5)
METHODS = [pytest.param("fork", marks=needs_fork), "spawn"]


def write(folder: Path, names: list[str]) -> list[Path]:
    """A picture for each name, whose red says which it is."""
    for index, name in enumerate(names):
        (folder / f"{name}-{index}.png").write_bytes(png_bytes((index, 0, 0), (8, 8)))
    return [folder / f"{name}-{index}.png" for index, name in enumerate(names)]


def shown(batches: list[Batch]) -> dict[int, int | FailureKind]:
    """Key to the red that was read, or the failure; fails when a key comes twice or a row is not its picture's."""
    seen: dict[int, int | FailureKind] = {}
    for batch in batches:
        reads = [outcome for outcome in batch.results if isinstance(outcome, Read)]
        assert len(batch.pixels) == len(reads)
        assert all(torch.equal(row, read.pixels) for row, read in zip(batch.pixels, reads, strict=True))
        for key, outcome in zip(batch.keys, batch.results, strict=True):
            assert key not in seen
            seen[key] = outcome.failure.kind if isinstance(outcome, ReadError) else int(outcome.pixels[0, 0, 0])
    return seen


def test_packed_paths_are_the_paths_they_were_made_of() -> None:
    paths = [Path("a.png"), Path("ü") / "日本.jpg", Path("\udcff\udcfe")]
    packed = PackedPaths(paths)

    assert [packed[index] for index in range(len(packed))] == paths
    with pytest.raises(IndexError):
        packed[3]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_every_path_comes_once_and_in_order(tmp_path: Path, workers: int, batch_size: int) -> None:
    paths = write(tmp_path, ["ok"] * 10)
    paths[3].write_bytes(b"")
    paths[7].unlink()

    batches = list(stream(paths, READER, workers=workers, batch_size=batch_size, limits=LIMITS))

    expected = {key: key for key in range(10)} | {3: FailureKind.EMPTY, 7: FailureKind.VANISHED}
    assert list(shown(batches).items()) == sorted(expected.items())
    assert active_children() == []


@pytest.mark.parametrize("workers", [0, 2])
def test_no_paths_give_no_batches(workers: int) -> None:
    assert list(stream([], READER, workers=workers, batch_size=4, limits=LIMITS)) == []


@needs_fork
def test_files_that_kill_or_hang_their_reader_cost_themselves_alone(tmp_path: Path) -> None:
    names = ["ok"] * 40
    names[2], names[12], names[39] = "abort", "hang", "exit"
    paths = write(tmp_path, names)
    before = signal.getsignal(signal.SIGCHLD)

    batches = []
    for batch in stream(paths, READER, workers=2, batch_size=4, limits=SOON, start_method="fork"):
        batches.append(batch)
        time.sleep(0.1)  # a worker that dies meanwhile must not disturb who is at work here

    crashed = dict.fromkeys([2, 39], FailureKind.CRASHED)
    assert list(shown(batches).items()) == sorted(
        ({key: key for key in range(40)} | crashed | {12: FailureKind.TIMEOUT}).items()
    )
    details = {
        key: (str(reason_message(outcome.failure.detail)), outcome.id is not None, outcome.file is not None)
        for batch in batches
        for key, outcome in zip(batch.keys, batch.results, strict=True)
        if isinstance(outcome, ReadError)
    }
    assert details == {
        2: ("the decoder died (signal 6) while reading it", True, True),
        12: ("reading it takes more than 1.5 seconds", True, True),
        39: ("the decoder died (exit code 7) while reading it", True, True),
    }
    assert active_children() == []
    assert signal.getsignal(signal.SIGCHLD) == before


def test_a_file_that_kills_a_spawned_worker_costs_itself_alone(tmp_path: Path) -> None:
    names = ["ok"] * 5
    names[2] = "exit"
    paths = write(tmp_path, names)

    batches = list(stream(paths, READER, workers=1, batch_size=2, limits=LIMITS, start_method="spawn"))

    assert list(shown(batches).items()) == sorted(({key: key for key in range(5)} | {2: FailureKind.CRASHED}).items())
    assert active_children() == []


@needs_fork
def test_a_slow_batch_of_quick_files_is_waited_for(tmp_path: Path) -> None:
    paths = write(tmp_path, ["slow"] * 8)

    batches = list(stream(paths, READER, workers=1, batch_size=8, limits=SOON, start_method="fork"))

    assert shown(batches) == {key: key for key in range(8)}


@needs_fork
def test_leaving_early_ends_the_workers(tmp_path: Path) -> None:
    batches = stream(write(tmp_path, ["ok", "ok", "hang", "hang"]), READER, workers=2, batch_size=1, limits=LIMITS)
    next(batches)
    batches.close()  # type: ignore[attr-defined]  # a generator, which is none of its callers' business

    assert active_children() == []


class Uneven(Shrink):
    """Leaves images as large as they are."""

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """The same pixels."""
        return pixels


@needs_fork
def test_a_mistake_in_our_own_code_is_raised_and_not_taken_for_a_bad_file(tmp_path: Path) -> None:
    paths = write(tmp_path, ["ok", "ok"])
    paths[1].write_bytes(png_bytes((1, 0, 0), (9, 9)))
    reader = Fragile(transform=Uneven(), max_megapixels=64)

    with pytest.raises(RuntimeError, match="stack expects each tensor to be equal size"):
        list(stream(paths, reader, workers=1, batch_size=2, limits=LIMITS, start_method="fork"))
    assert active_children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends orphans at once")
def test_workers_end_with_a_parent_that_is_killed_even_when_they_hang(tmp_path: Path) -> None:
    write(tmp_path, ["a", "hang", "hang"])
    program = f"""
        import sys
        from multiprocessing import active_children
        from pathlib import Path
        sys.path[:0] = {[str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]!r}
        from classifier.inference.reader import Limits
        from kit.readers import Fragile, Shrink
        from kit.reading import stream
        paths = sorted(Path({str(tmp_path)!r}).iterdir())
        reader = Fragile(transform=Shrink(), max_megapixels=64)
        limits = Limits(deadline_s=60, worker_gigabytes=3)
        for batch in stream(paths, reader, limits=limits, workers=2, batch_size=1):
            print(*[child.pid for child in active_children()], flush=True)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        workers = run.stdout.readline().split()
        run.kill()

    assert len(workers) == 2
    end = time.monotonic() + 10
    while any(is_running(pid) for pid in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert [pid for pid in workers if is_running(pid)] == []


def is_running(pid: str) -> bool:
    """Whether Linux still has the process, other than as a zombie that nobody has asked after."""
    try:
        return Path("/proc", pid, "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="there, only a console can send it")
@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_ends_quietly(tmp_path: Path, method: str) -> None:
    write(tmp_path, ["slow"] * 30)
    program = f"""
        import sys
        from pathlib import Path
        sys.path[:0] = {[str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]!r}
        from classifier.inference.reader import Limits
        from kit.readers import Fragile, Shrink
        from kit.reading import stream
        if __name__ == "__main__":
            paths = sorted(Path({str(tmp_path)!r}).iterdir())
            reader = Fragile(transform=Shrink(), max_megapixels=64)
            limits = Limits(deadline_s=60, worker_gigabytes=3)
            try:
                for batch in stream(
                    paths, reader, limits=limits, workers=1, batch_size=1, start_method={method!r}
                ):
                    print("batch", flush=True)
            except KeyboardInterrupt:
                print("stopped", flush=True)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "batch\n"
        os.killpg(run.pid, signal.SIGINT)
        output, errors = run.communicate(timeout=30)

    assert output.endswith("stopped\n")
    assert errors == ""
    assert run.returncode == 0
