"""Jobs whose command is a few lines of Python in place of illsort: what they do is their only word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from classifier.errors import Message
from classifier.i18n import Language
from classifier.jobs.folder import JobFolder
from classifier.jobs.records import Job, JobState
from classifier.jobs.report import JobReport

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30

COMMAND = """
import os, sys, time
from pathlib import Path
from classifier.cli import interrupt
from classifier.cli.terminal import TerminalProgress
from classifier.errors import Message
from classifier.jobs.process import running_job
words = sys.argv[2:]
with interrupt.handle_sigint(), running_job():
    print("begun", *words, flush=True)
    with open("begun.txt", "a") as file:
        file.write(" ".join(words) + "\\n")
    if words[0] == "long":
        with TerminalProgress().stage(Message("sorting"), total=10, unit="picture") as stage:
            stage.advance(3)
            while not Path("go").exists():
                time.sleep(0.02)
    if words[0] == "bug":
        raise RuntimeError("a bug")
    if words[0] == "killed":
        os._exit(3) if os.name == "nt" else os.kill(os.getpid(), 9)
    sys.exit(int(words[1]) if len(words) > 1 else 0)
"""

RUNNER = """
import sys
from pathlib import Path
from classifier.jobs import runner
from classifier.jobs.folder import JobFolder
runner._python = lambda: [sys.executable, "-c", sys.argv[2]]
runner.work(JobFolder(Path(sys.argv[1])))
"""


@contextmanager
def running_job(
    project: Path, step: str = "sort", *, name: str = "sorting", done: int = 30, total: int = 40, unit: str = "picture"
) -> Iterator[Job]:
    """A sort that has read 30 of 40 pictures, or another job with one stage, for the page."""
    folder = JobFolder(project)
    job = folder.add(step, (step,), language=Language.ENGLISH)
    with folder.queue_lock(wait_s=0):
        folder.save(replace(job, state=JobState.RUNNING, attempts=1, started=0.0))
        report = JobReport(folder.progress_file(job.number))
        with report.stage(Message(name), total=total, unit=unit) as stage:
            stage.advance(done)
            report.say(Message("looking at the crawl"))
            report.write()
            yield job


def add(folder: JobFolder, *words: str) -> Job:
    """Queue a command."""
    return folder.add("train", words, language=Language.ENGLISH)


def begun(folder: JobFolder) -> list[str]:
    """What was begun, in that order."""
    path = folder.project / "begun.txt"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def until(condition: Callable[[], object]) -> None:
    """Wait until it is true."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "that never came"
        time.sleep(0.02)


@contextmanager
def runner(folder: JobFolder) -> Iterator[subprocess.Popen[bytes]]:
    """A runner in a process of its own; what it leaves is ended with the block."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", RUNNER, str(folder.project), COMMAND], env=environment) as process:
        try:
            yield process
        finally:
            (folder.project / "go").touch()


def command_process(folder: JobFolder) -> int:
    """The process in which the command runs."""
    return int((folder.path / "work.lock").read_text())


def kill(process: int) -> None:
    """As a power cut of one process."""
    os.kill(process, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
