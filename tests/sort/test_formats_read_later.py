"""A crawl with HEIF and JPEG XL is sorted, also where an earlier sort could not read them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import PurePath
from typing import TYPE_CHECKING

import pytest

from classifier.images import heif as heif_module
from classifier.reasons import Reason, ReasonCode
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from kit.newer_formats import heif, heif_bytes, jxl
from kit.pictures import COLORS, varied
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from pathlib import Path

    from kit.tree import Tree

CRAWL: Tree = {
    "a.heic": heif(varied(COLORS["red"], seed=1)),
    "b.jxl": jxl(varied(COLORS["green"], seed=2)),
    "c.HIF": heif(varied(COLORS["blue"], seed=3)),
    "no extension": jxl(varied(COLORS["blue"], seed=4), usecontainer=True),
    "half.heic": heif_bytes(COLORS["red"], (300, 200))[:-9],
    "d.psd": b"8BPS\0\1" + bytes(40),
}
SORTED: Tree = {
    "red": {"a.heic": CRAWL["a.heic"]},
    "green": {"b.jxl": CRAWL["b.jxl"]},
    "blue": {"c.HIF": CRAWL["c.HIF"], "no extension": CRAWL["no extension"]},
}


def sorted_again(folder: Path, bundle: Path, *, workers: int = 0) -> Tree:
    """The library's folders."""
    settings = Settings(runtime=RuntimeSettings(workers=workers))
    sort(folder / "crawl", library=folder / "sorted", bundle=bundle, settings=settings)
    return {name: inner for name, inner in read_tree(folder / "sorted").items() if isinstance(inner, dict)}


def unread(folder: Path) -> dict[str, str]:
    """Reason by file of what could not be read."""
    rows = (folder / "sorted" / "_broken.csv").read_text("utf-8-sig").splitlines()[1:]
    return {PurePath(row.split(",")[0]).name: row.split(",")[1] for row in rows}


@pytest.mark.parametrize("workers", [0, 1])
def test_heif_and_jpeg_xl_are_filed_as_other_formats(tmp_path: Path, bundle: Path, workers: int) -> None:
    make_tree(tmp_path / "crawl", CRAWL)

    assert SORTED == sorted_again(tmp_path, bundle, workers=workers)
    assert {"half.heic": "corrupt", "d.psd": "unsupported format"} == unread(tmp_path)


def test_once_a_format_is_read_unchanged_files_of_it_are_filed(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    with monkeypatch.context() as without:
        without.setattr(heif_module, "is_installed", lambda: False)
        sorted_again(tmp_path, bundle)
        first = unread(tmp_path)

    assert {"a.heic", "c.HIF", "half.heic", "d.psd"} == set(first)
    assert {"unsupported format"} == set(first.values())
    assert SORTED == sorted_again(tmp_path, bundle)
    assert {"half.heic": "corrupt", "d.psd": "unsupported format"} == unread(tmp_path)


@pytest.mark.parametrize(
    ("detail", "is_filed"),
    [
        (Reason.of(ReasonCode.FORMAT_NOT_READ, format="JPEG XL", readable=["GIF", "PNG"]).text, True),
        (Reason.of(ReasonCode.FORMAT_NOT_READ, format="JPEG XL").text, True),
        (Reason.of(ReasonCode.FORMAT_NOT_READ, format="Photoshop").text, False),
        (Reason.of(ReasonCode.FORMAT_NOT_READ, format=7).text, False),
    ],
)
def test_what_an_earlier_version_could_not_read_is_read(
    tmp_path: Path, bundle: Path, detail: str, is_filed: bool
) -> None:
    make_tree(tmp_path / "crawl", {"b.jxl": CRAWL["b.jxl"], "e.jxl": CRAWL["b.jxl"][:-9]})
    sorted_again(tmp_path, bundle)
    with closing(sqlite3.connect(tmp_path / "sorted" / ".illsort" / "catalogue.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE files SET picture = NULL, failure_kind = 'unsupported format', failure_detail = ?", (detail,)
        )
    sorted_again(tmp_path, bundle)

    assert ({"e.jxl": "corrupt"} if is_filed else dict.fromkeys(["b.jxl", "e.jxl"], "unsupported format")) == unread(
        tmp_path
    )
