"""The files of a project's jobs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from classifier.errors import SettingsError
from classifier.i18n import Language
from classifier.jobs.folder import JobFolder
from classifier.jobs.records import JobState
from kit.jobs import add


def test_a_job_is_read_as_it_was_added(tmp_path: Path) -> None:
    job = JobFolder(tmp_path).add("sort", ("sort", "图 片"), language=Language.CHINESE)

    assert [job] == JobFolder(tmp_path).jobs()
    assert job == JobFolder(tmp_path).job(1)


def test_looking_for_jobs_makes_no_folder(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)

    assert [] == folder.jobs()
    assert not folder.is_working()
    assert [] == list(tmp_path.iterdir())


def test_a_damaged_file_is_no_job_and_its_number_is_not_used_again(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    add(folder, "one")
    for number, damaged in enumerate(["", "[]", "{}", '{"number": "x"}', "[" * 100_000], start=2):
        (folder.path / f"{number:04}.json").write_text(damaged, encoding="utf-8")

    assert [1] == [job.number for job in folder.jobs()]
    assert 7 == add(folder, "next").number


def test_old_jobs_are_forgotten_with_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier.jobs.folder._KEPT", 2)
    folder = JobFolder(tmp_path)
    for number in range(1, 6):
        job = add(folder, "one")
        folder.save(replace(job, state=JobState.ENDED, exit_code=0))
        folder.log(number).write_bytes(b"x")

    add(folder, "last")
    assert [4, 5, 6] == [job.number for job in folder.jobs()]
    assert not folder.log(3).exists()
    assert folder.log(4).exists()


def test_a_project_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="illsort-jobs"):
        add(JobFolder(tmp_path / "gone"), "one")


def test_a_lock_is_free_again_when_its_holder_ends(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    add(folder, "one")
    with folder.queue_lock(wait_s=0) as first, folder.queue_lock(wait_s=0) as second:
        assert first
        assert not second
        assert folder.is_working()
    assert not folder.is_working()
