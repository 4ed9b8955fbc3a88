"""The project's file: written once, changed in place, and what a person wrote in it stays."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from classifier.errors import SettingsError
from classifier.project import PROJECT_FILE, change_project, create_project, project_file
from classifier.settings import load

PATHS = {"labels.folder": Path("labels"), "sort.crawl": Path(r"C:\pictures\it's\图片")}


def test_a_new_project_gives_the_paths_that_were_written(tmp_path: Path) -> None:
    file = create_project(tmp_path, PATHS)

    assert file == project_file(tmp_path)
    chosen = load(None, project=file)
    assert PATHS == {"labels.folder": chosen.labels.folder, "sort.crawl": chosen.sort.crawl}


def test_a_windows_path_is_written_without_escapes(tmp_path: Path) -> None:
    file = create_project(tmp_path, {"sort.crawl": Path(r"C:\new\users")})

    assert r"'C:\new\users'" in file.read_text(encoding="utf-8")


def test_a_project_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / PROJECT_FILE).write_text("# mine\n", encoding="utf-8")

    with pytest.raises(SettingsError, match="there is one already"):
        create_project(tmp_path, PATHS)
    assert "# mine\n" == (tmp_path / PROJECT_FILE).read_text(encoding="utf-8")


def test_changing_a_path_leaves_comments_and_settings_of_the_user(tmp_path: Path) -> None:
    file = tmp_path / PROJECT_FILE
    file.write_text("# mine\n[sort]\nmode = 'copy' # keep\ncrawl = 'old'\n", encoding="utf-8")
    change_project(file, {"sort.crawl": Path("new"), "labels.folder": Path("labels")})

    text = file.read_text(encoding="utf-8")
    assert text.startswith("# mine\n[sort]\nmode = 'copy' # keep\ncrawl = 'new'\n")
    assert Path("labels") == load(None, project=file).labels.folder


def test_a_comment_above_the_next_section_stays_there(tmp_path: Path) -> None:
    file = tmp_path / PROJECT_FILE
    below = "\n# about\n# training\n[train]\nepochs = 3\n# the end\n"
    file.write_text(f"[sort]\nmode = 'copy' # keep\n# of sort\n{below}", encoding="utf-8")
    change_project(file, {"sort.crawl": Path("a"), "sort.library": Path("b"), "train.unlabelled": Path("c")})

    assert (
        "[sort]\nmode = 'copy' # keep\ncrawl = 'a' # the unsorted pictures\n"
        "library = 'b' # the folder that is sorted into\n# of sort\n"
        "\n# about\n# training\n[train]\nepochs = 3\nunlabelled = 'c'\n# the end\n"
    ) == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["[sort]\n\n# about\n[train]\n", "[sort]", "[sort]\nmode = 'copy'", "# a\n[sort]\n# b"]
)
def test_a_section_of_comments_alone_takes_a_key(tmp_path: Path, text: str) -> None:
    file = tmp_path / PROJECT_FILE
    file.write_text(text, encoding="utf-8")
    change_project(file, {"sort.crawl": Path("b")})

    assert Path("b") == load(None, project=file).sort.crawl
    assert set(text.splitlines()) <= set(file.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(
    "text", ["sort = {}\n", "sort = {crawl = 'a'}\n", "sort.crawl = 'a'\n", "sort.mode = 'copy'\n"]
)
def test_every_way_to_write_a_section_can_be_changed(tmp_path: Path, text: str) -> None:
    file = tmp_path / PROJECT_FILE
    file.write_text(text, encoding="utf-8")
    change_project(file, {"sort.crawl": Path("b"), "sort.library": Path("c")})

    chosen = load(None, project=file).sort
    assert (Path("b"), Path("c")) == (chosen.crawl, chosen.library)


def test_line_ends_and_the_mark_of_an_editor_stay(tmp_path: Path) -> None:
    file = tmp_path / PROJECT_FILE
    file.write_bytes("\ufeff# mine\r\n[sort]\r\ncrawl = 'a'\r\n".encode())
    change_project(file, {"sort.crawl": Path("b"), "sort.library": Path("c")})

    content = file.read_bytes()
    assert content.startswith("\ufeff# mine\r\n[sort]\r\ncrawl = 'b'\r\n".encode())
    assert content.count(b"\n") == content.count(b"\r\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes links only for those who may")
def test_a_link_stays_a_link_to_what_is_changed(tmp_path: Path) -> None:
    file, shared = tmp_path / PROJECT_FILE, tmp_path / "shared.toml"
    shared.write_text("[sort]\ncrawl = 'a'\n", encoding="utf-8")
    file.symlink_to(shared)
    change_project(file, {"sort.crawl": Path("b")})

    assert file.is_symlink()
    assert Path("b") == load(None, project=shared).sort.crawl


@pytest.mark.parametrize("text", ["[sort\n", "[sort]\nwrong = 1\n", "sort = 3\n"])
def test_a_file_that_cannot_be_read_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / PROJECT_FILE
    file.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError, match=PROJECT_FILE):
        change_project(file, PATHS)
    assert text == file.read_text(encoding="utf-8")


def test_the_file_given_wins_over_the_project_and_options_over_all(tmp_path: Path) -> None:
    project, config = tmp_path / PROJECT_FILE, tmp_path / "a.toml"
    project.write_text("[train]\nepochs = 3\nseed = 3\nfolds = 3\nbatch_size = 8\n", encoding="utf-8")
    config.write_text("[train]\nepochs = 4\nseed = 4\nfolds = 4\n", encoding="utf-8")
    overrides, options = ["train.epochs=5", "train.seed=5"], {"train.epochs": 6, "train.recipe": None}
    chosen = load(config, overrides, project=project, options=options).train

    assert (6, 5, 4, 8, "auto") == (chosen.epochs, chosen.seed, chosen.folds, chosen.batch_size, chosen.recipe)


def test_a_bad_option_is_one_line_that_names_it() -> None:
    with pytest.raises(SettingsError, match=r"^--batch-size: runtime.batch_size = -1: give 0 or more$"):
        load(None, options={"runtime.batch_size": -1})
