"""What the README promises first: the demo, on a machine with nothing but the package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from classifier.cli.main import app
from classifier.demo import run
from classifier.errors import LibraryError
from kit.tree import all_files


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo") / "new"
    command = [sys.executable, "-m", "classifier", "demo", "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    return folder, done.stdout


def test_nearly_everything_is_filed_and_right(shown: tuple[Path, str]) -> None:
    folder, text = shown
    filed, right = (int(number) for number in re.findall(r"(\d+) filed, (\d+) of them right", text)[0])

    assert filed >= 0.9 * 270
    assert right >= 0.98 * filed
    assert str((folder / "sorted").resolve()) in text


def test_every_drawn_picture_is_accounted_for(shown: tuple[Path, str]) -> None:
    library = shown[0] / "sorted"
    status = subprocess.run(
        [sys.executable, "-m", "classifier", "status", str(library), "--json"],
        capture_output=True, text=True, check=True, encoding="utf-8",
    )  # fmt: skip
    seen = json.loads(status.stdout)
    crawl = all_files(shown[0] / "crawl")
    placed = sum(seen["filed"].values()) + sum(seen["review"].values()) + seen["unknown"]

    assert len(crawl) == placed + seen["duplicates"] + len(seen["failures"])
    assert (3, 1) == (seen["duplicates"], len(seen["failures"]))
    assert {content for name, content in all_files(library).items() if name != "_broken.csv"} < set(crawl.values())


def test_a_folder_that_is_not_empty_is_refused(shown: tuple[Path, str]) -> None:
    command = [sys.executable, "-m", "classifier", "demo", "--folder", str(shown[0])]
    again = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")

    assert (2, 1) == (again.returncode, len(again.stderr.strip().splitlines()))
    assert "is not empty" in again.stderr


def test_the_demo_can_be_run_again_in_the_same_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_into: list[Path] = []

    def draw_nothing(folder: Path, **_: object) -> None:
        drawn_into.append(folder)
        folder.mkdir()
        raise LibraryError("enough")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "demo", draw_nothing)

    assert [2, 2, 2] == [CliRunner().invoke(app, ["demo"]).exit_code for _ in range(3)]
    assert [Path("illsort-demo"), Path("illsort-demo-2"), Path("illsort-demo-3")] == drawn_into
