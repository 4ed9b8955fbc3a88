"""A category whose name has two forms of Unicode is one category with one folder, in old models and libraries too."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from classifier.catalog.stats import library_stats
from classifier.model.bundle import open_bundle
from classifier.model.trained import load_network, save_bundle
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from kit.pictures import COLORS, encoded, varied
from kit.tree import all_files, make_tree

NFC = "ガール"
NFD = unicodedata.normalize("NFD", NFC)
SETTINGS = Settings(runtime=RuntimeSettings(workers=0))


def png(color: str) -> bytes:
    return encoded(varied(COLORS[color], seed=1), "PNG")


CRAWL = {f"{color}.png": png(color) for color in ("red", "green", "blue")}


def named(folder: Path, bundle: Path, *categories: str) -> Path:
    """The model of blue, green and red with other names for them."""
    of = open_bundle(bundle)
    manifest = of.manifest.model_copy(update={"categories": categories})
    return save_bundle(folder, network=load_network(of), manifest=manifest, evaluation={}).folder


def run(folder: Path, bundle: Path) -> set[str]:
    sort(folder / "crawl", library=folder / "sorted", bundle=bundle, settings=SETTINGS)
    return set(all_files(folder / "sorted"))


@pytest.mark.parametrize("category", [NFC, NFD])
@pytest.mark.parametrize("there", [NFC, NFD])
def test_a_folder_in_either_form_is_the_categorys(tmp_path: Path, bundle: Path, there: str, category: str) -> None:
    make_tree(tmp_path, {"crawl": CRAWL, "sorted": {there: {"mine.txt": b"mine"}}})
    spelled = next((tmp_path / "sorted").iterdir()).name
    model = named(tmp_path / "model", bundle, "blue", "green", category)
    expected = {f"{spelled}/red.png", f"{spelled}/mine.txt", "blue/blue.png", "green/green.png"}

    assert expected == run(tmp_path, model) == run(tmp_path, model)
    assert {NFC: 1, "blue": 1, "green": 1} == library_stats(tmp_path / "sorted").filed


def test_what_was_sorted_by_the_other_form_stays_where_it_is(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path, {"crawl": CRAWL, "sorted": {NFD: {}}})
    before = run(tmp_path, named(tmp_path / "old", bundle, "blue", "green", NFD))

    assert before == run(tmp_path, named(tmp_path / "new", bundle, "blue", "green", NFC))
