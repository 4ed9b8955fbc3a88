"""Status says of each run what it has come to, and how to go on with what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.catalog import runs
from classifier.catalog.connection import open_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.stats import library_stats
from classifier.cli.status import _runs, _to_finish
from classifier.filing.undo import undo
from classifier.paths import command
from classifier.report.library_report import library_page
from kit.audits import Kind, filed_library

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog

FOUR = Kind(category="chibi", confidences=[0.9, 0.8, 0.7, 0.6])


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return filed_library(tmp_path / "a b", FOUR)


def begun(catalog: Catalog, crawl: Path, *, finished: bool) -> None:
    run = runs.begin(catalog, kind="sort", crawl=crawl, mode="link", model="m", bundle=crawl, settings={})
    if finished:
        runs.finish(catalog, run, {})


def states(library: Path) -> list[str]:
    seen = library_stats(library)
    return [str(seen.states[run.id]) for run in seen.runs]


def test_an_interrupted_sort_is_unfinished_until_a_later_one_finishes(tmp_path: Path, library: Path) -> None:
    crawl, other = tmp_path / "a b" / "crawl", tmp_path / "other"
    with hold_lock(library), open_catalog(library) as catalog:
        begun(catalog, crawl, finished=False)
        begun(catalog, other, finished=True)
    assert ["done", "not finished", "done"] == states(library)
    (line,) = _to_finish(library_stats(library), library)
    assert command("sort", crawl, "--out", library) in line
    with hold_lock(library), open_catalog(library) as catalog:
        begun(catalog, crawl, finished=True)

    assert ["done", "finished by #4", "done", "done"] == states(library)
    assert [] == _to_finish(library_stats(library), library)
    assert "由 #4 完成" in library_page(library)


def test_a_run_is_partly_undone_if_some_changes_were_left(tmp_path: Path, library: Path) -> None:
    original, away = tmp_path / "a b" / "crawl" / "chibi 0.png", tmp_path / "away"
    original.rename(away)
    assert (3, 1) == ((first := undo(library)).removed, len(first.left))
    assert ["partly undone", "done"] == states(library)
    assert [f"{command('undo', library, '--run', 1)} tries the rest again"] == [
        line.partition(": ")[2] for line in _to_finish(library_stats(library), library)
    ]
    assert any(" partly undone " in line for line in _runs(library_stats(library), library))
    assert "部分撤销" in library_page(library)

    undo(library, run=2)
    assert ["done", "undone", "done"] == states(library)
    undo(library, run=1)
    away.rename(original)
    assert 1 == undo(library, run=1).removed
    assert "undone" == states(library)[0]


def test_a_run_is_partly_undone_if_its_undo_is(tmp_path: Path, library: Path) -> None:
    undo(library)
    (tmp_path / "a b" / "crawl" / "chibi 0.png").unlink()
    assert (3, 1) == ((again := undo(library, run=2)).filed_again, len(again.left))

    assert ["partly undone", "partly undone", "done"] == states(library)
