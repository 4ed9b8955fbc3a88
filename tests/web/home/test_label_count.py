"""Counting the labels beside the page: once for each change, and never while a request waits long."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from classifier.settings import LabelSettings
from classifier.web.home import label_count
from classifier.web.home.label_count import NO_LABELS, LabelCounter, count_labels
from kit.home import draw
from kit.jobs import until


@pytest.fixture
def labels(tmp_path: Path) -> LabelSettings:
    """Three red and three blue labels, which lie there for long."""
    for name in ("red", "blue"):
        draw(tmp_path / name, 3)
        age(tmp_path / name, 1_000)
    age(tmp_path, 1_000)
    return LabelSettings(folder=tmp_path)


def age(path: Path, seconds: float) -> None:
    os.utime(path, (path.stat().st_mtime - seconds,) * 2)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Filled with one number for each time that the labels are read."""
    found: list[int] = []
    read = label_count.read_labels

    def noted(**options: Any) -> Any:
        found.append(1)
        return read(**options)

    monkeypatch.setattr(label_count, "read_labels", noted)
    return found


def test_labels_are_read_once_for_each_change_of_their_folders(labels: LabelSettings, reads: list[int]) -> None:
    counter = LabelCounter()
    first = [counter.facts(labels) for _ in range(5)]
    assert [{"count": 6, "categories": {"blue": 3, "red": 3}}] * 5 == first
    assert 1 == len(reads)

    assert labels.folder is not None
    draw(labels.folder / "green", 2)
    age(labels.folder / "green", 500)
    age(labels.folder, 500)
    assert {"blue": 3, "red": 3, "green": 2} == counter.facts(labels)["categories"]
    (labels.folder / "red" / "0.png").unlink()
    age(labels.folder / "red", 300)
    assert [7, 7] == [counter.facts(labels)["count"] for _ in range(2)]
    assert 3 == len(reads)


def test_the_last_count_is_shown_while_another_is_made(labels: LabelSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    counter, let_go, read = LabelCounter(), threading.Event(), label_count.read_labels
    monkeypatch.setattr(label_count, "_WAIT_S", 0.05)

    def slow(**options: Any) -> Any:
        assert let_go.wait(30)
        return read(**options)

    monkeypatch.setattr(label_count, "read_labels", slow)
    assert NO_LABELS | {"counting": True} == counter.facts(labels)
    assert NO_LABELS | {"counting": True} == counter.facts(labels)
    let_go.set()
    until(lambda: "counting" not in counter.facts(labels))
    let_go.clear()
    assert labels.folder is not None
    age(labels.folder, 10)
    assert {"count": 6, "categories": {"blue": 3, "red": 3}, "counting": True} == counter.facts(labels)
    let_go.set()


def test_labels_that_take_too_long_are_counted_as_far_as_that(labels: LabelSettings) -> None:
    shown = count_labels(labels, most_seconds=-1.0, stop=threading.Event())
    assert 0 == shown["count"]
    assert "not counted here" in shown["trouble"]


def test_a_project_without_a_labels_folder_yet_has_no_trouble(tmp_path: Path) -> None:
    labels = LabelSettings(folder=tmp_path / "labels")
    assert NO_LABELS == count_labels(labels, stop=threading.Event())

    (tmp_path / "labels").write_text("a file", encoding="utf-8")
    assert "trouble" in count_labels(labels, stop=threading.Event())
