"""A folder with `illsort.toml`: its commands need no arguments."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import pytest

from classifier.project import PROJECT_FILE
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.pictures import COLORS, encoded, plain
from kit.tree import make_tree, read_tree

RED = encoded(plain(COLORS["red"]), "PNG")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_commands_take_their_paths_from_the_folder_they_run_in(project: Path, tmp_path: Path) -> None:
    model = color_bundle(tmp_path / "model").folder
    make_tree(tmp_path / "crawl", {"a.png": RED})
    assert "illsort sort" in illsort("init", "--crawl", tmp_path / "crawl", "--model", model).stdout

    sorted_ = illsort("sort")
    assert 0 == sorted_.returncode
    assert f"sorting {tmp_path / 'crawl'} into sorted" in sorted_.stderr
    assert "next, judge a random sample of what was filed: illsort audit sorted" == sorted_.stdout.splitlines()[-1]
    assert {"a.png": RED} == read_tree(project / "sorted" / "red")

    for command in ("status", "verify", "report", "undo"):
        ended = illsort(command)
        assert 0 == ended.returncode
        assert f"library: sorted ({PROJECT_FILE})" in ended.stderr
    assert not (project / "sorted" / "red").exists()


def test_a_command_without_paths_and_project_says_what_to_do(project: Path) -> None:
    for command, what in (("sort", "crawl"), ("label", "crawl"), ("status", "library"), ("review", "library")):
        ended = illsort(command)
        advice = f"name its folder, or write it into illsort.toml (illsort init): {what}, under [sort]"
        assert (2, [f"illsort: which {what}? {advice}"]) == (ended.returncode, ended.stderr.splitlines())
    assert [] == list(project.iterdir())


def test_config_prints_a_file_of_settings_that_says_where_each_is_from(project: Path) -> None:
    (project / PROJECT_FILE).write_text("[sort]\nmode = 'copy'\n", encoding="utf-8")
    printed = illsort("config", "--set", "train.epochs=3").stdout

    assert 'mode = "copy"  # illsort.toml' in printed.splitlines()
    assert "epochs = 3  # --set train.epochs=3" in printed.splitlines()
    assert "threshold = 0.9  # default" in printed.splitlines()
    assert "copy" == tomllib.loads(printed)["sort"]["mode"]

    shown = illsort("config", "--json").json
    assert {"value": "copy", "origin": PROJECT_FILE} == shown["sort.mode"]
    assert {"value": 0.9, "origin": None} == shown["sort.threshold"]


def test_init_without_a_crawl_says_where_to_write_it(project: Path) -> None:
    assert "write into it where your unsorted pictures are: crawl, under [sort]" in illsort("init").stdout
    text = (project / PROJECT_FILE).read_text(encoding="utf-8")
    (project / PROJECT_FILE).write_text(text.replace("# crawl = '/folder'", "crawl = 'mine'"), encoding="utf-8")
    assert ["illsort: mine: there is no such folder to sort"] == illsort("sort").stderr.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_path_that_no_toml_can_hold_is_one_line(project: Path) -> None:
    assert "a path in it is no Unicode" in illsort("init", "--crawl", os.fsdecode(b"/tmp/a\xff")).stderr
    assert [] == list(project.iterdir())


@pytest.mark.parametrize(
    "path", ["/a\x7fb", "/a\xadb", "/a\x85b", "/a\u202eb", "/a b'\"\\c", "/\U000e0001x", "/a\u3000b"]
)
def test_config_prints_toml_whatever_a_path_holds(path: str) -> None:
    printed = illsort("config", "--set", f"labels.csv={path}").stdout
    assert Path(path) == Path(tomllib.loads(printed)["labels"]["csv"])


def test_init_never_overwrites_a_project(project: Path) -> None:
    (project / PROJECT_FILE).write_text("# mine\n", encoding="utf-8")

    assert "there is one already" in illsort("init", "--crawl", project).stderr
    assert "# mine\n" == (project / PROJECT_FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "setting"), [("labels", "labels.folder"), ("labels.csv", "labels.csv")])
def test_train_takes_a_folder_or_a_csv_of_labels(project: Path, name: str, setting: str) -> None:
    path = project / name
    path.write_text("file_name,label\n", encoding="utf-8") if "." in name else path.mkdir()

    ended = illsort("train", "--labels", path, "--model", project / "model")
    assert 2 == ended.returncode
    assert setting.split(".")[1] in ended.stderr
    assert not (project / "model").exists()


def test_train_learns_from_the_library_that_the_project_sorts_into(project: Path, tmp_path: Path) -> None:
    model = color_bundle(tmp_path / "model").folder
    make_tree(tmp_path / "crawl", {"a.png": RED, "b.png": encoded(plain(COLORS["blue"]), "PNG")})
    illsort("init", "--crawl", tmp_path / "crawl", "--model", model)
    illsort("sort")
    (project / "sorted" / "red" / "a.png").rename(project / "sorted" / "blue" / "a.png")

    ended = illsort("train", "--set", "library.moved=learn", "--set", "labels.folder=nowhere")

    assert "1 label by what you did in the file manager" in ended.stderr
