"""The folder of a project's jobs: a file for each job, its progress, its log, and the three locks.

Whoever adds a job writes its file once; after that only who holds the queue's lock or the work's changes it.
"""

from __future__ import annotations

import json
import os
import re
import stat
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from classifier.busy_files import when_free
from classifier.errors import SettingsError, message_of
from classifier.file_lock import LockHeldError, acquire, release
from classifier.jobs.records import NOT_BEGUN_CODE, Job, JobState
from classifier.jobs.report import checked_report
from classifier.own_files import APPEND, CREATE, NEW, READ, open_descriptor, open_own, remove_own, write_own
from classifier.paths import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.i18n import Language

NAME: Final = ".illsort-jobs"
_JOB: Final = re.compile(r"([0-9]{4,9})\.json")
_LARGEST: Final = 999_999_999
_KEPT: Final = 100
_MOST_BYTES: Final = 1 << 20
_QUEUE_LOCK, _WORK_LOCK, _ADD_LOCK = "queue.lock", "work.lock", "add.lock"
_ADD_WAIT_S: Final = 10.0
_PAUSE_S: Final = 0.1


class JobFolder:
    """The jobs of the project in `project`; its folder is made when the first one is added."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.path = project / NAME

    def add(self, step: str, words: Sequence[str], *, language: Language) -> Job:
        """Queue a command. Raises SettingsError where the folder cannot be written."""
        with self._adding():
            return self._add(step, words, language)

    def add_once(self, step: str, words: Sequence[str], *, language: Language) -> None:
        """As `add`, unless a job of that step waits or runs."""
        with self._adding():
            if not any(job.step == step and job.state is not JobState.ENDED for job in self.jobs()):
                self._add(step, words, language)

    def _add(self, step: str, words: Sequence[str], language: Language) -> Job:
        self._forget_oldest()
        last = max(self._numbers(), default=0)
        if last >= _LARGEST:
            raise SettingsError("{file}: no job can have a larger number; remove the file", file=self.file(last))
        job = Job(number=last + 1, step=step, words=tuple(words), language=language, created=time.time())
        with open_own(self.file(job.number), NEW) as file:
            file.write(_as_bytes(job))
        return job

    @contextmanager
    def _adding(self) -> Iterator[None]:
        """While the block lasts, no other process adds a job."""
        try:
            self.path.mkdir(exist_ok=True)
            with _lock(self.path / _ADD_LOCK, wait_s=_ADD_WAIT_S) as is_held:
                if not is_held:
                    raise SettingsError(
                        "{file}: another process holds this lock; try again", file=self.path / _ADD_LOCK
                    )
                yield
        except OSError as error:
            raise SettingsError("{path}: {why}", path=self.path, why=message_of(error)) from error

    def jobs(self) -> list[Job]:
        """All jobs, in the order in which they were added; files that are none are left out."""
        return [job for number in self._numbers() if (job := self.job(number)) is not None]

    def job(self, number: int) -> Job | None:
        """The job with that number; None also where its file says another one."""
        job = _job_of(self._read(self.file(number)))
        return job if job is not None and job.number == number else None

    def save(self, job: Job) -> Job:
        """Record a change of a job; the caller holds one of the locks."""
        write_own(self.file(job.number), _as_bytes(job))
        return job

    def end(self, job: Job, exit_code: int) -> Job:
        """Record that a job has ended; the caller holds one of the locks."""
        return self.save(replace(job, state=JobState.ENDED, ended=time.time(), exit_code=exit_code))

    def end_queued(self, *, before: float) -> None:
        """Take from the queue what waited behind a job that ended badly at that time; the caller holds the lock.

        What was queued after it is what a person wants then.
        """
        for job in self.jobs():
            if job.state is JobState.QUEUED and job.created < before:
                self.end(job, NOT_BEGUN_CODE)

    def request_stop(self, number: int) -> None:
        """Ask that a job be stopped; the third time it ends at once. Raises SettingsError if it cannot be asked."""
        try:
            with open_own(self.file(number, ".stop"), APPEND) as file:
                file.write(b".")
        except OSError as error:
            raise SettingsError("{path}: {why}", path=self.file(number, ".stop"), why=message_of(error)) from error

    def stops(self, number: int) -> int:
        """How often it was asked that a job be stopped."""
        try:
            status = self.file(number, ".stop").lstat()
        except OSError:
            return 0
        return status.st_size if stat.S_ISREG(status.st_mode) else 0

    def open_log(self, number: int) -> BinaryIO:
        """The log of a job, to be appended to."""
        return open_own(self.log(number), APPEND)

    def log(self, number: int) -> Path:
        """The file with what a job printed."""
        return self.file(number, ".log")

    def progress_file(self, number: int) -> Path:
        """The file with how far a job is."""
        return self.file(number, ".progress")

    def progress(self, number: int) -> dict[str, Any]:
        """How far a job is, as `report.JobReport` writes it; empty where nothing was, or the file is damaged."""
        return checked_report(self._read(self.progress_file(number)))

    @contextmanager
    def queue_lock(self, *, wait_s: float) -> Iterator[bool]:
        """Whether this process works through the queue, while the block lasts."""
        with _lock(self.path / _QUEUE_LOCK, wait_s=wait_s) as is_held:
            yield is_held

    @contextmanager
    def work_lock(self, *, wait_s: float) -> Iterator[bool]:
        """Whether this process is the one in which a command runs, while the block lasts."""
        with _lock(self.path / _WORK_LOCK, wait_s=wait_s) as is_held:
            yield is_held

    def is_working(self) -> bool:
        """Whether any process works through the queue or runs a command. Raises SettingsError for a damaged lock."""
        if not self.path.is_dir():
            return False
        with self.queue_lock(wait_s=0) as is_queue_free, self.work_lock(wait_s=0) as is_work_free:
            return not (is_queue_free and is_work_free)

    def _numbers(self) -> list[int]:
        try:
            names = os.listdir(self.path)  # noqa: PTH208 - names are what is asked for
        except OSError:
            return []
        numbers = {int(found[1]) for name in names if (found := _JOB.fullmatch(name)) is not None}
        return sorted(numbers)

    def file(self, number: int, ending: str = ".json") -> Path:
        """The file of a job, or another one of it."""
        return self.path / f"{number:04}{ending}"

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            values = json.loads(when_free(_content, path))  # it may be replaced at this moment
        except (OSError, ValueError, RecursionError):
            return None
        return values if isinstance(values, dict) else None

    def _forget_oldest(self) -> None:
        ended = [job for job in self.jobs() if job.state is JobState.ENDED]
        for job in ended[:-_KEPT]:
            for ending in (".stop", ".progress", ".log", ".json"):
                with suppress(OSError):
                    remove_own(self.file(job.number, ending))


def _content(path: Path) -> bytes:
    with open_own(path, READ) as file:
        return file.read(_MOST_BYTES)


def _job_of(values: dict[str, Any] | None) -> Job | None:
    try:
        return None if values is None else Job.from_dict(values)
    except (ValueError, TypeError, KeyError):
        return None


def _as_bytes(job: Job) -> bytes:
    return to_json(job.as_dict(), indent=1).encode()


@contextmanager
def _lock(path: Path, *, wait_s: float) -> Iterator[bool]:
    """Whether the lock is held while the block lasts. Raises SettingsError where there can be none."""
    try:
        descriptor = open_descriptor(path, CREATE)
    except OSError as error:
        raise _no_lock(path, error) from error
    try:
        yield _acquired(path, descriptor, wait_s)
    finally:
        release(descriptor)


def _acquired(path: Path, descriptor: int, wait_s: float) -> bool:
    end = time.monotonic() + wait_s
    while True:
        try:
            acquire(descriptor)
        except LockHeldError:
            if time.monotonic() >= end:
                return False
            time.sleep(_PAUSE_S)
        except OSError as error:
            raise _no_lock(path, error) from error
        else:
            return True


def _no_lock(path: Path, error: OSError) -> SettingsError:
    return SettingsError("{path}: {why}", path=path, why=message_of(error))
