"""The process in which the command of a job runs: holds the lock, watches for a stop, and records the end.

The runner starts it with the name of the job's file in an environment variable.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.jobs.current import VARIABLE, set_current
from classifier.jobs.folder import JobFolder
from classifier.jobs.records import CRASHED_CODE, STOPPED_CODE, JobState
from classifier.jobs.report import JobReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.jobs.records import Job

_LONGEST_WAIT_S: Final = 600.0
"""For the process of an earlier attempt whose runner was killed, and which still works."""
_EVERY_S: Final = 0.2


@contextmanager
def running_job() -> Iterator[None]:
    """Run the block as the job that the environment names, if it names one.

    Whatever ends the block is recorded: an exit code, Ctrl-C as 130, a bug as CRASHED_CODE. The block is not entered
    when an earlier attempt has come to an end meanwhile.
    """
    named = os.environ.pop(VARIABLE, None)
    if named is None:
        yield
        return
    file = Path(named)
    folder, number = JobFolder(file.parents[1]), int(file.stem)
    with folder.work_lock(wait_s=_LONGEST_WAIT_S) as is_held:
        job = folder.job(number)
        if not is_held or job is None or job.state is not JobState.RUNNING:
            sys.exit(CRASHED_CODE)
        with _recorded_end(folder, job), _reported(folder, number), _stoppable(folder, number):
            yield


@contextmanager
def _recorded_end(folder: JobFolder, job: Job) -> Iterator[None]:
    code = CRASHED_CODE
    try:
        yield
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else CRASHED_CODE
        raise
    except KeyboardInterrupt:
        code = STOPPED_CODE
        raise
    finally:
        folder.end(job, code)


@contextmanager
def _reported(folder: JobFolder, number: int) -> Iterator[None]:
    report = JobReport(folder.progress_file(number)).start()
    set_current(report)
    try:
        yield
    finally:
        set_current(None)
        report.close()


@contextmanager
def _stoppable(folder: JobFolder, number: int) -> Iterator[None]:
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(folder, number, ended), name="stop of the job", daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()


def _watch(folder: JobFolder, number: int, ended: threading.Event) -> None:
    """Press Ctrl-C once for each request to stop."""
    pressed = 0
    while not ended.wait(_EVERY_S):
        if folder.stops(number) > pressed:
            pressed += 1
            _press()


def _press() -> None:
    """Interrupt the main thread, also while it waits in the system."""
    if sys.platform == "win32":  # pragma: no cover - Windows
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
