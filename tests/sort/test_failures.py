"""An unreadable file is listed as long as it exists and is unreadable."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.stats import library_stats
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from kit.pictures import COLORS, encoded, varied
from kit.tree import make_tree

if TYPE_CHECKING:
    from collections.abc import Callable

RED, BLUE = (encoded(varied(COLORS[color], seed=1), "PNG") for color in ("red", "blue"))
SETTINGS = Settings(runtime=RuntimeSettings(workers=0))


def listed(library: Path) -> set[str]:
    """The names that status lists; `_broken.csv` has the same."""
    names = {path.name for path, _ in library_stats(library).failures}
    listing = library / "_broken.csv"
    rows = listing.read_text(encoding="utf-8-sig").splitlines()[1:] if listing.exists() else []
    assert names == {Path(row.split(",")[0]).name for row in rows}
    return names


def sort_each(folder: Path, bundle: Path, *crawls: str) -> None:
    for crawl in crawls:
        sort(folder / crawl, library=folder / "sorted", bundle=bundle, settings=SETTINGS)


@pytest.mark.parametrize(
    ("mend", "left"),
    [
        (lambda folder: (folder / "pics/sub/b.jpg").unlink(), {"z.jpg"}),
        (lambda folder: shutil.rmtree(folder / "pics/sub"), {"z.jpg"}),
        (lambda folder: shutil.rmtree(folder / "other"), {"b.jpg"}),
        (lambda folder: (folder / "pics/sub/b.jpg").write_bytes(BLUE), {"z.jpg"}),
        (lambda _: None, {"b.jpg", "z.jpg"}),
    ],
    ids=["file gone", "sub-crawl gone", "crawl gone", "file replaced", "nothing changed"],
)
def test_a_failure_is_listed_while_the_file_is_there(
    tmp_path: Path, bundle: Path, mend: Callable[[Path], object], left: set[str]
) -> None:
    make_tree(tmp_path, {"pics": {"a.png": RED, "sub": {"b.jpg": b"x"}}, "other": {"z.jpg": b"z"}})
    sort_each(tmp_path, bundle, "pics", "pics/sub", "other")
    assert {"b.jpg", "z.jpg"} == listed(tmp_path / "sorted")
    mend(tmp_path)
    assert left == {path.name for path, _ in library_stats(tmp_path / "sorted").failures}
    sort_each(tmp_path, bundle, "pics")
    assert left == listed(tmp_path / "sorted")


def test_duplicates_of_a_crawl_that_is_gone_do_not_count(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path, {"pics": {"a.png": RED, "sub": {"same.png": RED}}, "other": {"too.png": RED}})
    sort_each(tmp_path, bundle, "pics", "pics/sub", "other")
    assert 2 == library_stats(tmp_path / "sorted").duplicates
    (tmp_path / "pics/sub/same.png").unlink()
    shutil.rmtree(tmp_path / "other")
    sort_each(tmp_path, bundle, "pics")
    assert 0 == library_stats(tmp_path / "sorted").duplicates
