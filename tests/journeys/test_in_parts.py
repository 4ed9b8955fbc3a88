from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.connection import read_catalog
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.listings import drawn, in_folder
from kit.tree import read_tree

if TYPE_CHECKING:
    from pathlib import Path


def test_a_crawl_that_was_answered_in_parts_is_sorted_as_any(tmp_path: Path) -> None:
    model = color_bundle(tmp_path / "m", novelty=True, combined=True, labeled=True).folder
    crawl, parts, answers = (tmp_path / name for name in ("crawl", "parts", "answers"))
    in_folder(crawl, drawn(30) | {"some/broken.png": b"no picture", "some/empty.png": b""})

    listed = illsort("list", crawl, "--to", parts, "--part-size", 7)
    predicted = illsort("predict", parts, "--model", model, "--to", answers, "--embeddings", "--json")
    by_answers = illsort("sort", crawl, "--out", tmp_path / "a", "--model", model, "--answers", answers, "--json")
    plainly = illsort("sort", crawl, "--out", tmp_path / "b", "--model", model, "--json")

    assert (0, 1, 1, 1) == tuple(one.returncode for one in (listed, predicted, by_answers, plainly))
    assert (5, 32, 2) == tuple(predicted.json[name] for name in ("answered", "pictures", "unreadable"))
    assert read_tree(tmp_path / "b") == read_tree(tmp_path / "a")
    assert _decided(tmp_path / "b") == _decided(tmp_path / "a")


def _decided(library: Path) -> list[tuple[str, ...]]:
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute("SELECT picture, action, category FROM decisions ORDER BY picture")
        return [tuple(map(str, row)) for row in rows]
