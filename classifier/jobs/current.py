"""Whether this process is a job, and where that reports to; imports nothing, for every command asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from classifier.jobs.report import JobReport

VARIABLE: Final = "ILLSORT_JOB"
"""The environment variable that names a job's file to the process that runs it."""
_reports: list[JobReport] = []


def current_report() -> JobReport | None:
    """Where the job of this process reports to; None in every other process."""
    return _reports[0] if _reports else None


def set_current(report: JobReport | None) -> None:
    """Have commands report there, or nowhere any more."""
    _reports[:] = [] if report is None else [report]
