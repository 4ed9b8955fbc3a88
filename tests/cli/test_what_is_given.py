"""Whatever is given on the command line or as a setting: an exit code, one line where it is refused, no traceback."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from classifier import settings as all_settings
from classifier.cli.main import app
from classifier.cli.options import as_path
from classifier.errors import ModelError, SettingsError
from classifier.model.install import check_target
from classifier.paths import given_path
from kit.commands import illsort
from kit.tree import read_tree

needs_users = pytest.mark.skipif(sys.platform == "win32", reason="Windows gives every name a home folder")
IN_PROC = pytest.param("/proc/model", marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows has no /proc"))
LONG = "x" * 300
PATHS = ["", "\0", "a\0b", "~nosuchuser-here", "~nosuchuser-here/x", LONG, "/".join(["d"] * 3000), "~", "~/x", "."]
_paths = st.sampled_from(PATHS) | st.text(st.characters() | st.sampled_from("~/.\\\0\udc83"), max_size=30)
_values = (
    st.sampled_from(["9" * 5000, "[" * 5000, "{a=" * 3000, "1e400", "-1", "nan", "inf", "2024-05-01", "true", "", "\0"])
    | st.integers().map(str)
    | st.floats().map(str)
    | _paths
)
_names = [f"{section}.{key}" for section, of in all_settings.Settings() for key in type(of).model_fields]


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to be in, and another as the home."""
    (tmp_path / "here").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@given(_paths)
def test_a_path_is_one_that_a_file_can_have_or_one_line(text: str) -> None:
    try:
        path = given_path(text)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017 - it may raise or not
        return
    os.path.lexists(path)
    assert text
    assert not (path.parts and path.parts[0].startswith("~"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(name="train.seed", value="9" * 5000)
@example(name="train.seed", value=str(2**32))
@example(name="sort.max_error", value="1e-300")
@example(name="model.image_size", value="31")
@example(name="images.max_worker_gigabytes", value="0.01")
@example(name="labels.folder", value="~nosuchuser-here")
@given(name=st.sampled_from(_names) | st.text(max_size=8), value=_values)
def test_any_setting_is_taken_or_refused_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    config = tmp_path / "config.toml"
    section, _, key = name.partition(".")
    config.write_bytes(
        f"[{section}]\n{key} = {value}\n".encode(errors="surrogateescape" if value.isascii() else "replace")
    )
    for given_, overrides in ((None, [f"{name}={value}"]), (config, [])):
        with contextlib.suppress(SettingsError):
            all_settings.load(given_, overrides)


@pytest.mark.parametrize(
    "setting",
    [
        "train.seed=4294967296",
        f"train.seed={'9' * 5000}",
        "sort.max_error=1e-300",
        "model.image_size=31",
        "images.max_worker_gigabytes=0.01",
        "images.deadline_seconds=1e-9",
        "train.minutes=inf",
        pytest.param("labels.folder=~nosuchuser-here", marks=needs_users),
        "model.folder=",
        f"labels.csv={LONG}",
        "labels.library=a\0b",
        "model.backbone=local-dir:",
        pytest.param("model.backbone=local-dir:~nosuchuser-here/x", marks=needs_users),
        "train.epochs=" + "[" * 5000,
    ],
)
def test_a_setting_that_no_run_could_keep_is_refused(setting: str) -> None:
    with pytest.raises(SettingsError) as refused:
        all_settings.load(None, [setting])
    assert len(str(refused.value)) < 600
    assert setting.partition("=")[0] in str(refused.value)


COMMANDS = [
    ("status", "{}"),
    ("verify", "{}"),
    ("undo", "{}"),
    ("undo", "{}", "--run", "9" * 30),
    ("report", "{}"),
    ("audit", "{}"),
    ("audit", "{}", "--seed", "9" * 5000),
    ("review", "{}", "--no-open"),
    ("sort", "{}", "--out", "out"),
    ("sort", ".", "--out={}"),
    ("sort", ".", "--out", "{}", "--model", "{}", "--dry-run"),
    ("train", "--config", "{}"),
    ("label", "{}", "--labels", "{}", "--no-open"),
    ("label", ".", "--labels={}", "--no-open", "--count", "9" * 30),
]


@pytest.mark.usefixtures("at_home")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(command=st.sampled_from(COMMANDS), path=_paths.filter(lambda path: path not in {".", "~"}))
def test_any_path_given_to_any_command_ends_in_one_line(command: tuple[str, ...], path: str) -> None:
    """None of them is there, so each is refused, and nothing is made but what was asked for."""
    ended = illsort(*(word.replace("{}", path) for word in command))
    assert ended.returncode in {0, 2}, ended
    assert not ended.returncode or (ended.stdout == "" and 1 == ended.stderr.count("\n")), ended


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(
    "words", [("sort", "", "--out", "lib", "--mode", "move"), ("sort", ".", "--out="), ("status", "")]
)
def test_an_empty_path_is_not_the_current_folder(words: tuple[str, ...]) -> None:
    Path("a.jpg").write_bytes(b"a")
    ended = illsort(*words)
    assert (2, 1) == (ended.returncode, ended.stderr.count("\n"))
    assert "the path is empty; write . for the current folder" in ended.stderr
    assert {"a.jpg": b"a"} == read_tree(Path())


def test_a_path_is_shown_without_what_leads_nowhere(at_home: Path) -> None:
    (at_home / "here" / "link").symlink_to(at_home / "home")
    given = ("a/../b", "./b", "b/", "a/b/../../b", "a/..", "../x/..", "link/../b", at_home / "a" / ".." / "b")

    assert ["b", "b", "b", "b", ".", "..", "link/../b", at_home / "b"] == [
        path if path.is_absolute() else path.as_posix() for path in map(given_path, given)
    ]
    assert "illsort: b: there is no such folder" in illsort("status", "./a/../b/").stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--mode", "foo"), "--mode: sort.mode = 'foo': give one of 'link', 'copy', 'move', 'symlink'"),
        (("--set", "sort.mode=foo"), "--set sort.mode=foo: sort.mode = 'foo': give one of 'link', 'copy', 'move', 'sy"),
        (("--config", "mine.toml"), "mine.toml: sort.mode = 'foo': give one of 'link', 'copy', 'move', 'symlink'"),
        (("--workers", "a"), "--workers / -j: 'a': give a whole number; see "),
        (("--threshold", "1e400"), "--threshold: sort.threshold = inf: give a number that is finite"),
    ],
)
@pytest.mark.usefixtures("at_home")
def test_a_bad_value_is_named_with_where_it_was_given_and_what_may_be(words: tuple[str, ...], line: str) -> None:
    Path("mine.toml").write_text("[sort]\nmode = 'foo'\n", encoding="utf-8")

    assert illsort("sort", "x", "--out", "y", *words).stderr.startswith(f"illsort: {line}")


