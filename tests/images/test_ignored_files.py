"""Files that are still being written are left out: by their time, a second look, and the kernel."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from classifier.images import ignored_files
from classifier.images.walk import find_images
from classifier.images.walk_result import WalkResult
from kit.pictures import COLORS, png_bytes
from kit.tree import make_tree

PNG = png_bytes(COLORS["red"])
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes to a file")


def complete(crawl: Path) -> tuple[list[str], WalkResult]:
    found = WalkResult()
    return [file.path.name for file in ignored_files.skip_incomplete(find_images(crawl, found=found), found)], found


def aged(crawl: Path, seconds: float) -> Path:
    when = time.time() - seconds
    for path in crawl.iterdir():
        os.utime(path, (when, when))
    return crawl


def test_a_file_that_grows_is_passed_over_and_taken_when_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ignored_files, "SECOND_LOOK_S", 0.4)
    make_tree(tmp_path, {"still.png": PNG, "grows.png": PNG[:50]})
    done = threading.Event()

    def download() -> None:
        while not done.wait(0.05):
            with (tmp_path / "grows.png").open("ab") as file:  # closed each time: no kernel can tell
                file.write(b"x")

    thread = threading.Thread(target=download)
    thread.start()
    names, found = complete(tmp_path)
    done.set()
    thread.join()

    assert (["still.png"], 1, 1) == (names, found.pictures, found.unfinished)
    assert ["grows.png", "still.png"] == complete(tmp_path)[0]


def test_one_that_gets_its_name_meanwhile_waits_for_the_next_sort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path, {"a.png": PNG, "b.png": PNG})
    monkeypatch.setattr(time, "sleep", lambda _: (tmp_path / "a.png").rename(tmp_path / "c.png"))
    names, found = complete(tmp_path)

    assert (["b.png"], 1, 1) == (names, found.pictures, found.unfinished)


@pytest.mark.parametrize("age_s", [60, -60, 86_400])
def test_an_older_file_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age_s: float) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waits"))
    aged(make_tree(tmp_path, {"a.png": PNG}), age_s)

    assert ["a.png"] == complete(tmp_path)[0]


@on_linux
@pytest.mark.parametrize("age_s", [0, 60])
def test_a_file_that_a_process_has_open_for_writing_is_passed_over(tmp_path: Path, age_s: float) -> None:
    make_tree(tmp_path, {"open.png": PNG, "read.png": PNG})
    with (tmp_path / "open.png").open("ab"), (tmp_path / "read.png").open("rb"):
        aged(tmp_path, age_s)
        names, found = complete(tmp_path)

    assert (["read.png"], 1) == (names, found.unfinished)
    assert 2 == len(complete(tmp_path)[0])


@on_linux
def test_asking_the_kernel_harms_neither_the_file_nor_its_next_writer(tmp_path: Path) -> None:
    path = make_tree(tmp_path, {"a.png": PNG}) / "a.png"

    assert not ignored_files.is_being_written(path)
    with path.open("ab") as file:
        file.write(b"more")
        assert ignored_files.is_being_written(path)
    assert PNG + b"more" == path.read_bytes()


def test_a_file_that_cannot_be_opened_is_undetermined(tmp_path: Path) -> None:
    assert not ignored_files.is_being_written(tmp_path / "gone")
