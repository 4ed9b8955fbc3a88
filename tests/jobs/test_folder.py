"""The files of a project's jobs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from classifier.errors import SettingsError
from classifier.i18n import Language
from classifier.jobs.folder import JobFolder
from classifier.jobs.records import JobState
from classifier.jobs.runner import work
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


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": 2},
        {"number": "x"},
        {"number": True},
        {"step": ["x"]},
        {"words": "train"},
        {"words": [["x"]]},
        {"created": float("nan")},
        {"started": "x"},
        {"ended": float("inf")},
        {"attempts": "x"},
        {"exit_code": []},
        {"exit_code": 10**400},
    ],
)
def test_a_file_with_a_wrong_value_is_no_job(tmp_path: Path, wrong: dict[str, object]) -> None:
    folder = JobFolder(tmp_path)
    job = add(folder, "one")
    folder.file(1).write_text(json.dumps(job.as_dict() | wrong), encoding="utf-8")

    assert [] == folder.jobs()
    assert folder.job(1) is None


def test_a_job_with_the_number_of_another_ends_no_run(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    first = folder.save(replace(add(folder, "one"), state=JobState.ENDED, exit_code=0))
    folder.file(2).write_text(json.dumps(first.as_dict() | {"state": "queued"}), encoding="utf-8")

    work(folder)
    assert [first] == folder.jobs()


def test_no_job_is_added_after_the_largest_number(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    folder.path.mkdir()
    folder.file(999_999_999).write_bytes(b"{}")

    for _ in range(2):
        with pytest.raises(SettingsError, match="999999999"):
            add(folder, "one")


def test_a_step_is_queued_once_by_several_at_a_time(tmp_path: Path) -> None:
    folders = [JobFolder(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as several:
        list(several.map(lambda one: one.add_once("look", ("doctor",), language=Language.ENGLISH), folders))

    assert ["look"] == [job.step for job in folders[0].jobs()]


@pytest.mark.parametrize("lock", ["queue.lock", "work.lock", "add.lock"])
def test_a_lock_that_is_a_folder_is_one_line(tmp_path: Path, lock: str) -> None:
    folder = JobFolder(tmp_path)
    (folder.path / lock).mkdir(parents=True)

    with pytest.raises(SettingsError, match=lock):  # noqa: PT012 - adding needs the one, looking the others
        add(folder, "one")
        folder.is_working()


def test_a_request_to_stop_is_a_file(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    folder.file(1, ".stop").mkdir(parents=True)

    assert 0 == folder.stops(1)
    with pytest.raises(SettingsError, match="0001"):
        folder.request_stop(1)
