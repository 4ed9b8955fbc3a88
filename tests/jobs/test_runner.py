"""Jobs in processes of their own: in their order, one at a time, stopped, killed and taken up again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from classifier.jobs import runner as runner_module
from classifier.jobs.folder import JobFolder
from classifier.jobs.records import JobState, Outcome
from classifier.jobs.runner import has_unfinished, start_runner, work
from kit.jobs import COMMAND, add, begun, command_process, kill, runner, until


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobFolder:
    monkeypatch.setattr(runner_module, "_PATIENCE_S", 0.5)
    monkeypatch.setattr(runner_module, "_python", lambda: [sys.executable, "-c", COMMAND])
    return JobFolder(tmp_path)


def outcomes(folder: JobFolder) -> list[Outcome | None]:
    return [job.outcome for job in folder.jobs()]


def is_running(folder: JobFolder, number: int) -> bool:
    job = folder.job(number)
    return job is not None and job.state is JobState.RUNNING and bool(folder.progress(number).get("stages"))


def test_jobs_run_in_the_order_in_which_they_were_added(folder: JobFolder) -> None:
    for words in (("one",), ("two", "1"), ("three",)):
        add(folder, *words)
    work(folder)

    assert ["one", "two 1", "three"] == begun(folder)
    assert [Outcome.DONE, Outcome.ALMOST, Outcome.DONE] == outcomes(folder)
    assert b"begun one" in folder.log(1).read_bytes()
    assert not has_unfinished(folder)


@pytest.mark.parametrize(
    ("words", "outcome"),
    [(("no", "2"), Outcome.FAILED), (("bug",), Outcome.CRASHED), (("killed",), Outcome.CRASHED)],
)
def test_what_is_queued_behind_a_job_that_did_not_end_well_is_not_begun(
    folder: JobFolder, words: tuple[str, ...], outcome: Outcome
) -> None:
    add(folder, *words)
    add(folder, "after")
    work(folder)

    assert [outcome, Outcome.NOT_BEGUN] == outcomes(folder)
    assert [" ".join(words)] == begun(folder)


def test_two_runners_never_work_at_the_same_time(folder: JobFolder) -> None:
    add(folder, "long")
    add(folder, "after")
    with runner(folder):
        until(lambda: is_running(folder, 1))
        assert folder.is_working()
        work(folder)
        assert ["long"] == begun(folder)
        (folder.project / "go").touch()
        until(lambda: not has_unfinished(folder))

    assert ["long", "after"] == begun(folder)


def test_a_stopped_job_has_stopped_and_the_queue_with_it(folder: JobFolder) -> None:
    add(folder, "long")
    add(folder, "after")
    with runner(folder) as process:
        until(lambda: is_running(folder, 1))
        folder.request_stop(1)
        assert 0 == process.wait(20)

    assert [Outcome.STOPPED, Outcome.NOT_BEGUN] == outcomes(folder)
    assert b"illsort: stopped" in folder.log(1).read_bytes()


def test_what_is_queued_after_a_job_was_stopped_stays_queued(folder: JobFolder) -> None:
    stopped, waiting = add(folder, "one"), add(folder, "two")
    ended = folder.end(stopped, 130).ended
    later = add(folder, "one")
    assert ended is not None
    folder.end_queued(before=ended)

    assert [Outcome.STOPPED, Outcome.NOT_BEGUN, None] == outcomes(folder)
    assert (2, 3) == (waiting.number, later.number)


def test_a_job_that_is_stopped_in_the_queue_is_not_begun(folder: JobFolder) -> None:
    add(folder, "one")
    folder.request_stop(1)
    work(folder)

    assert [Outcome.STOPPED] == outcomes(folder)
    assert [] == begun(folder)


def test_a_job_whose_processes_were_killed_is_taken_up_again_once(folder: JobFolder) -> None:
    add(folder, "long")
    for _ in range(2):
        with runner(folder) as process:
            until(lambda: is_running(folder, 1))
            process.kill()
            process.wait()
            kill(command_process(folder))
            until(lambda: not folder.is_working())
            folder.progress_file(1).unlink()
        (folder.project / "go").unlink()
    work(folder)

    assert ["long", "long"] == begun(folder)
    assert [Outcome.CRASHED] == outcomes(folder)


def test_a_command_whose_runner_was_killed_is_waited_for_and_not_doubled(folder: JobFolder) -> None:
    add(folder, "long")
    add(folder, "after")
    with runner(folder) as killed:
        until(lambda: is_running(folder, 1))
        killed.kill()
        killed.wait()
        with runner(folder):
            assert folder.is_working()
            (folder.project / "go").touch()
            until(lambda: not has_unfinished(folder))

    assert ["long", "after"] == begun(folder)
    assert [Outcome.DONE, Outcome.DONE] == outcomes(folder)


def test_a_job_is_illsort_itself_in_a_process_that_goes_on_alone(tmp_path: Path) -> None:
    (tmp_path / "classifier.py").write_text("raise SystemExit(9)", encoding="utf-8")  # not what a job imports
    folder = JobFolder(tmp_path)
    add(folder, "--version")
    add(folder, "status", str(tmp_path / "none"))
    start_runner(tmp_path)
    until(lambda: not has_unfinished(folder) and not folder.is_working())

    assert [Outcome.DONE, Outcome.FAILED] == outcomes(folder)
    assert folder.log(2).read_text(encoding="utf-8").startswith("illsort: ")
    assert 1 == folder.log(2).read_text(encoding="utf-8").count("\n")
