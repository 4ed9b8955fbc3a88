"""The home page: whom it answers, what it shows of the disk, which folders it lists, and what it starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Route

from classifier.i18n import Language
from classifier.jobs.folder import JobFolder
from classifier.jobs.records import JobState, Outcome
from classifier.project import PROJECT_FILE
from classifier.records import Action
from classifier.web.home import jobs as jobs_module
from classifier.web.home.app import Home
from classifier.web.home.steps import STEPS
from kit.home import asking, draw, project
from kit.reviewing import KEY_HEADER, OWN, waiting_library
from kit.tree import read_tree

if TYPE_CHECKING:
    from starlette.testclient import TestClient

START = {"step": "train", "language": "zh"}


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The projects for which a runner was started; none is."""
    found: list[Path] = []
    monkeypatch.setattr(jobs_module, "start_runner", found.append)
    return found


def home_of(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/api/home").raise_for_status().json())


def counted(client: TestClient) -> dict[str, Any]:
    """The state once the crawl and the labels are counted."""
    while True:
        found = dict(home_of(client)["project"])
        if found["crawl"]["done"] and "counting" not in found["labels"]:
            return found


def refusal(client: TestClient, path: str, body: dict[str, Any]) -> str:
    answer = client.post(path, json=body)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error_zh"] != answer.json()["error"]
    return str(answer.json()["error"])


@pytest.mark.parametrize(
    "path",
    ["/api/home", "/api/jobs", "/api/jobs/1/log", "/review/api/state", "/label/api/state", "/review/picture/0/small"],
)
def test_without_the_key_nothing_is_sent(tmp_path: Path, path: str) -> None:
    with asking(project(tmp_path), is_open=False) as client:
        assert 401 == client.get(path).status_code


@pytest.mark.parametrize("path", ["/", "/review/", "/label/", "/static/home.js", "/review/static/main.js"])
def test_the_files_of_the_page_and_its_rooms_hold_no_secret(tmp_path: Path, path: str) -> None:
    with asking(project(tmp_path), is_open=False) as client:
        answer = client.get(path)
    assert 200 == answer.status_code
    assert str(tmp_path) not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/api/jobs/start", "/api/jobs/stop", "/api/project/open", "/api/folders", "/api/count"]
)
def test_what_starts_or_lists_needs_post_key_and_origin(tmp_path: Path, path: str, started: list[Path]) -> None:
    with asking(project(tmp_path)) as client:
        assert 405 == client.get(path, params=START).status_code
        assert 403 == client.post(path, json=START, headers={"Origin": "http://evil.example"}).status_code
        assert 403 == client.post(path, json=START, headers={"Origin": OWN.replace("8123", "8124")}).status_code
        assert 415 == client.post(path, content="step=train", headers={"Content-Type": "text/plain"}).status_code
        del client.headers["Origin"]
        assert 403 == client.post(path, json=START).status_code
        client.headers["Origin"] = OWN
        del client.headers[KEY_HEADER]
        assert 401 == client.post(path, json=START).status_code
    assert [] == started
    assert [] == JobFolder(tmp_path).jobs()


@pytest.mark.parametrize(
    "body",
    [
        {"step": "undo", "language": "en"},
        {"step": "train --config x", "language": "en"},
        {"step": ["train"], "language": "en"},
        {"step": "train", "language": "fr"},
        {"step": "train"},
        {"words": ["train"]},
    ],
)
def test_only_the_steps_are_started(tmp_path: Path, body: dict[str, Any], started: list[Path]) -> None:
    with asking(project(tmp_path)) as client:
        refusal(client, "/api/jobs/start", body)
    assert [] == started


def test_a_step_is_queued_once_as_the_command_that_is_shown(tmp_path: Path, started: list[Path]) -> None:
    with asking(project(tmp_path)) as client:
        client.post("/api/jobs/start", json=START)
        (job,) = client.post("/api/jobs/start", json=START).json()["jobs"]
        shown = home_of(client)["commands"]["train"]

    assert ("train", "queued", "illsort train") == (job["step"], job["state"], job["command"])
    assert job["command"] == shown
    (saved,) = JobFolder(tmp_path).jobs()
    assert (("train",), Language.CHINESE) == (saved.words, saved.language)
    assert {tmp_path} == set(started)


def test_every_step_is_a_command_that_illsort_has() -> None:
    from typer.main import get_command  # noqa: PLC0415 - it takes a while

    from classifier.cli.main import app  # noqa: PLC0415 - the same

    group: Any = get_command(app)
    for name, *arguments in STEPS.values():
        command = group.commands[name]
        command.make_context(name, list(arguments), parent=group.make_context("illsort", [name]))


def test_what_was_left_of_a_project_is_taken_up_when_it_is_opened(tmp_path: Path, started: list[Path]) -> None:
    folder = project(tmp_path)
    with asking(folder):
        assert [] == started
    JobFolder(folder).add("sort", ("sort",), language=Language.ENGLISH)
    with asking(folder):
        assert [folder] == started


