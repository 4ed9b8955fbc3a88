"""Jobs as the page shows them: where each stands, how far it is, what it printed last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from classifier.errors import SettingsError
from classifier.i18n import Language
from classifier.jobs.folder import JobFolder
from classifier.jobs.records import JobState, Outcome
from classifier.jobs.runner import has_unfinished, start_runner
from classifier.own_files import READ, open_own
from classifier.paths import command, displayable
from classifier.web.home.steps import STEPS
from classifier.web.responses import RequestError

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.jobs.records import Job

_SHOWN: Final = 40
_LOG_BYTES: Final = 32 * 1024


class ProjectJobs:
    """The jobs of one project."""

    def __init__(self, project: Path) -> None:
        self._folder = JobFolder(project)
        self._project = project

    def take_up(self) -> None:
        """Have what is queued or was killed worked through; a process that finds another one doing that ends.

        Raises SettingsError where a job is none of the steps' commands: its file may have come with the folder.
        """
        for job in self._folder.jobs():
            if job.state is not JobState.ENDED and job.words != STEPS.get(job.step):
                raise SettingsError(
                    "{file}: {command} is not what this page starts; remove the file",
                    file=self._folder.file(job.number),
                    command=command(*job.words),
                )
        if has_unfinished(self._folder):
            self._folder.is_working()  # a lock that is none is said here, for nobody sees the runner end
            start_runner(self._project)

    def start(self, step: str, language: Language) -> None:
        """Queue the command of a step, once. Raises SettingsError where that is impossible."""
        if step not in STEPS:
            raise RequestError("there is no such step")
        self._folder.add_once(step, STEPS[step], language=language)
        self.take_up()

    def stop(self, number: int) -> None:
        """Ask a job to stop; one that waits does not begin. Raises SettingsError where that is impossible."""
        job = self._folder.job(number)
        if job is None:
            raise SettingsError("there is no such job")
        if job.state is not JobState.ENDED:
            self._folder.request_stop(number)
            self.take_up()

    def as_list(self) -> list[dict[str, Any]]:
        """The last jobs, the newest last."""
        jobs = self._folder.jobs()[-_SHOWN:]
        is_begun = any(job.state is JobState.RUNNING for job in jobs)
        is_interrupted = is_begun and not self._folder.is_working()
        return [self._job(job, is_interrupted=is_interrupted) for job in jobs]

    def unfinished(self, step: str) -> dict[str, Any] | None:
        """The job of that step which waits, runs or was interrupted."""
        found = (job for job in self.as_list() if job["step"] == step and job["state"] != JobState.ENDED)
        return next(found, None)

    def log(self, number: int) -> dict[str, Any]:
        """The end of what a job printed, as lines that are harmless to show."""
        text = self._tail(number)
        return {"number": number, "text": displayable(text, keep="\n")}

    def _job(self, job: Job, *, is_interrupted: bool) -> dict[str, Any]:
        is_running = job.state is JobState.RUNNING
        failed = job.outcome in {Outcome.FAILED, Outcome.CRASHED}
        return {
            "number": job.number,
            "step": job.step,
            "command": command(*job.words),
            "state": "interrupted" if is_running and is_interrupted else job.state.value,
            "outcome": job.outcome,
            "exitCode": job.exit_code,
            "started": job.started,
            "ended": job.ended,
            "stops": self._folder.stops(job.number) if job.state is not JobState.ENDED else 0,
            "line": self._last_line(job.number) if failed else "",
            "progress": self._folder.progress(job.number) if is_running else None,
        }

    def _last_line(self, number: int) -> str:
        lines = [line.strip() for line in self._tail(number).splitlines() if line.strip()]
        own = [line for line in lines if line.startswith("illsort: ")]
        line = (own or lines or [""])[-1]
        return displayable(line.removeprefix("illsort: "))

    def _tail(self, number: int) -> str:
        try:
            with open_own(self._folder.log(number), READ) as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - _LOG_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n"))
