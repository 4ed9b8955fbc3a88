"""Children to be killed: forked by a process that has everything imported, each traced by strace from its first call.

Run as `python -m kit.nursery`, it reads jobs as lines of JSON and answers each with how its child ended.
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

from kit.attempt import BUG, attempt, warm_up

if TYPE_CHECKING:
    from types import TracebackType

KILLED = -9
_UNBORN = 99
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
_ALLOW_TRACER = 0x59616D61
_ATTACHED_SECONDS = 0.004  # from being seized to being stopped at calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of the small sorter; `mutant` and `disturb` are names of kit.mutants and kit.disturbances."""

    library: str
    crawl: str
    method: str = "move"
    batch: int = 256
    mutant: str = ""
    disturb: str = ""
    sidecars: bool = False
    """As a sort does it, sidecars and all; the nursery must know `kit.sorting`."""
    undo: bool = False
    """Take back all runs instead; for jobs with sidecars."""
    strace: tuple[str, ...] = ()
    """Options of the strace that traces it; none, and it runs untraced."""


class Nursery:
    """The parent of the children, as a context; one child at a time.

    `knows` are modules that it imports beforehand, and warms up, because a child must not.
    """

    def __init__(self, *knows: str) -> None:
        self._knows = knows

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "kit.nursery", *self._knows]
        self._process = subprocess.Popen(
            command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(self, job: Job) -> int:
        """How the child ended: its exit status (see kit.attempt), or the negative number of the signal that killed it.

        Raises RuntimeError when it died of a bug: that must not count as a bug that a proof has caught.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(job)) + "\n")
        self._process.stdin.flush()
        ended = int(self._process.stdout.readline())
        if ended in {BUG, _UNBORN}:
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
            _be_born(job)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _be_born(job: Job) -> None:
    """Do the job and die without any clearing up."""
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    status = _UNBORN
    try:
        status = attempt(job, ready=lambda: _be_traced(job.strace))
    finally:
        os._exit(status)


def _be_traced(options: tuple[str, ...]) -> None:
    """Start a strace of this process and return once it is attached."""
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
