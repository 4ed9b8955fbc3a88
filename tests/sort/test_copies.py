"""Of the copies of a picture the best is filed, and the others lie in `_duplicates`, stay in the crawl, or are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from classifier.catalog import audits
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.copies import keep_all
from classifier.catalog.decisions import decisions_of
from classifier.catalog.run_counts import crawl_before, run_counts
from classifier.catalog.stats import library_stats
from classifier.export.library_table import Row, export_library
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.images.hashing import hash_bytes
from classifier.reasons import ReasonCode
from classifier.records import Action, Duplicates, Mode
from classifier.report.preview_sheet import write_preview_sheet
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.apply import DecisionApplier
from classifier.sort.pipeline import sort
from classifier.sort.preview import preview
from classifier.web.home.facts import library_facts
from classifier.web.pending_moves import file_decided
from kit.by_hand import drag, labels_of, settle
from kit.commands import illsort
from kit.progress import SavingProgress
from kit.reviewing import served
from kit.tinted import jpeg, png, tinted
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.sort.planned_moves import PlannedMove

SMALL = (200, 260)
LARGE = (600, 780)
BIG_RED, SMALL_RED, OTHER_RED = png(tinted("red", 1)), png(tinted("red", 1, SMALL)), png(tinted("red", 2))
LARGEST_RED = png(tinted("red", 1, LARGE))
BLUE, PALE_BLUE = png(tinted("blue", 3)), jpeg(tinted("blue", 3, SMALL), 60)
UNSURE, SMALL_UNSURE = png(tinted("gray", 4)), png(tinted("gray", 4, SMALL))
CRAWL = {
    "a small.png": SMALL_RED,
    "big.png": BIG_RED,
    "other.png": OTHER_RED,
    "blue.png": BLUE,
    "sub": {"x.jpg": PALE_BLUE},
}
BEST = {"red/big.png", "red/other.png", "blue/blue.png"}
COPIES = {"_duplicates/red/a small.png", "_duplicates/blue/x.jpg"}
MODES = list(Mode)


@dataclass(kw_only=True)
class Stage:
    """A crawl with copies, and the library that it is sorted into."""

    crawl: Path
    library: Path
    bundle: Path
    mode: Mode = Mode.LINK
    duplicates: Duplicates = Duplicates.FOLDER
    sidecars: bool = False
    embeddings: bool = True
    messages: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """Those of each sort."""
        filing = SortSettings(
            mode=self.mode,
            unknown=False,
            duplicates=self.duplicates,
            sidecars=self.sidecars,
            embeddings=self.embeddings,
        )
        return Settings(sort=filing, runtime=RuntimeSettings(workers=0))

    def sort(self) -> dict[str, Any]:
        """Sort the crawl; the files are whole afterwards."""
        before, progress = self.contents(), SavingProgress()
        done = sort(self.crawl, library=self.library, bundle=self.bundle, settings=self.settings, progress=progress)
        self.messages = progress.messages
        assert before == self.contents()
        assert [] == verify(self.library).off
        return done

    def contents(self) -> set[str]:
        """Every content in the crawl or the library."""
        found = [*all_files(self.crawl).values(), *(all_files(self.library).values() if self.library.exists() else ())]
        return {hash_bytes(content) for content in found}

    def files(self) -> set[str]:
        """What lies in the library."""
        return set(all_files(self.library))


@pytest.fixture
def stage(tmp_path: Path, bundle: Path) -> Stage:
    return Stage(crawl=make_tree(tmp_path / "crawl", CRAWL), library=tmp_path / "sorted", bundle=bundle)


@pytest.mark.parametrize("mode", MODES)
def test_the_best_is_filed_and_its_copies_beside_it_once_for_all(stage: Stage, mode: Mode) -> None:
    stage.mode = mode

    first, files = stage.sort(), stage.files()
    again = stage.sort()

    assert BEST | COPIES == files == stage.files()
    assert (3, 2, 0, 5) == tuple(first[name] for name in ("filed", "copies", "copies_left", "pictures"))
    assert (3, 2, 5) == tuple(again[name] for name in ("filed", "copies", "pictures"))
    assert "nothing changed: every picture that can be read lies where it belongs" in stage.messages
    stats = library_stats(stage.library)
    assert (2, {"red": 2, "blue": 1}, {}, 0) == (stats.copies, stats.filed, stats.review, stats.unknown)


@pytest.mark.parametrize("mode", MODES)
def test_with_best_the_copies_stay_in_the_crawl_and_are_counted(stage: Stage, mode: Mode) -> None:
    stage.mode, stage.duplicates = mode, Duplicates.BEST

    first = stage.sort()
    again = stage.sort()

    assert stage.files() == BEST
    assert {"a small.png", "sub/x.jpg"} <= set(all_files(stage.crawl))
    for done in (first, again):
        assert (3, 0, 2, 0, 5) == tuple(done[name] for name in ("filed", "copies", "copies_left", "failed", "pictures"))
    assert library_stats(stage.library).copies_left == 2


@pytest.mark.parametrize("duplicates", [Duplicates.FOLDER, Duplicates.BEST])
def test_a_watcher_counts_a_copy_that_comes_wherever_it_stays(stage: Stage, duplicates: Duplicates) -> None:
    stage.duplicates = duplicates
    stage.sort()
    with read_catalog(stage.library) as catalog:
        before = crawl_before(catalog, stage.crawl)
    (stage.crawl / "later.jpg").write_bytes(jpeg(tinted("blue", 3, SMALL), 40))

    stage.sort()

    with read_catalog(stage.library) as catalog:
        counts = run_counts(catalog, stage.crawl, before)
    assert (1, 1, 0) == (counts.pictures, counts.copies, counts.filed)


@pytest.mark.parametrize("mode", MODES)
def test_with_best_copies_filed_before_leave_the_library_but_what_was_moved(stage: Stage, mode: Mode) -> None:
    stage.mode, stage.duplicates, stage.sidecars = mode, Duplicates.KEEP, True
    (stage.crawl / "a small.png.txt").write_bytes(b"words")
    stage.sort()
    kept, crawl = stage.files(), all_files(stage.crawl)
    stage.duplicates = Duplicates.BEST

    done = stage.sort()

    beside = COPIES | {"_duplicates/red/a small.png.txt"} if mode is Mode.MOVE else set()
    assert BEST | beside == stage.files()
    assert crawl == all_files(stage.crawl)
    assert (2, 0) == (done["copies"] + done["copies_left"], done["failed"])
    undo(stage.library)
    assert kept == stage.files()
    assert library_stats(stage.library).filed == {"red": 3, "blue": 2}
    stage.sort()
    assert BEST | beside == stage.files()


@pytest.mark.parametrize("mode", MODES)
def test_kept_again_they_are_filed_again(stage: Stage, mode: Mode) -> None:
    stage.mode = mode
    stage.sort()
    stage.duplicates = Duplicates.KEEP

    done = stage.sort()

    assert {"red/a small.png", "blue/x.jpg"} | BEST == stage.files()
    assert (5, 0) == (done["filed"], done["copies"])
    stage.duplicates = Duplicates.FOLDER
    stage.sort()
    assert BEST | COPIES == stage.files()


@pytest.mark.parametrize("mode", MODES)
def test_a_better_copy_that_comes_later_takes_the_place_of_the_best(stage: Stage, mode: Mode) -> None:
    stage.mode = mode
    stage.sort()
    (stage.crawl / "largest.png").write_bytes(LARGEST_RED)

    stage.sort()

    assert {"red/largest.png", "red/other.png", "blue/blue.png", "_duplicates/red/big.png"} | COPIES == stage.files()


def test_a_better_copy_of_another_crawl_does_so_too(stage: Stage, tmp_path: Path) -> None:
    stage.sort()
    stage.crawl = make_tree(tmp_path / "another", {"largest.png": LARGEST_RED})

    stage.sort()

    assert {"red/largest.png", "red/other.png", "blue/blue.png", "_duplicates/red/big.png"} | COPIES == stage.files()


def test_copies_of_what_waits_wait_with_it_until_one_answer_files_it(stage: Stage) -> None:
    make_tree(stage.crawl, {"unsure.png": UNSURE, "unsure small.png": SMALL_UNSURE})
    stage.sort()
    waiting = {path for path in stage.files() if path.startswith("_review/")}
    assert {"unsure.png", "unsure small.png"} == {path.rpartition("/")[2] for path in waiting}

    with served(stage.library) as page:
        answer = {"picture": hash_bytes(UNSURE), "said": "right", "category": "green"}
        page.post("/api/say", json={"answers": [answer]}).raise_for_status()
    file_decided(stage.library)

    filed = {"green/unsure.png", "_duplicates/green/unsure small.png"}
    assert BEST | COPIES | filed == stage.files()
    assert file_decided(stage.library) is None
    stage.sort()
    assert BEST | COPIES | filed == stage.files()


def test_the_answer_to_all_of_a_group_files_the_best_alone(stage: Stage) -> None:
    make_tree(stage.crawl, {"unsure.png": UNSURE, "unsure small.png": SMALL_UNSURE})
    stage.sort()

    with served(stage.library) as page:
        answers = [{"picture": hash_bytes(one), "said": "right", "category": "green"} for one in (SMALL_UNSURE, UNSURE)]
        page.post("/api/say", json={"answers": answers}).raise_for_status()
    file_decided(stage.library)

    filed = {"green/unsure.png", "_duplicates/green/unsure small.png"}
    assert BEST | COPIES | filed == stage.files()
    assert file_decided(stage.library) is None
    with served(stage.library) as page:
        assert page.get("/api/state").json()["to_file"] == 0
    stage.sort()
    assert BEST | COPIES | filed == stage.files()


def test_what_a_person_put_into_a_category_is_the_best(stage: Stage) -> None:
    stage.duplicates = Duplicates.KEEP
    stage.sort()
    drag(stage.library, "red/a small.png", "green/a small.png")
    stage.duplicates = Duplicates.FOLDER

    stage.sort()

    kept = {"green/a small.png", "_duplicates/green/big.png", "red/other.png", "blue/blue.png"}
    assert kept | {"_duplicates/blue/x.jpg"} == stage.files()


def test_copies_of_what_lay_there_before_are_known_as_such(stage: Stage) -> None:
    stage.sort()
    make_tree(stage.library / "green", {"mine.png": png(tinted("violet", 7, SMALL))})
    settle(stage.library)
    (stage.crawl / "large violet.png").write_bytes(png(tinted("violet", 7)))

    stage.sort()

    added = {"green/mine.png", "_duplicates/green/large violet.png"}
    assert BEST | COPIES | added == stage.files()


def test_a_copy_taken_out_by_hand_is_filed_by_itself_and_others_stay(stage: Stage) -> None:
    (stage.crawl / "tiny.png").write_bytes(png(tinted("red", 1, (150, 195))))
    stage.sort()
    drag(stage.library, "_duplicates/red/a small.png", "red/a small.png")

    stage.sort()
    settle(stage.library)
    stage.sort()

    taken_out = {"red/a small.png", "_duplicates/red/tiny.png", "_duplicates/blue/x.jpg"}
    assert BEST | taken_out == stage.files()
    assert labels_of(stage.library)["red/a small.png"] == "red"


def test_what_a_person_puts_into_duplicates_stays_there_and_is_no_label(stage: Stage) -> None:
    stage.sort()
    drag(stage.library, "red/other.png", "_duplicates/red/other.png")

    assert not settle(stage.library).any
    stage.sort()

    assert {"red/big.png", "blue/blue.png", "_duplicates/red/other.png"} | COPIES == stage.files()
    assert library_stats(stage.library).copies == 3


def test_once_the_best_is_deleted_the_next_one_takes_its_place(stage: Stage) -> None:
    stage.sort()
    (stage.library / "red" / "big.png").unlink()

    sort(stage.crawl, library=stage.library, bundle=stage.bundle, settings=stage.settings)

    assert {"red/a small.png", "red/other.png", "blue/blue.png", "_duplicates/blue/x.jpg"} == stage.files()


def test_kept_by_a_person_all_are_filed_until_a_new_copy_joins(stage: Stage) -> None:
    stage.sort()
    with open_catalog(stage.library) as catalog:
        assert keep_all(catalog, [hash_bytes(SMALL_RED)]) == 2

    stage.sort()
    assert {"red/a small.png", "_duplicates/blue/x.jpg"} | BEST == stage.files()

    (stage.crawl / "largest.png").write_bytes(LARGEST_RED)
    stage.sort()
    assert {"red/largest.png", "red/other.png", "blue/blue.png", "_duplicates/red/big.png"} | COPIES == stage.files()


@pytest.mark.parametrize("mode", MODES)
def test_undone_all_is_as_before_and_can_be_done_again(stage: Stage, mode: Mode) -> None:
    stage.mode, before = mode, all_files(stage.crawl)
    stage.duplicates = Duplicates.KEEP
    stage.sort()
    kept = stage.files()
    stage.duplicates = Duplicates.FOLDER
    stage.sort()

    undo(stage.library)
    assert kept == stage.files()
    assert library_stats(stage.library).copies == 0
    undo(stage.library)
    assert set() == stage.files()
    assert before == all_files(stage.crawl)
    stage.sort()
    assert BEST | COPIES == stage.files()


@pytest.mark.parametrize("duplicates", [Duplicates.FOLDER, Duplicates.BEST])
def test_a_preview_plans_what_the_sort_does(stage: Stage, duplicates: Duplicates) -> None:
    stage.duplicates = duplicates
    planned: list[PlannedMove] = []

    seen = preview(
        stage.crawl, library=stage.library, bundle=stage.bundle, settings=stage.settings, show=planned.append
    )
    done = stage.sort()

    targets = {one.target.relative_to(stage.library).as_posix() for one in planned if one.target is not None}
    assert targets == stage.files()
    for name in ("filed", "copies", "copies_left", "pictures"):
        assert seen[name] == done[name]


@pytest.mark.parametrize(
    ("duplicates", "caption"),
    [
        (Duplicates.FOLDER, "copies of what is filed, in _duplicates"),
        (Duplicates.BEST, "copies of what is filed, left in the crawl"),
    ],
)
def test_the_page_of_a_preview_and_the_home_page_count_copies(
    stage: Stage, duplicates: Duplicates, caption: str
) -> None:
    stage.duplicates = duplicates
    preview(stage.crawl, library=stage.library, bundle=stage.bundle, settings=stage.settings)
    page = write_preview_sheet(stage.library)
    previewed = library_facts(stage.library)
    stage.sort()
    facts = library_facts(stage.library)

    assert page is not None
    assert f'<b>2</b><span><span class="en" lang="en">{caption}</span>' in page.read_text(encoding="utf-8")
    assert previewed is not None
    assert facts is not None
    assert (3, 2, 2) == (previewed["preview"]["images"], previewed["preview"]["copies"], facts["copies"])


def test_sidecars_go_along_with_copies_there_and_back(stage: Stage) -> None:
    make_tree(stage.crawl, {"a small.png.txt": b"small", "big.txt": b"big"})
    stage.sidecars = True
    stage.sort()
    sidecars = {"_duplicates/red/a small.png.txt", "red/big.txt"}
    assert BEST | COPIES | sidecars == stage.files()

    (stage.crawl / "largest.png").write_bytes(LARGEST_RED)
    stage.sort()
    assert {"_duplicates/red/big.png", "_duplicates/red/big.txt", "_duplicates/red/a small.png.txt"} <= stage.files()
    stage.duplicates = Duplicates.KEEP
    stage.sort()
    assert {"red/big.txt", "red/a small.png.txt"} <= stage.files()
    assert not {path for path in stage.files() if path.startswith("_duplicates")}


@pytest.mark.parametrize("mode", MODES)
def test_what_was_read_without_looks_is_read_again_to_find_copies(stage: Stage, mode: Mode) -> None:
    stage.mode, stage.duplicates, stage.embeddings = mode, Duplicates.KEEP, False
    stage.sort()
    assert "red/a small.png" in stage.files()
    stage.duplicates = Duplicates.FOLDER

    stage.sort()

    assert BEST | COPIES == stage.files()


def test_a_stopped_sort_goes_on_with_what_it_does_with_copies(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(DecisionApplier, "apply_rest", stop)
        with pytest.raises(KeyboardInterrupt):
            stage.sort()
    stage.duplicates = Duplicates.KEEP
    stage.sort()

    assert BEST | COPIES == stage.files()
    assert any("had --set sort.duplicates=folder" in message for message in stage.messages)


def test_the_command_keeps_all_copies_of_a_picture_and_refuses_others(stage: Stage) -> None:
    stage.sort()
    keep = ("duplicates", str(stage.library), "--keep-all")

    refused = illsort(*keep, str(stage.library / "red" / "other.png"))
    kept = illsort(*keep, str(stage.crawl / "big.png"))

    assert (2, 0) == (refused.returncode, kept.returncode)
    assert "knows no copies of it" in refused.stderr
    assert kept.stdout == "2 pictures are filed each by itself from the next sort on\n"
    stage.sort()
    assert {"red/a small.png", "_duplicates/blue/x.jpg"} | BEST == stage.files()


def test_the_page_shows_copies_by_themselves_and_keeps_them(stage: Stage) -> None:
    stage.sort()
    with served(stage.library) as page:
        shown = page.get("/api/filed", params={"order": "copies"}).raise_for_status().json()
        filed = page.get("/api/filed").raise_for_status().json()
        assert {"small.png", "x.jpg"} == {one["name"].rpartition(" ")[2] for one in shown["pictures"]}
        assert {one["picture"] for one in filed["pictures"]}.isdisjoint(one["picture"] for one in shown["pictures"])
        assert "a copy of big.png" in str(shown["pictures"])
        kept = page.post("/api/copies/keep", json={"pictures": [hash_bytes(SMALL_RED)]}).raise_for_status().json()

    assert kept == {"kept": 2}
    stage.sort()
    assert {"red/a small.png", "_duplicates/blue/x.jpg"} | BEST == stage.files()


def test_no_spot_check_draws_a_copy_and_status_and_export_name_them(stage: Stage) -> None:
    stage.sort()

    with read_catalog(stage.library) as catalog:
        assert {hash_bytes(one) for one in (BIG_RED, OTHER_RED, BLUE)} == {
            one.image_id for one in audits.filed(catalog)
        }
    assert "2 copies in _duplicates" in illsort("status", str(stage.library)).stdout
    rows: list[Row] = []
    export_library(stage.library, rows.extend, SavingProgress())
    copies = {row.path: (row.action, row.category, row.copy_of) for row in rows if row.copy_of}
    assert copies == {
        "_duplicates/red/a small.png": ("duplicate", "red", hash_bytes(BIG_RED)),
        "_duplicates/blue/x.jpg": ("duplicate", "blue", hash_bytes(BLUE)),
    }


def test_the_reason_names_the_better_picture(stage: Stage) -> None:
    stage.sort()

    with open_catalog(stage.library) as catalog:
        decided = decisions_of(catalog, [hash_bytes(SMALL_RED)])[hash_bytes(SMALL_RED)]

    assert (Action.DUPLICATE, "red", ReasonCode.COPY_OF) == (decided.action, decided.category, decided.reason.code)
    assert {"copy_of": hash_bytes(BIG_RED), "name": "big.png"} == decided.reason.params
