"""The process that works through the jobs of a project, one after the other, and ends when none is left.

It outlives whoever started it. At most one works at a time, by a lock; a job that it finds begun was killed, or runs in
a process whose runner was killed: that one is waited for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import classifier
from classifier.i18n import Language
from classifier.jobs.current import VARIABLE
from classifier.jobs.folder import JobFolder
from classifier.jobs.records import CRASHED_CODE, MOST_ATTEMPTS, STOPPED_CODE, Job, JobState

_PATIENCE_S: Final = 3.0
"""For the lock, which others hold for a moment to see whether it is free."""
_LANGUAGES: Final = {Language.ENGLISH: "en", Language.CHINESE: "zh"}
_NOT_INHERITED: Final = ("ILLSORT_TOKEN", VARIABLE)


def start_runner(project: Path) -> None:
    """Have the queued and interrupted jobs worked through, by a process that outlives this one."""
    child = subprocess.Popen(  # noqa: S603 - our own module, by this Python
        [*_python(), "classifier.jobs", str(project.absolute())],
        cwd=project,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **_detached(),
    )
    threading.Thread(target=child.wait, name="runner", daemon=True).start()  # else it is left as a zombie


def has_unfinished(folder: JobFolder) -> bool:
    """Whether any job is queued, or was begun and has not ended."""
    return any(job.state is not JobState.ENDED for job in folder.jobs())


def work(folder: JobFolder) -> None:
    """Run what is queued until nothing is left. Returns at once while another process does that."""
    while has_unfinished(folder):  # again after the lock is free: a job may have been added just before
        with folder.queue_lock(wait_s=_PATIENCE_S) as is_ours:
            if not is_ours:
                return
            while (job := _next(folder)) is not None:
                _run(folder, job)


def _next(folder: JobFolder) -> Job | None:
    """The job that was begun and not ended, else the first that is queued."""
    waiting = [job for job in folder.jobs() if job.state is not JobState.ENDED]
    begun = [job for job in waiting if job.state is JobState.RUNNING]
    return next(iter([*begun, *waiting]), None)


def _run(folder: JobFolder, job: Job) -> None:
    """Run one job to its end, and take what is queued from the queue if it did not end well."""
    with folder.work_lock(wait_s=float("inf")):  # an attempt whose runner was killed may still work
        job = folder.job(job.number) or job
        code = _refused(folder, job)
        if job.state is not JobState.ENDED and code is not None:
            job = folder.end(job, code)
        elif job.state is not JobState.ENDED:
            job = replace(job, state=JobState.RUNNING, attempts=job.attempts + 1)
            job = folder.save(replace(job, started=time.time()))
    if job.state is JobState.RUNNING:
        code = _exit_code(folder, job)
        job = folder.job(job.number) or job
        if job.state is JobState.RUNNING:
            job = folder.end(job, code)
    if not job.is_good:
        folder.end_queued(before=job.ended or time.time())


def _refused(folder: JobFolder, job: Job) -> int | None:
    """The exit code of a job that is not begun, or not begun again; else None."""
    if folder.stops(job.number):
        return STOPPED_CODE
    return CRASHED_CODE if job.attempts >= MOST_ATTEMPTS else None


def _exit_code(folder: JobFolder, job: Job) -> int:
    """Run the command in a process of its own; its exit code, negative for the signal that killed it."""
    with folder.open_log(job.number) as log:
        try:
            return subprocess.call(  # noqa: S603 - our own commands, from a fixed set
                [*_python(), "classifier", *job.words],
                cwd=folder.project,
                env=_environment()
                | {VARIABLE: str(folder.path / f"{job.number:04}.json"), "ILLSORT_LANG": _LANGUAGES[job.language]},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        except OSError as error:
            log.write(f"illsort: {error}\n".encode(errors="backslashreplace"))
            return CRASHED_CODE


def _python() -> list[str]:
    """This Python, without the current folder among its modules: a file of the project could stand for one."""
    return [sys.executable, "-P", "-m"]


def _environment() -> dict[str, str]:
    """That of this process, with which the same illsort is found, and prints UTF-8."""
    own = str(Path(classifier.__file__).resolve().parents[1])
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    paths = [own, *filter(None, [os.environ.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8:backslashreplace"}


def _detached() -> dict[str, Any]:
    """Neither the terminal's end nor Ctrl-C in it ends the process; on Windows it has an own console, never shown."""
    if sys.platform == "win32":  # pragma: no cover - Windows
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
