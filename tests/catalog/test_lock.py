from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from classifier import file_lock
from classifier.catalog.lock import hold_lock
from classifier.errors import LibraryError

ROOT = Path(__file__).resolve().parents[2]
OWNER = """
import sys, time
from pathlib import Path
from classifier.catalog.lock import hold_lock
with hold_lock(Path(sys.argv[1])):
    if "fork" in sys.argv:
        import os
        if os.fork() == 0:
            print(os.getpid(), flush=True)
            time.sleep(60)
        time.sleep(0.5)
    print("locked", flush=True)
    time.sleep(60)
"""


def start_owner(library: Path, *extra: str) -> subprocess.Popen[str]:
    """Another process that owns `library` until it is killed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OWNER, str(library), *extra]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def read_line(owner: subprocess.Popen[str]) -> str:
    """The next line that the owner says."""
    assert owner.stdout is not None
    return owner.stdout.readline().strip()


def test_a_library_can_be_locked_again_after_release(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_lock(tmp_path):
            assert str(os.getpid()) == (tmp_path / ".illsort" / "lock").read_text()


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    with start_owner(tmp_path) as owner:
        assert "locked" == read_line(owner)
        started = time.monotonic()
        with pytest.raises(LibraryError, match=f"is in use by illsort, process {owner.pid}$"), hold_lock(tmp_path):
            pass
        assert time.monotonic() - started < 1
        owner.kill()
        owner.wait()
        with hold_lock(tmp_path):
            pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_worker_does_not_keep_the_lock_of_a_dead_parent(tmp_path: Path) -> None:
    with start_owner(tmp_path, "fork") as owner:
        worker = int(read_line(owner))
        assert "locked" == read_line(owner)
        owner.kill()
        owner.wait()
        try:
            with hold_lock(tmp_path):
                pass
        finally:
            os.kill(worker, signal.SIGKILL)


def test_a_process_cannot_lock_a_library_twice(tmp_path: Path) -> None:
    with hold_lock(tmp_path), pytest.raises(LibraryError, match=str(os.getpid())), hold_lock(tmp_path):
        pass


def test_a_lock_without_a_pid_has_an_unknown_owner(tmp_path: Path) -> None:
    with hold_lock(tmp_path):
        (tmp_path / ".illsort" / "lock").write_bytes(b"")
        with pytest.raises(LibraryError, match="process unknown"), hold_lock(tmp_path):
            pass


def test_a_lock_file_that_cannot_be_opened_is_a_library_error(tmp_path: Path) -> None:
    (tmp_path / ".illsort" / "lock").mkdir(parents=True)
    with pytest.raises(LibraryError, match="cannot lock"), hold_lock(tmp_path):
        pass


def test_a_disk_that_cannot_lock_is_a_library_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(file_lock, "_lock", refuse)
    with pytest.raises(LibraryError, match="cannot lock files: Operation not supported"), hold_lock(tmp_path):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_process_closes_the_lock_it_inherited(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    file_lock._held.add(descriptor)
    file_lock._release_in_child()
    assert set() == file_lock._held
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(descriptor)