def test_jobs_that_came_with_a_folder_begin_only_with_a_step(tmp_path: Path, started: list[Path]) -> None:
    folder = project(tmp_path)
    JobFolder(folder).add("sort", ("sort",), language=Language.ENGLISH)
    with asking(folder) as client:
        assert [] == started
        client.post("/api/jobs/start", json=START)
    assert [folder] == started


def test_a_job_that_is_no_command_of_a_step_is_never_begun(tmp_path: Path, started: list[Path]) -> None:
    folder = project(tmp_path)
    with asking(folder):
        pass
    JobFolder(folder).add("sort", ("sort", "--mode", "move"), language=Language.ENGLISH)
    with asking(folder) as client:
        answer = client.post("/api/jobs/start", json=START)
    assert 400 <= answer.status_code < 500
    assert "0001.json" in answer.text
    assert [] == started


def test_a_job_that_no_process_works_on_is_shown_as_interrupted(tmp_path: Path) -> None:
    folder = JobFolder(project(tmp_path))
    job = folder.add("sort", ("sort",), language=Language.ENGLISH)
    folder.save(type(job)(**job.as_dict() | {"state": JobState.RUNNING, "attempts": 1}))
    with asking(tmp_path) as client:
        (shown,) = client.get("/api/jobs").json()["jobs"]
        assert "interrupted" == shown["state"]
        with folder.queue_lock(wait_s=0):
            (shown,) = client.get("/api/jobs").json()["jobs"]
            assert "running" == shown["state"]


def test_a_failed_job_says_why_in_its_own_line(tmp_path: Path) -> None:
    folder = JobFolder(project(tmp_path))
    job = folder.add("train", ("train",), language=Language.ENGLISH)
    log = "reading: 0%\rreading: 100%\nillsort: labels: holds no \x1b[31mpictures\n"
    folder.log(1).write_text(log, encoding="utf-8", newline="")
    folder.end(job, 2)
    with asking(tmp_path) as client:
        (shown,) = client.get("/api/jobs").json()["jobs"]
        text = client.get("/api/jobs/1/log").json()["text"]

    assert (Outcome.FAILED, "labels: holds no \\x1b[31mpictures") == (shown["outcome"], shown["line"])
    assert text.startswith("reading: 100%\nillsort: ")
    assert "\x1b" not in text


def test_a_job_is_stopped_by_its_number(tmp_path: Path, started: list[Path]) -> None:
    with asking(project(tmp_path)) as client:
        client.post("/api/jobs/start", json=START)
        (job,) = client.post("/api/jobs/stop", json={"number": 1}).json()["jobs"]
        assert 1 == job["stops"]
        refusal(client, "/api/jobs/stop", {"number": 2})
    assert 1 == JobFolder(tmp_path).stops(1)
    assert started


def test_what_is_on_the_disk_is_what_is_shown(tmp_path: Path) -> None:
    with asking(project(tmp_path)) as client:
        before = counted(client)
        draw(tmp_path / "labels" / "blue", 4)
        after = counted(client)
        draw(tmp_path / "crawl", 9)
        client.post("/api/count", json={})
        again = counted(client)

    assert (5, {"png": 5}) == (before["crawl"]["pictures"], before["crawl"]["formats"])
    assert "red" in before["labels"]["trouble"] or before["labels"]["count"] == 3
    assert {"blue": 4, "red": 3} == after["labels"]["categories"]
    assert 9 == again["crawl"]["pictures"]
    assert (None, None) == (after["model"], after["library"])


def test_a_project_is_made_shown_and_remembered(tmp_path: Path) -> None:
    draw(tmp_path / "crawl", 1)
    folders = {name: str(tmp_path / "new" / name) for name in ("labels", "model", "library")}
    sent = {"project": str(tmp_path / "new"), "crawl": str(tmp_path / "crawl"), **folders}
    with asking(None) as client:
        assert home_of(client)["folder"] is None
        made = client.post("/api/project/create", json=sent).raise_for_status().json()
        assert "there is one already" in refusal(client, "/api/project/create", sent)
        recent = client.post("/api/project/close", json={}).json()["recent"]
        client.post("/api/project/open", json={"path": str(tmp_path / "new")}).raise_for_status()

    assert str(tmp_path / "new") == made["folder"] == recent[0]
    assert folders | {"crawl": sent["crawl"]} == made["project"]["folders"]
    assert [PROJECT_FILE] == list(read_tree(tmp_path / "new"))


def test_other_folders_are_written_into_the_projects_file(tmp_path: Path) -> None:
    folder = project(tmp_path)
    file = folder / PROJECT_FILE
    file.write_text(file.read_text(encoding="utf-8") + "\n[train]\nseed = 7\n", encoding="utf-8")
    places = {name: str(tmp_path / name) for name in ("crawl", "labels", "model")}
    with asking(folder) as client:
        changed = client.post("/api/project/change", json=places | {"library": str(tmp_path / "other")}).json()

    assert str(tmp_path / "other") == changed["project"]["folders"]["library"]
    assert "seed = 7" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["relative", "~nobody-of-this-name/x", "nul\0", "x" * 9000])