def test_a_tilde_is_the_home_folder_wherever_the_shell_left_it(at_home: Path) -> None:
    home = at_home / "home"
    assert f"local-dir:{home / 'x'}" == all_settings.load(None, ["model.backbone=local-dir:~/x"]).model.backbone
    assert home / "x" == as_path("~/x") == all_settings.load(None, ["model.folder=~/x"]).model.folder
    assert f"illsort: {home / 'none'}: there is no such folder" in illsort("sort", "~/none", "--out=~/sorted").stderr
    assert f"illsort: {home / 'none'}: there is no such folder" in illsort("status", "~/none").stderr
    assert {} == read_tree(Path())


def test_every_path_of_every_command_is_read_in_one_way() -> None:
    parsers = [
        getattr(extra[0], "parser", None)
        for command in app.registered_commands
        for hint in get_type_hints(command.callback, include_extras=True).values()
        if Path in (*get_args(hint)[:1], *(get_args(get_args(hint)[0]) if get_args(hint) else ()))
        for extra in [get_args(hint)[1:]]
    ]
    assert len(parsers) > len(app.registered_commands)
    assert {as_path} == set(parsers)


@pytest.mark.parametrize("place", ["file", "file/model", "file/deep/model", IN_PROC, "x" * 240])
def test_a_model_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ModelError) as refused:
        check_target(tmp_path / place)
    assert "model.folder = " in str(refused.value) or "is no folder" in str(refused.value)
    assert ["file"] == [path.name for path in tmp_path.iterdir()]
