"""`illsort sync` at a library that a person changed with the file manager."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier.cli.main import app
from classifier.labels.from_annotations import read_feedback
from classifier.records import Method
from kit.sorting import sort


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Two pictures, one of which the person moved to the other's category, and one that they deleted."""
    library, crawl = tmp_path / "library", tmp_path / "crawl"
    crawl.mkdir()
    for name in ("a1.jpg", "a2.jpg", "b1.jpg"):
        (crawl / name).write_bytes(name[:2].encode())
    sort(library, crawl, method=Method.COPY, batch=9, sidecars=False)
    (library / "kind_a" / "a1.jpg").rename(library / "kind_b" / "a1.jpg")
    (library / "kind_a" / "a2.jpg").unlink()
    return library


def run(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        app([str(word) for word in words])
    return int(ended.value.code or 0)


def test_sync_learns_and_prints_what_it_was(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sync", library, "--learn", "--json") == 0

    printed = json.loads(capsys.readouterr().out)
    assert printed == {
        "moved": {"kind_b": 1},
        "added": {},
        "renamed": {},
        "missing": {"deleted": 1, "replaced": 0, "dangling": 0},
    }
    assert [label.category for label in read_feedback(library).labels] == ["kind_b"]


def test_status_names_the_command_until_it_is_answered(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("status", library)
    assert "illsort sync" in capsys.readouterr().out

    run("sync", library, "--leave")
    run("status", library)

    assert "illsort sync" not in capsys.readouterr().out
    assert read_feedback(library).labels == ()


def test_what_was_left_can_still_be_learned(library: Path) -> None:
    run("sync", library, "--leave")
    run("sync", library, "--learn")

    assert [label.category for label in read_feedback(library).labels] == ["kind_b"]


def test_sync_with_two_answers_is_refused(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sync", library, "--learn", "--leave") == 2

    assert capsys.readouterr().err == "illsort: --learn and --leave: give one of them\n"


def test_sync_of_no_library_makes_none(tmp_path: Path) -> None:
    assert run("sync", tmp_path, "--learn") == 2

    assert list(tmp_path.iterdir()) == []