@pytest.mark.parametrize("route", ["/api/project/open", "/api/folders"])
def test_a_path_that_cannot_be_is_refused_in_one_line(tmp_path: Path, route: str, path: str) -> None:
    with asking(project(tmp_path)) as client:
        assert "\n" not in refusal(client, route, {"path": path})


def test_a_folder_lists_what_is_directly_in_it(tmp_path: Path) -> None:
    draw(tmp_path / "crawl" / "deep", 2)
    draw(tmp_path / "crawl", 3)
    (tmp_path / "crawl" / ".hidden").mkdir()
    with asking(None) as client:
        found = client.post("/api/folders", json={"path": f' "{tmp_path / "crawl"}" '}).json()
        home = client.post("/api/folders", json={}).json()
        gone = client.post("/api/folders", json={"path": str(tmp_path / "no" / "ne"), "nearest": True}).json()
        assert "none" in refusal(client, "/api/folders", {"path": str(tmp_path / "none")})

    assert (3, [{"name": "deep", "path": str(tmp_path / "crawl" / "deep")}]) == (found["pictures"], found["folders"])
    assert str(tmp_path) == found["parent"] == gone["path"]
    assert home["path"] == home["places"][0]["path"]


def test_a_damaged_project_file_is_one_line_and_the_page_stays(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / PROJECT_FILE).write_text("[sort\n", encoding="utf-8")
    with asking(folder) as client:
        state = home_of(client)

    assert state["project"] is None
    assert PROJECT_FILE in state["trouble"]


def test_the_page_of_copies_is_offered_and_opened_once_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    folder = project(tmp_path)
    with asking(folder) as client:
        assert not home_of(client)["project"]["duplicates"]
        assert "duplicates.html" in refusal(client, "/api/duplicates/open", {})
        (folder / "duplicates.html").touch()
        assert home_of(client)["project"]["duplicates"]
        client.post("/api/duplicates/open", json={}).raise_for_status()

    assert [(folder / "duplicates.html").as_uri()] == opened


def test_the_contact_sheet_is_opened_only_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with asking(project(tmp_path)) as client:
        assert "_preview.html" in refusal(client, "/api/preview/open", {})
        (tmp_path / "sorted").mkdir()
        (tmp_path / "sorted" / "_preview.html").touch()
        client.post("/api/preview/open", json={}).raise_for_status()

    assert [(tmp_path / "sorted" / "_preview.html").as_uri()] == opened


ODD_BODIES = [
    b"",
    b"null",
    b"[]",
    b'{"path": "\\ud800"}',
    b'{"path": "/\\u0000", "nearest": true}',
    b'{"path": 3, "number": 1e400, "step": null}',
    b'{"number": 99999999999999999999}',
    b'{"step": "train", "language": "en", "number": -1}',
    b'{"crawl": "/", "labels": "x", "model": "~", "library": "", "project": "/proc/none"}',
    b'{"crawl": "/none", "labels": "/a", "model": "/b", "library": "/c", "project": "/dev/null/x"}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", ODD_BODIES, ids=range(len(ODD_BODIES)))
def test_whatever_is_sent_is_answered_or_refused(tmp_path: Path, body: bytes) -> None:
    json = {"Content-Type": "application/json"}
    with asking(project(tmp_path)) as client:
        routes = [one.path for one in Home(None).app.routes if isinstance(one, Route) and "POST" in (one.methods or ())]
        assert len(routes) > 8
        for path in routes:
            assert client.post(path, content=body, headers=json).status_code < 500, path


def test_a_room_opens_the_library_of_the_project(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, [(Action.REVIEW, "chibi", 0.5)])
    folder = project(tmp_path)
    with asking(folder) as client:
        assert 409 == client.get("/label/api/state").status_code
        changed = {name: str(folder / name) for name in ("crawl", "labels", "model")} | {"library": str(library)}
        client.post("/api/project/change", json=changed).raise_for_status()
        state = client.get("/review/api/state").json()
        assert 404 == client.post("/review/api/open", json={"token": "x"}).status_code

    assert {"chibi": 1} == state["waiting"]["review"]


def test_nested_folders_of_labels_are_offered_to_be_categories(tmp_path: Path) -> None:
    folder = project(tmp_path)
    for name in ("light", "dark"):
        draw(folder / "labels" / "blue" / name, 2)
    with asking(folder) as client:
        offered = client.get("/api/home").json()["project"]["labels"]
        nested = client.post("/api/project/nest", json={}).raise_for_status().json()["project"]["labels"]

    assert "2 folders within categories, such as blue/dark" in offered["nested"]
    assert {"red": 3, "blue": 4} == offered["categories"]
    assert ({"red": 3, "blue/dark": 2, "blue/light": 2}, None) == (nested["categories"], nested.get("nested"))
    assert "depth = 2" in (folder / PROJECT_FILE).read_text(encoding="utf-8")
