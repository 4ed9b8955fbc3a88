"""Forks child processes to be killed: the server has imported everything, and strace traces each child on its own.

`python -m fault_injection.fork_server` reads jobs as lines of JSON and answers each with how its child ended.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fault_injection.child_run import BUG, run_job, warm_up

if TYPE_CHECKING:
    from types import TracebackType

KILLED = -9
_NOT_STARTED = 99
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
_ALLOW_TRACER = 0x59616D61
_ATTACHED_SECONDS = 0.004  # from being seized to being stopped at calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of the small sorter; `mutant` and `interfere` are keys of MUTANTS and INTERFERENCES."""

    library: str
    crawl: str
    method: str = "move"
    batch: int = 256
    mutant: str = ""
    interfere: str = ""
    sidecars: bool = False
    """Run the whole sort, with sidecars; the server must preload `kit.sorting`."""
    undo: bool = False
    """Undo all runs instead; for jobs with sidecars."""
    strace: tuple[str, ...] = ()
    """Options for strace; if empty, the child is not traced."""


class ForkServer:
    """A context manager for the server process; it runs one child at a time.

    It imports the modules `preload` and calls their `warm_up`, so that no child imports anything.
    """

    def __init__(self, *preload: str) -> None:
        self._preload = preload

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "fault_injection.fork_server", *self._preload]
        self._process = subprocess.Popen(
            command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(self, job: Job) -> int:
        """The child's exit status (see child_run), or the negative number of the signal that killed it.

        Raises RuntimeError on any other exception: that must not count as a bug that a check has caught.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(job)) + "\n")
        self._process.stdin.flush()
        ended = int(self._process.stdout.readline())
        if ended in {BUG, _NOT_STARTED}:
            raise RuntimeError(f"an exception that no caller expects: {job}")
        return ended


def serve() -> None:
    """Answer jobs until the input ends."""
    warm_up()
    for name in sys.argv[1:]:
        importlib.import_module(name).warm_up()
    for line in sys.stdin:
        job = Job(**json.loads(line))
        child = os.fork()
        if child == 0:
            _run_child(job)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run_child(job: Job) -> None:
    """Run the job and exit without cleanup."""
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    status = _NOT_STARTED
    try:
        status = run_job(job, ready=lambda: _attach_strace(job.strace))
    finally:
        os._exit(status)


def _attach_strace(options: tuple[str, ...]) -> None:
    """Start strace on this process and return once it is attached."""
    if not options:
        return
    ctypes.CDLL(None).prctl(_ALLOW_TRACER, ctypes.c_ulong(-1))
    command = ["strace", "-f", "-qq", *options, "-p", str(os.getpid())]
    own = os.open("/proc/self/status", os.O_RDONLY)
    os.posix_spawnp("strace", command, os.environ)
    while re.search(rb"TracerPid:\t0\n", os.pread(own, 4096, 0)):
        time.sleep(0.001)
    time.sleep(_ATTACHED_SECONDS)


if __name__ == "__main__":
    serve()
