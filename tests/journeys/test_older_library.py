"""A library, a half-done sort and a model made by an earlier version go on working (see tests/data/README.md)."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tarfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kit import commands
from kit.reviewing import served
from kit.tree import all_files

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the archive holds POSIX paths")
ARCHIVE = Path(__file__).parents[1] / "data" / "f0d6d31.tar.xz"
FILED = {"red": 16, "green": 12, "blue": 12}
"""What the sort filed; on the page mixed-00 was added to the red ones."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder that the archive holds, with its paths in the catalogs."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    for catalog in tmp_path.glob("old/*/.illsort/catalogue.sqlite"):
        with closing(sqlite3.connect(catalog)) as connection, connection:
            for table, column in path_columns(connection):
                connection.execute(
                    f"UPDATE {table} SET {column} = CAST(replace(CAST({column} AS TEXT), '/old/', ?) AS BLOB)"  # noqa: S608
                    f" WHERE instr(CAST({column} AS TEXT), '/old/') = 1",
                    [f"{tmp_path / 'old'}/"],
                )
    return tmp_path / "old"


def path_columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [
        (table, column)
        for table in tables
        for _, column, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall()
        if column in {"path", "crawl", "source", "bundle"}
    ]


def illsort(*words: str | Path, status: int = 0) -> dict[str, Any]:
    """What `illsort *words --json` answers."""
    ended = commands.illsort(*words, "--json")
    assert ended.returncode == status, ended.stderr
    return ended.json


def where(names: Iterable[str]) -> Counter[str]:
    """How many pictures are in each folder, of paths relative to the library."""
    return Counter(Path(name).parent.as_posix() for name in names if name.endswith(".jpg"))


def test_an_older_library_is_as_its_person_left_it(old: Path) -> None:
    status = illsort("status", old / "library")

    assert {**FILED, "red": 17} == status["filed"]
    assert [("sort", 49), ("review", 2)] == [(run["kind"], run["summary"]["pictures"]) for run in status["runs"]]
    assert {"checked": 48} == {key: value for key, value in illsort("verify", old / "library").items() if value}


def test_an_older_model_sorts_into_an_older_library(old: Path) -> None:
    before = set(all_files(old / "crawl").values())
    words = ("--threshold", "0.9", "--set", "sort.unknown_share=0.001", "--workers", "0")
    sorted_again = illsort("sort", old / "crawl", "--out", old / "library", *words, status=1)

    assert (42, 1) == (sorted_again["filed"], sorted_again["broken"])
    assert "blue/mixed-05.jpg" in all_files(old / "library")  # the annotation that was not filed yet counts
    assert "_unknown/mixed-01.jpg" in all_files(old / "library")
    assert before == set(all_files(old / "crawl").values())


def test_older_runs_are_undone_and_done_again(old: Path) -> None:
    library = old / "library"
    at_first = all_files(library)

    assert 2 == illsort("undo", library)["undone"]
    assert FILED == illsort("status", library)["filed"]
    assert 1 == illsort("undo", library)["undone"]
    assert {} == where(all_files(library))
    illsort("undo", library, "--run", "4")
    illsort("undo", library, "--run", "3")
    assert where(at_first) == where(all_files(library))
    assert 49 == len(all_files(old / "crawl"))


def test_older_answers_can_be_undone_and_filed(old: Path) -> None:
    library = old / "library"
    with served(library) as page:
        for _ in range(5):
            page.post("/api/back", json={}).raise_for_status()
        assert not page.post("/api/back", json={}).json()["pictures"]
        waiting = page.get("/api/queue", params={"limit": 50}).json()["pictures"]
        assert {f"mixed-{number:02}.jpg" for number in range(8)} == {one["name"] for one in waiting}
        assert all(one["reason_zh"] != one["reason"] for one in waiting)
        page.post("/api/file", json={}).raise_for_status()

    assert FILED == illsort("status", library)["filed"]
    assert {"_review/red": 3, "_review/green": 3, "_review/blue": 2} == {
        folder: count for folder, count in where(all_files(library)).items() if folder.startswith("_")
    }


def test_an_older_sort_that_was_killed_goes_on_where_it_stopped(old: Path) -> None:
    crawl, library = old / "more", old / "halfway"
    pictures = set(all_files(crawl).values()) | set(all_files(library).values())
    done = illsort("sort", crawl, "--out", library, "--workers", "0", status=1)

    assert 12 * 3 == done["filed"]  # nine of them were moved before it was killed, and are decided again
    assert {"red": 12, "green": 12, "blue": 12, "_unknown": 4} == where(all_files(library))
    assert ["damaged.jpg"] == list(all_files(crawl))
    illsort("verify", library)
    assert pictures <= set(all_files(crawl).values()) | set(all_files(library).values())


def test_an_older_model_is_trained_again_with_what_was_reviewed(old: Path) -> None:
    settings = {
        "labels.folder": old / "labels",
        "labels.library": old / "library",
        "model.folder": old / "model",
        "model.backbone": f"local-dir:{old / 'backbone'}",
        "train.recipe": "head",
        "runtime.workers": 0,
    }
    command = [sys.executable, "-m", "classifier", "train"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    subprocess.run(command, check=True, capture_output=True)
    illsort("sort", old / "crawl", "--out", old / "library", "--workers", "0", status=1)

    assert illsort("status", old / "library")["runs"][-1]["state"] == "done"
