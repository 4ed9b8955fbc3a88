"""What the system tells of files, where `watchfiles` can be loaded; and that the clock goes on where it cannot."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.strictness import Strictness
from classifier.errors import Message
from classifier.settings import Settings
from classifier.sort.watch_notices import Machine
from classifier.sort.watch_round import Order
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path


def machine(folder: Path, said: list[Message]) -> Machine:
    library = make_tree(folder / "a" / "sorted", {".illsort": {"catalogue.sqlite": b""}})
    return Machine(Order(library=library, bundle=None, settings=Settings(), strictness=Strictness()), said.append)


def test_a_notice_names_the_crawl_and_the_library_gives_none(tmp_path: Path) -> None:
    pytest.importorskip("watchfiles")
    said = list[Message]()
    folder, one = tmp_path.resolve(), machine(tmp_path.resolve(), said)
    crawls = [make_tree(folder / name, {"inner": {}}) for name in ("a", "b")]
    one.follow(crawls)
    (folder / "a" / "sorted" / "x.jpg").touch()
    (folder / "a" / "x.jpg.part").touch()
    assert set() == one.wait(2)
    (folder / "b" / "inner" / "x.jpg").touch()
    assert {folder / "b"} == one.wait(20)
    (folder / "a").rename(folder / "c")
    assert {folder / "a"} == one.wait(20)
    one.follow([folder / "b"])
    (folder / "c").rename(folder / "a")
    one.follow(crawls)
    (folder / "a" / "x.jpg").touch()
    assert {folder / "a"} == one.wait(20)

    assert [] == said


def test_without_notices_one_line_says_so_and_the_clock_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    said = list[Message]()
    one = machine(tmp_path, said)
    one.follow([tmp_path])
    one.follow([tmp_path, make_tree(tmp_path / "b", {})])
    began = time.monotonic()
    came = one.wait(0.05)

    assert set() == came
    assert time.monotonic() - began >= 0.05
    assert 1 == len(said)
    assert "the clock alone goes on" in said[0]


def test_a_library_and_a_crawl_are_there_or_not(tmp_path: Path) -> None:
    one = machine(tmp_path, [])

    assert one.is_there(tmp_path / "a" / "sorted")
    assert one.is_there(tmp_path / "a")
    assert not one.is_there(tmp_path / "gone")
    (tmp_path / "a" / "sorted" / ".illsort" / "catalogue.sqlite").unlink()
    assert not one.is_there(tmp_path / "a" / "sorted")
