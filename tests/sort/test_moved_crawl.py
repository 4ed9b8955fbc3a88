"""After `--mode move` the pictures are in the library alone: a sort of their crawl decides about them there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from classifier.active.apply import file_learned
from classifier.active.learner import Learner
from classifier.catalog.connection import read_catalog
from classifier.filing.undo import undo
from classifier.model.bundle import Bundle
from classifier.records import Mode
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from classifier.sort.planned_moves import PlannedMove
from classifier.sort.preview import preview
from kit.bundles import color_bundle, with_another_head
from kit.pictures import COLORS, encoded, plain, varied
from kit.progress import SavingProgress
from kit.tree import all_files, make_tree

CRAWL = {
    f"{color}{seed}.png": encoded(varied(COLORS[color], seed=seed), "PNG")
    for color in ("red", "green", "blue")
    for seed in (1, 2)
} | {"unsure.png": encoded(plain((120, 120, 120)), "PNG")}
MOVED = 5
"""By the head that takes red for blue: those pictures, and the unsure one, whose best guess is another."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("models")
    first = color_bundle(folder / "first")
    other = color_bundle(folder / "other", seed=1)
    return {
        "first": first,
        "another head": with_another_head(folder / "head", first),
        "another backbone": with_another_head(folder / "backbone", other),
    }


def settings(mode: str) -> Settings:
    return Settings(sort=SortSettings(mode=Mode(mode)), runtime=RuntimeSettings(workers=0))


def run(folder: Path, model: Bundle, *, mode: str, crawl: str = "crawl", **options: Any) -> dict[str, Any]:
    crawl_, library = folder / crawl, folder / "sorted"
    summary = sort(crawl_, library=library, bundle=model.folder, settings=settings(mode), **options)
    return {key: value for key, value in summary.items() if key != "seconds"}


def sorted_files(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in all_files(folder / "sorted").items() if not name.startswith(".illsort")}


@pytest.mark.parametrize(
    ("model", "options"),
    [("first", {"threshold": 0.2}), ("another head", {}), ("another backbone", {})],
    ids=["another threshold", "another head", "another backbone"],
)
def test_sorting_again_after_a_move_files_as_after_links(
    tmp_path: Path, models: dict[str, Bundle], model: str, options: dict[str, Any]
) -> None:
    made: dict[str, tuple[Any, Any]] = {}
    for mode in ("link", "move"):
        make_tree(tmp_path / mode / "crawl", CRAWL)
        run(tmp_path / mode, models["first"], mode=mode)
        before = sorted_files(tmp_path / mode)
        made[mode] = run(tmp_path / mode, models[model], mode=mode, **options), sorted_files(tmp_path / mode)
        assert before != sorted_files(tmp_path / mode)
        undo(tmp_path / mode / "sorted")
        assert before == sorted_files(tmp_path / mode)

    assert made["link"] == made["move"]


def test_a_preview_after_a_move_plans_what_the_sort_then_does(tmp_path: Path, models: dict[str, Bundle]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, models["first"], mode="move")
    before, plan, other = sorted_files(tmp_path), list[PlannedMove](), models["another backbone"]
    library = tmp_path / "sorted"
    preview(tmp_path / "crawl", library=library, bundle=other.folder, settings=settings("move"), show=plan.append)
    planned = {name: one for name, one in sorted_files(tmp_path).items() if name != "_preview.html"}
    run(tmp_path, other, mode="move")

    assert before == planned
    assert MOVED == len(plan)
    assert MOVED == len(before.keys() - sorted_files(tmp_path).keys())


def test_sorting_one_crawl_leaves_what_was_moved_out_of_another(tmp_path: Path, models: dict[str, Bundle]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    make_tree(tmp_path / "crawl 2", {"new.png": encoded(varied(COLORS["red"], seed=9), "PNG")})
    run(tmp_path, models["first"], mode="move")
    before = sorted_files(tmp_path)
    run(tmp_path, models["another backbone"], mode="move", crawl="crawl 2")

    assert before.keys() | {"blue/new.png"} == sorted_files(tmp_path).keys()


def test_what_a_person_moved_stays_there_for_any_model(tmp_path: Path, models: dict[str, Bundle]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, models["first"], mode="move")
    library = tmp_path / "sorted"
    (library / "red" / "red1.png").rename(library / "green" / "mine.png")
    run(tmp_path, models["another backbone"], mode="move")

    assert {"green/mine.png", "blue/red2.png"} <= sorted_files(tmp_path).keys()


def test_a_moved_picture_that_cannot_be_read_again_stays_and_is_said(tmp_path: Path, models: dict[str, Bundle]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, models["first"], mode="move")
    spoiled = tmp_path / "sorted" / "red" / "red1.png"
    status, progress = spoiled.stat(), SavingProgress()
    spoiled.write_bytes(b"x" * status.st_size)
    os.utime(spoiled, ns=(status.st_atime_ns, status.st_mtime_ns))
    run(tmp_path, models["another backbone"], mode="move", progress=progress)

    assert {"red/red1.png", "blue/red2.png"} <= sorted_files(tmp_path).keys()
    assert "1 picture of the library cannot be read and stays where it is; see illsort verify" in progress.messages


def test_what_the_page_learned_files_pictures_that_were_moved(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    model = color_bundle(tmp_path / "model", labeled=True)
    run(tmp_path, model, mode="move")
    learner = Learner(tmp_path / "sorted")
    learner.learn()
    file_learned(tmp_path / "sorted", learner, send=lambda _: None)

    with read_catalog(tmp_path / "sorted") as catalog:
        decided = catalog.connection.execute("SELECT count(*) FROM decisions WHERE run = 2").fetchone()
    assert (len(CRAWL),) == decided
