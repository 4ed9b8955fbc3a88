"""`illsort status` of a library that was sorted into very often, as by `illsort watch`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier.catalog import runs
from classifier.catalog.connection import open_catalog
from classifier.cli.main import app


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Twenty runs."""
    with open_catalog(tmp_path / "library") as catalog:
        for _ in range(20):
            run = runs.begin(
                catalog, kind="sort", crawl=tmp_path / "crawl", mode="link", model="m", bundle=tmp_path, settings={}
            )
            runs.finish(catalog, run, {"pictures": 1})
    return tmp_path / "library"


def shown(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    with pytest.raises(SystemExit):
        app(["status", *map(str, words)])
    return capsys.readouterr().out


def test_the_newest_runs_are_shown_and_how_to_see_all(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = shown(capsys, library)

    assert [f"#{number} sort" in printed for number in (8, 9, 20)] == [False, True, True]
    assert f"8 earlier runs: illsort status {library} --runs" in printed


def test_every_run_is_listed_when_asked_for(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = shown(capsys, library, "--runs")

    assert [f"#{number} sort" in printed for number in range(1, 21)] == [True] * 20
    assert "earlier run" not in printed
    assert len(json.loads(shown(capsys, library, "--json"))["runs"]) == 20
