"""After an undo, counts match the disk and decisions are as before the run."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from classifier.catalog import decisions
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.decisions import prune_previous
from classifier.catalog.queue_annotations import count_queues
from classifier.catalog.ranking import attach_newest
from classifier.catalog.stats import library_stats
from classifier.errors import LibraryError
from classifier.filing.undo import undo
from classifier.records import Action, Decision, ImageId
from classifier.report.library_report import library_page
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from kit import reasons
from kit.pictures import COLORS, encoded, varied
from kit.tree import make_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = Settings(runtime=RuntimeSettings(workers=0))
THRESHOLDS = (0.34, 0.6, 0.999999)
Row = tuple[Any, ...]


class Library:
    """A crawl of pictures of which some are surer than others, and the library that it is sorted into."""

    def __init__(self, folder: Path, bundle: Path) -> None:
        self.folder, self.bundle, self.library = folder, bundle, folder / "sorted"
        pictures = {f"{n}.png": varied(list(COLORS.values())[n % 3], seed=n) for n in range(4)}
        pictures |= {f"dim{n}.png": varied((120 + 9 * n, 120, 110), seed=n) for n in range(4)}
        make_tree(folder / "crawl", {name: encoded(picture, "PNG") for name, picture in pictures.items()})

    def sort(self, threshold: float) -> None:
        """Sort it."""
        sort(self.folder / "crawl", library=self.library, bundle=self.bundle, settings=SETTINGS, threshold=threshold)

    def decided(self) -> list[Row]:
        """All that is decided."""
        with read_catalog(self.library) as catalog:
            return catalog.connection.execute("SELECT * FROM decisions ORDER BY picture").fetchall()

    def ask(self, statement: str) -> None:
        """Change the catalog behind illsort's back."""
        with open_catalog(self.library) as catalog:
            catalog.connection.execute(statement)

    def check(self) -> None:
        """Status, page and report count what lies in the library."""
        lies = Counter(trays(self.library))
        seen = library_stats(self.library)
        assert lies == +Counter(file=sum(seen.filed.values()), review=sum(seen.review.values()), unknown=seen.unknown)
        with open_catalog(self.library) as catalog:
            attach_newest(catalog)
            waiting = {tray: sum(of_it.values()) for tray, of_it in count_queues(catalog).items()}
            assert {tray: lies[tray] for tray in ("review", "unknown")} == waiting
            assert lies["file"] == decisions.count_filed(catalog)
            assert lies.total() == catalog.connection.execute("SELECT count(*) FROM decisions").fetchone()[0]
        assert f">{lies['file']}<" in library_page(self.library)


def trays(library: Path) -> Iterator[str]:
    for path in library.rglob("*.png"):
        first = path.relative_to(library).parts[0]
        yield {"_review": "review", "_unknown": "unknown"}.get(first, "file")


@pytest.fixture
def library(tmp_path: Path, bundle: Path) -> Library:
    return Library(tmp_path, bundle)


def test_undoing_a_run_restores_earlier_decisions_and_redoing_its_own(library: Library) -> None:
    before: list[list[Row]] = [[]]
    for threshold in THRESHOLDS[:2]:
        library.sort(threshold)
        before.append(library.decided())
        library.check()
    assert before[1] != before[2]
    own = undo(library.library).run
    assert before[1] == library.decided()
    library.check()
    again = undo(library.library, run=own).run
    assert before[2] == library.decided()
    library.check()
    undo(library.library, run=again)
    assert before[1] == library.decided()
    undo(library.library)
    assert [] == library.decided()
    library.check()
    library.sort(THRESHOLDS[0])
    library.check()


@pytest.mark.parametrize("is_mended", [True, False], ids=["undone now", "undone by an earlier version"])
def test_an_older_library_without_previous_decisions_counts_correctly(library: Library, is_mended: bool) -> None:
    library.sort(THRESHOLDS[0])
    library.sort(THRESHOLDS[2])
    kept = library.decided()
    library.ask("DELETE FROM decided_before")
    undo(library.library)
    if is_mended:
        library.check()
    undo(library.library)
    if not is_mended:
        as_an_earlier_version_left_it(library, kept)
    library.check()
    assert [] == library.decided()


def test_after_an_undo_by_an_earlier_version_counts_match_the_folders(library: Library) -> None:
    library.sort(THRESHOLDS[0])
    library.sort(THRESHOLDS[2])
    kept = library.decided()
    undo(library.library)
    as_an_earlier_version_left_it(library, kept)
    library.check()


def as_an_earlier_version_left_it(library: Library, kept: list[Any]) -> None:
    """The decisions that an undo did not take back, in a catalog that this version has not opened yet."""
    with open_catalog(library.library) as catalog:
        catalog.connection.executemany("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?)", kept)
        reasons.with_sentences(catalog.connection)
        catalog.connection.execute("DELETE FROM migrations WHERE name >= 'm014'")
        catalog.connection.execute("DROP TABLE decided_before")


def test_an_image_left_by_undo_is_decided_to_be_where_it_is(library: Library) -> None:
    library.sort(THRESHOLDS[0])
    library.sort(THRESHOLDS[2])
    (library.library / "red").rmdir()
    (library.library / "red").write_bytes(b"in the way of a folder")
    summary = undo(library.library)
    assert 2 == summary.undone
    assert {"red"} == {left.path.parent.name for left in summary.left}
    library.check()


def test_an_undo_without_effect_is_not_counted_and_changes_no_decision(library: Library) -> None:
    library.sort(THRESHOLDS[0])
    kept = library.decided()
    shutil.rmtree(library.folder / "crawl")
    for _ in range(2):
        summary = undo(library.library)
        assert (None, 1, 8) == (summary.undone, summary.tried, len(summary.left))
    assert kept == library.decided()


@pytest.mark.parametrize("seed", [1, 8, 64])
def test_counts_match_the_disk_after_any_sorts_and_undos(library: Library, seed: int) -> None:
    rng = random.Random(seed)
    library.sort(THRESHOLDS[0])
    for _ in range(8):
        if rng.random() < 0.4:
            library.sort(rng.choice(THRESHOLDS))
        else:
            with suppress(LibraryError):  # there is no such run
                undo(library.library, run=rng.choice([None, None, rng.randrange(1, 8)]))
        library.check()


def decided(number: int, confidence: float, action: Action = Action.FILE) -> Decision:
    return Decision(
        image_id=ImageId(f"{number:064}"), action=action, category="a", confidence=confidence, reason=reasons.ANY
    )


def test_two_changes_without_a_move_are_kept_and_all_changes_with_one(library: Library) -> None:
    with open_catalog(library.library) as catalog:
        for run in range(1, 9):
            tray = Action.REVIEW if run % 2 else Action.FILE
            decisions.save(catalog, [decided(0, 0.5, tray), *(decided(n, run / 10) for n in range(1, 10))], run=run)
            prune_previous(catalog)
        ask = catalog.connection.execute
        assert [(0, 18), (1, 7)] == ask("SELECT moved, count(*) FROM decided_before GROUP BY 1").fetchall()
        assert [(7, 9), (8, 9)] == ask("SELECT run, count(*) FROM decided_before WHERE NOT moved GROUP BY 1").fetchall()
