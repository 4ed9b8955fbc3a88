"""What status counts of copies and duplicates is what the sort counted, whatever became of them since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.stats import library_stats
from classifier.filing.reconcile import reconcile_if_free
from classifier.filing.undo import undo
from classifier.records import Duplicates
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from kit.by_hand import drag
from kit.tinted import png, tinted
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path

BIG, SMALL = png(tinted("red", 1)), png(tinted("red", 1, (200, 260)))
CRAWL = {"big.png": BIG, "big too.png": BIG, "small.png": SMALL, "small too.png": SMALL, "sub": {"again.png": SMALL}}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A crawl whose files are two pictures, one a copy of the other."""

    crawl: Path
    library: Path
    bundle: Path

    def sort(self, duplicates: Duplicates) -> tuple[int, int, int]:
        """The copies in the library, those left in the crawl, and the duplicates, as the sort counts them."""
        settings = Settings(sort=SortSettings(unknown=False, duplicates=duplicates), runtime=RuntimeSettings(workers=0))
        done = sort(self.crawl, library=self.library, bundle=self.bundle, settings=settings)
        return done["copies"], done["copies_left"], done["duplicates"]

    def counted(self) -> tuple[int, int, int]:
        """The same by status."""
        stats = library_stats(self.library)
        return stats.copies, stats.copies_left, stats.duplicates


@pytest.fixture
def stage(tmp_path: Path, bundle: Path) -> Stage:
    return Stage(crawl=make_tree(tmp_path / "crawl", CRAWL), library=tmp_path / "sorted", bundle=bundle)


@pytest.mark.parametrize("duplicates", list(Duplicates))
def test_status_counts_the_copies_that_the_sort_counted(stage: Stage, duplicates: Duplicates) -> None:
    assert stage.sort(duplicates) == stage.counted()

    undo(stage.library)

    assert stage.counted() == (0, 0, 0)


@pytest.mark.parametrize("duplicates", list(Duplicates))
def test_so_it_does_of_a_picture_that_was_deleted_from_the_library(stage: Stage, duplicates: Duplicates) -> None:
    stage.sort(Duplicates.FOLDER)
    (stage.library / "_duplicates" / "red" / "small too.png").unlink()

    assert stage.sort(duplicates) == stage.counted() == (0, 0, 3)


@pytest.mark.parametrize("duplicates", list(Duplicates))
def test_so_it_does_of_copies_that_left_the_crawl(stage: Stage, duplicates: Duplicates) -> None:
    stage.sort(Duplicates.BEST)
    for name in ("small.png", "small too.png", "sub/again.png"):
        (stage.crawl / name).unlink()

    assert stage.sort(duplicates) == stage.counted() == (0, 0, 1)


@pytest.mark.parametrize("folder", ["", "_mine/", "_mine/red/"])
def test_a_copy_put_aside_by_hand_is_none_in_duplicates_any_more(stage: Stage, folder: str) -> None:
    stage.sort(Duplicates.FOLDER)
    drag(stage.library, "_duplicates/red/small too.png", f"{folder}small too.png")
    reconcile_if_free(stage.library)

    dragged, outside = stage.counted(), library_stats(stage.library).outside

    assert (0, 0, 3) == dragged == stage.sort(Duplicates.FOLDER) == stage.counted()
    assert outside == library_stats(stage.library).outside == 1
