"""What the home page makes of damaged files among the jobs of its project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier.i18n import Language
from classifier.jobs.folder import JobFolder
from classifier.jobs.records import JobState
from kit.home import asking, project


@pytest.mark.parametrize("wrong", [{"exit_code": []}, {"step": ["x"]}, {"attempts": "x"}, {"number": 2}])
def test_a_damaged_job_is_left_out_and_the_page_opens(tmp_path: Path, wrong: dict[str, object]) -> None:
    folder = JobFolder(project(tmp_path))
    with asking(tmp_path):
        job = folder.add("look", ("doctor",), language=Language.ENGLISH)
    folder.file(1).write_text(json.dumps(job.as_dict() | wrong), encoding="utf-8")
    with asking(tmp_path) as client:
        assert {"jobs": []} == client.get("/api/jobs").json()


STAGE = {"name": {"en": "a", "zh": "b"}, "unit": "", "total": 4, "done": 1, "rate": 0.5, "left": 6, "note": None}
DAMAGED: list[object] = [
    "text",
    [],
    {"stages": []},
    {"stages": 3, "messages": []},
    {"stages": [STAGE | {"total": "4"}], "messages": []},
    {"stages": [STAGE | {"done": -1}], "messages": []},
    {"stages": [STAGE | {"left": float("nan")}], "messages": []},
    {"stages": [STAGE | {"name": {"en": ["x"], "zh": ""}}], "messages": []},
    {"stages": [STAGE | {"unit": None}], "messages": []},
    {"stages": [STAGE], "messages": ["x"]},
]


@pytest.mark.parametrize("damaged", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_progress_is_no_progress(tmp_path: Path, damaged: object) -> None:
    folder = JobFolder(tmp_path)
    folder.path.mkdir()
    folder.progress_file(1).write_text(json.dumps(damaged), encoding="utf-8")
    assert {} == folder.progress(1)


def test_a_progress_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder, written = JobFolder(tmp_path), {"stages": [STAGE], "messages": [{"en": "c", "zh": "d"}]}
    folder.path.mkdir()
    folder.progress_file(1).write_text(json.dumps(written), encoding="utf-8")
    assert written == folder.progress(1)


@pytest.mark.parametrize("lock", ["queue.lock", "work.lock"])
def test_a_damaged_lock_is_one_line_and_the_page_opens(
    tmp_path: Path, lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.web.home.jobs.start_runner", lambda _: None)
    folder = JobFolder(project(tmp_path))
    with asking(tmp_path):
        job = folder.add("sort", ("sort",), language=Language.ENGLISH)
    folder.save(type(job)(**job.as_dict() | {"state": JobState.RUNNING}))
    (folder.path / lock).mkdir()
    with asking(tmp_path) as client:
        answer = client.get("/api/jobs")
        started = client.post("/api/jobs/start", json={"step": "sort", "language": "en"})
    assert (409, 409) == (answer.status_code, started.status_code)
    assert lock in answer.json()["error"]
