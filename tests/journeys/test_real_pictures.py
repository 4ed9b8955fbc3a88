"""The whole way on real pictures, where they are: learn from a few labels, sort the rest among strangers and wrecks."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from classifier.catalog.connection import read_catalog
from classifier.catalog.decisions import placed_sources
from classifier.settings import load
from classifier.sort.pipeline import sort
from classifier.training.pipeline import train_model
from kit.tree import all_files

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
LABELS, REST, STRANGERS = 10, 12, 60

pytestmark = [pytest.mark.real, pytest.mark.skipif(not DATA.is_dir(), reason="the real pictures are not here")]


def lay_out(folder: Path) -> tuple[list[str], dict[str, str]]:
    """A CSV of labels read in place, a crawl of copies; returns the CSV's lines and the truth by file name."""
    crawl, lines, truth = folder / "crawl", ["file_name,label"], {}
    crawl.mkdir()
    for category in sorted(path for path in (DATA / "kinds").iterdir() if path.is_dir()):
        files = sorted(category.iterdir())[:: len(list(category.iterdir())) // (LABELS + REST)]
        lines += [f"{file.relative_to(DATA).as_posix()},{category.name}" for file in files[:LABELS]]
        for file in files[LABELS : LABELS + REST]:
            shutil.copyfile(file, crawl / f"{category.name}-{file.name}")
            truth[f"{category.name}-{file.name}"] = category.name
    for name in ("odd", "other"):
        files = sorted((DATA / name).iterdir())
        for file in files[:: len(files) // STRANGERS]:
            shutil.copyfile(file, crawl / f"{name}-{file.name}")
    return lines, truth


def test_every_real_picture_ends_in_one_place_and_most_are_right(tmp_path: Path) -> None:
    lines, truth = lay_out(tmp_path)
    (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    settings = load(
        None,
        [
            f"labels.csv={tmp_path / 'labels.csv'}",
            f"labels.folder={DATA}",
            f"model.folder={tmp_path / 'model'}",
            "train.recipe=head",
        ],
    )
    bundle = train_model(settings).bundle.folder
    before = all_files(tmp_path / "crawl")
    summary = sort(tmp_path / "crawl", library=tmp_path / "sorted", bundle=bundle, settings=settings, threshold=0.8)
    with read_catalog(tmp_path / "sorted") as catalog:
        filed = {source.name: category for source, category in placed_sources(catalog)}
    right = Counter(truth[name] == category for name, category in filed.items() if name in truth)

    assert before == all_files(tmp_path / "crawl")
    parts = [summary[key] for key in ("filed", "review", "unknown", "broken", "duplicates", "deleted", "failed")]
    assert summary["pictures"] == sum(parts)
    assert summary["broken"] > 0
    assert right[True] > 40
    assert right[True] / right.total() > 0.9
    in_library = {name for name in all_files(tmp_path / "sorted") if name != "_broken.csv"}
    assert summary["filed"] + summary["review"] + summary["unknown"] == len(in_library)
