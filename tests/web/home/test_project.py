"""Which project the page shows, what it proposes, and what it remembers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from classifier.errors import SettingsError
from classifier.project import change_project
from classifier.web.home import project as project_module
from classifier.web.home.places import places
from classifier.web.home.project import change_folders, project_of, proposed, proposed_library, read_project
from classifier.web.home.recent import note_project, recent_projects
from kit.home import project


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this folder nor the person's state holds a project."""
    for name in ("XDG_STATE_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "state"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


def test_the_project_of_this_folder_goes_before_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = project(tmp_path / "first"), project(tmp_path / "second")
    assert project_of(None) is None
    note_project(second)
    assert second == project_of(None)
    monkeypatch.chdir(first)
    assert first == project_of(None)


def test_a_library_names_its_project(tmp_path: Path) -> None:
    inside, outside = project(tmp_path / "inside"), project(tmp_path / "outside")
    change_project(outside / "illsort.toml", {"sort.library": tmp_path / "far"})

    assert inside == project_of(inside / "sorted")
    with pytest.raises(SettingsError, match="nor the library of one; illsort review"):
        project_of(tmp_path / "far")
    note_project(outside)
    assert outside == project_of(tmp_path / "far")


def test_the_last_projects_are_remembered_once_each_while_they_are_there(tmp_path: Path) -> None:
    first, second = project(tmp_path / "first"), project(tmp_path / "second")
    for folder in (first, second, first):
        note_project(folder)
    assert [first, second] == recent_projects()
    (second / "illsort.toml").unlink()
    assert [first] == recent_projects()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"projects": 3}', '{"projects": ["relative", "\\u0000"]}', "[" * 99_999]
)
def test_a_damaged_list_of_projects_is_no_list(tmp_path: Path, content: str) -> None:
    note_project(project(tmp_path / "first"))
    (listed,) = (tmp_path / "state").rglob("projects.json")
    listed.write_text(content, encoding="utf-8")

    assert [] == recent_projects()


def test_a_new_project_is_proposed_where_none_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert tmp_path / "illsort" / "sorted" == proposed()["library"]
    project(tmp_path / "illsort")
    assert tmp_path / "illsort-2" == proposed()["project"]


def test_a_crawl_on_another_disk_gets_its_library_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl, folder = tmp_path / "disk" / "crawl", tmp_path / "illsort"
    crawl.mkdir(parents=True)
    assert folder / "sorted" == proposed_library(crawl, folder)
    monkeypatch.setattr(project_module, "_disk_of", lambda path: "disk" in path.parts)
    assert tmp_path / "disk" / "illsort-sorted" == proposed_library(crawl, folder)
    (tmp_path / "disk" / "illsort-sorted").mkdir()
    assert tmp_path / "disk" / "illsort-sorted-2" == proposed_library(crawl, folder)


def test_paths_of_a_project_count_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "illsort.toml").write_text("[sort]\ncrawl = 'pictures'\n", encoding="utf-8")
    found = read_project(tmp_path)

    assert {"crawl": tmp_path / "pictures"} == dict(found.folders)
    with pytest.raises(SettingsError, match=r"illsort\.toml: sort\.library is missing"):
        found.needed("library")


def test_one_may_begin_at_home_and_at_the_disks() -> None:
    found = [Path(one.path) for one in places()]

    assert Path.home() == found[0]
    assert (Path("C:\\") if sys.platform == "win32" else Path("/")) in found


def test_a_whole_disk_or_the_home_folder_is_no_folder_of_labels(tmp_path: Path) -> None:
    opened = read_project(project(tmp_path / "mine"))
    before = (opened.folder / "illsort.toml").read_bytes()
    for too_much in (Path(tmp_path.anchor), Path.home()):
        with pytest.raises(SettingsError, match="much more than labels"):
            change_folders(opened, {**opened.folders, "labels": too_much})

    assert before == (opened.folder / "illsort.toml").read_bytes()
