"""After an audit, later sorts use its annotations and the agreed threshold."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest

from classifier.audit.session import open_session
from classifier.catalog import audits
from classifier.catalog.connection import read_catalog
from classifier.catalog.strictness import Strictness
from classifier.filing.undo import undo
from classifier.records import AnnotationKind, Mode
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from kit.pictures import COLORS, encoded, varied
from kit.progress import SavingProgress
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, mode: Mode, bundle: Path | None = None, **options: float) -> list[str]:
    """Sort, and return what was said."""
    settings = Settings(sort=SortSettings(mode=mode), runtime=RuntimeSettings(workers=0))
    progress = SavingProgress()
    sort(folder / "crawl", library=folder / "sorted", bundle=bundle, settings=settings, progress=progress, **options)
    return progress.messages


def filed(library: Path) -> dict[str, float]:
    """What lies in a category's folder, with its confidence."""
    with read_catalog(library) as catalog:
        return {one.name: one.confidence for one in audits.filed(catalog)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = {
        f"{color} {seed}.png": encoded(varied(COLORS[color], seed=seed), "PNG")
        for color in ("red", "green", "blue")
        for seed in range(6)
    }
    make_tree(tmp_path / "crawl", dict(pictures))
    return tmp_path


@pytest.mark.parametrize("mode", [Mode.LINK, Mode.MOVE])
def test_an_agreed_threshold_applies_until_another_is_requested(folder: Path, bundle: Path, mode: Mode) -> None:
    run(folder, mode, bundle)
    library = folder / "sorted"
    threshold = statistics.median(filed(library).values())
    with open_session(library) as session:
        session.refile(Strictness(threshold=threshold))
    kept, tree = filed(library), all_files(library)
    said = run(folder, mode)

    assert 0 < len(kept) < 18
    assert min(kept.values()) >= threshold
    assert kept == filed(library)
    assert tree == all_files(library)
    assert 1 == sum("as agreed after the audit; --threshold takes another" in line for line in said)
    said = run(folder, mode, threshold=0.5)
    assert not any("as agreed" in line for line in said)
    if mode is Mode.LINK:  # what was moved out of the crawl is not in it to be decided anew
        assert 18 == len(filed(library))


def test_an_undone_threshold_no_longer_applies(folder: Path, bundle: Path) -> None:
    run(folder, Mode.LINK, bundle)
    before = all_files(folder / "sorted")
    with open_session(folder / "sorted") as session:
        session.refile(Strictness(threshold=statistics.median(filed(folder / "sorted").values())))
    undo(folder / "sorted")
    said = run(folder, Mode.LINK)

    assert before == all_files(folder / "sorted")
    assert not any("as agreed" in line for line in said)
    assert 18 == len(filed(folder / "sorted"))


def test_a_picture_judged_right_stays_and_one_judged_wrong_never_returns(folder: Path, bundle: Path) -> None:
    run(folder, Mode.LINK, bundle)
    library = folder / "sorted"
    with open_session(library, count=4) as session:
        names = [path.name for drawn in session.state.audit.drawn if (path := session.path_of(drawn)) is not None]
        for said in (AnnotationKind.WRONG, AnnotationKind.RIGHT, AnnotationKind.RIGHT, AnnotationKind.SKIPPED):
            session.answer(said)
    run(folder, Mode.LINK, threshold=0.99999)
    assert {names[1], names[2]} == set(filed(library))
    run(folder, Mode.LINK, threshold=0.1)

    assert 17 == len(filed(library))
    assert names[0] not in filed(library)
    assert 1 == sum(name.startswith("_review/") for name in all_files(library))
