"""Forks runs of `predict`, each traced by strace, so that one can be killed at any system call.

`python -m fault_injection.predict_process` reads jobs as lines of JSON and answers each with how its child ended.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self
from unittest.mock import patch

from classifier.inference.settled import settled_runtime
from classifier.parts.predict import predict_parts
from classifier.progress import SilentProgress
from classifier.settings import Settings
from fault_injection.fork_server import ENVIRONMENT, _attach_strace
from fault_injection.strace import CHANGING
from kit.bundles import color_bundle
from kit.filing import MARK
from kit.listings import drawn, in_folder, listed, members_of, tar_of

if TYPE_CHECKING:
    from classifier.inference.device import Runtime
    from classifier.settings import RuntimeSettings

_WRITING = re.compile("O_(WRONLY|RDWR|CREAT)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A listing, the model and where its answers go."""

    parts: str
    model: str
    answers: str


class PredictProcess:
    """A context manager for the process that forks; it runs one child at a time."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "fault_injection.predict_process"]
        self._process = subprocess.Popen(
            command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def points(self, run: Run, *, log: Path) -> list[tuple[str, int]]:
        """Every changing call of a run without faults: the call's name, and its number by name and thread."""
        assert 0 == self._ended(run, "-o", str(log), "-e", f"trace={','.join(CHANGING)}")
        counts: Counter[tuple[str, str]] = Counter()
        started = False
        found: dict[tuple[str, int], None] = {}
        for line in log.read_text(errors="replace").splitlines():
            if (match := re.match(r"(\d+)\s+(\w+)\(", line)) is None:
                continue
            thread, name = match.groups()
            counts[thread, name] += 1
            started = started or MARK in line
            if started and (name != "openat" or _WRITING.search(line)):
                found[name, counts[thread, name]] = None
        return list(found)

    def killed(self, run: Run, *, call: str, number: int) -> bool:
        """Run it with SIGKILL at one call; whether the call was reached."""
        inject = f"inject={call}:signal=KILL:when={number}"
        return self._ended(run, "-o", os.devnull, "-e", f"trace={call}", "-e", inject) != 0

    def finish(self, run: Run) -> int:
        """Run it to its end: 0."""
        return self._ended(run)

    def _ended(self, run: Run, *strace: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = {"parts": run.parts, "model": run.model, "answers": run.answers, "strace": strace}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def _predict(parts: str, model: str, answers: str) -> None:
    with patch("classifier.parts.predict.settled_runtime", _in_this_process):
        done = predict_parts(
            parts, model=Path(model), answers=answers, settings=Settings(), embeddings=True, progress=SilentProgress()
        )
    assert not done.outcome.failed, done.outcome.failed


def _in_this_process(settings: RuntimeSettings) -> Runtime:
    """So that each run makes the same calls in the same order: the processes that read pictures change no file."""
    return replace(settled_runtime(settings), workers=0)


def small_run(folder: Path) -> Run:
    """Two parts: loose pictures, and members of a tar file."""
    content = tar_of(drawn(3))
    in_folder(folder / "crawl", {"a.tar": content})
    rows = in_folder(folder / "crawl", drawn(3)) + members_of(folder / "crawl", "a.tar", content)
    parts = listed(folder / "parts", folder / "crawl", rows, part_size=3)
    return Run(parts=parts, model=str(color_bundle(folder / "m").folder), answers=str(folder / "answers"))


def _serve() -> None:
    with tempfile.TemporaryDirectory() as folder:  # what is imported late is imported here
        run = small_run(Path(folder))
        _predict(run.parts, run.model, run.answers)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            _run_child(job)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run_child(job: dict[str, str]) -> None:
    """Run the job and exit without cleanup."""
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    status = 1
    try:
        _attach_strace(tuple(job.pop("strace")))
        os.write(os.open(os.devnull, os.O_WRONLY), MARK.encode())
        _predict(**job)
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    _serve()
