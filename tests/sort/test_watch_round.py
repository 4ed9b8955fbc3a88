"""One sort of a watcher: as the crawl was sorted last, with the numbers of this sort alone."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import runs
from classifier.catalog.connection import read_catalog
from classifier.catalog.lock import hold_lock, hold_watch_lock
from classifier.catalog.strictness import Strictness
from classifier.errors import LibraryInUse
from classifier.records import Mode
from classifier.settings import ImageSettings, RuntimeSettings, Settings, SortSettings, load
from classifier.sort.pipeline import sort
from classifier.sort.watch_round import Busy, Failed, Order, Sorted, sort_apart, sort_once
from kit.pictures import COLORS, encoded, plain, varied
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from pathlib import Path

NOW = load(None, ["runtime.workers=0"])


def picture(color: str, seed: int = 0) -> bytes:
    return encoded(varied(COLORS[color], seed=seed), "PNG")


def order(folder: Path, settings: Settings = NOW) -> Order:
    return Order(library=folder / "sorted", bundle=None, settings=settings, strictness=Strictness())


@pytest.fixture
def folder(tmp_path: Path, bundle: Path) -> Path:
    """A library into which a crawl was sorted, with settings of a person's own."""
    make_tree(tmp_path / "crawl", {"old.png": picture("red"), "skip": {"old.png": picture("blue", 1)}})
    settings = Settings(
        sort=SortSettings(mode=Mode.COPY),
        images=ImageSettings(exclude=("skip/",)),
        runtime=RuntimeSettings(workers=0),
    )
    sort(tmp_path / "crawl", library=tmp_path / "sorted", bundle=bundle, settings=settings, threshold=0.95)
    return tmp_path


def test_only_what_this_sort_did_is_counted(folder: Path) -> None:
    make_tree(
        folder / "crawl",
        {
            "new.png": picture("green"),
            "unsure.png": encoded(plain((120, 120, 120)), "PNG"),
            "same.png": picture("red"),
            "broken.png": b"<html>",
            "part.png.part": b"",
        },
    )
    ended = sort_once(folder / "crawl", order(folder))
    again = sort_once(folder / "crawl", order(folder))

    assert isinstance(ended, Sorted)
    assert isinstance(again, Sorted)
    counts = ended.counts
    assert (1, 1, 1, 1) == (counts.filed, counts.review + counts.unknown, counts.duplicates, counts.failed)
    assert (4, 0) == (counts.pictures, counts.moved)
    assert 1 == ended.unfinished
    assert (3, 0, 0) == (again.counts.run, again.counts.pictures, again.counts.moved)


def test_a_crawl_is_sorted_as_it_was_last_but_for_what_is_set_now(folder: Path) -> None:
    make_tree(folder / "crawl", {"new.png": picture("green"), "skip": {"new.png": picture("blue")}})
    sort_once(folder / "crawl", order(folder))
    sort_once(folder / "crawl", order(folder, load(None, ["runtime.workers=0", "sort.mode=link"])))
    with read_catalog(folder / "sorted") as catalog:
        first, second, third = runs.all_runs(catalog)

    assert ["copy", "copy", "link"] == [run.mode for run in (first, second, third)]
    assert [0.95] * 3 == [run.strictness.threshold for run in (first, second, third)]
    assert {"green/new.png", "red/old.png"} == set(all_files(folder / "sorted"))


def test_a_crawl_is_not_moved_because_another_was(folder: Path) -> None:
    moved = load(None, ["runtime.workers=0", "sort.mode=move"])
    for seed, name in enumerate(("other", "third")):
        make_tree(folder / name, {f"{name}.png": picture("blue", seed)})
    sort_once(folder / "other", order(folder, moved))
    make_tree(folder / "other", {"later.png": picture("blue", 9)})
    sort_once(folder / "third", order(folder))
    sort_once(folder / "other", order(folder))

    assert {} == all_files(folder / "other")
    assert ["third.png"] == list(all_files(folder / "third"))
    assert {"blue/other.png", "blue/later.png", "blue/third.png"} <= set(all_files(folder / "sorted"))


def test_a_crawl_that_only_the_record_says_is_moved_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library may be a stranger's."""
    sort_once(folder / "crawl", order(folder, load(None, ["runtime.workers=0", "sort.mode=move"])))
    make_tree(folder / "crawl", {"new.png": picture("green")})
    monkeypatch.setattr("classifier.sort.last_policy.named_root", lambda *_: None)
    ended = sort_once(folder / "crawl", order(folder))

    assert isinstance(ended, Failed)
    assert "give --mode" in ended.why
    assert "new.png" in all_files(folder / "crawl")


def test_a_library_in_use_is_told_from_a_failure(folder: Path) -> None:
    with hold_lock(folder / "sorted"):
        busy = sort_once(folder / "crawl", order(folder))
    gone = sort_once(folder / "gone", order(folder))

    assert isinstance(busy, Busy)
    assert isinstance(gone, Failed)
    assert not gone.is_lasting


def test_a_library_that_is_gone_is_not_made_anew(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": picture("red")})
    ended = sort_once(
        tmp_path / "crawl",
        Order(library=tmp_path / "sorted", bundle=bundle, settings=NOW, strictness=Strictness()),
    )

    assert isinstance(ended, Failed)
    assert not (tmp_path / "sorted").exists()


def test_a_sort_in_a_process_of_its_own_gives_its_numbers_back(folder: Path) -> None:
    make_tree(folder / "crawl", {"same.png": picture("red")})
    ended = sort_apart(folder / "crawl", order(folder))

    assert isinstance(ended, Sorted)
    assert (1, 1) == (ended.counts.pictures, ended.counts.duplicates)


def test_a_stop_ends_the_process_of_a_sort_quietly(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def press(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("classifier.sort.watch_round.wait", press)
    with pytest.raises(KeyboardInterrupt):
        sort_apart(folder / "crawl", order(folder))

    assert "" == capfd.readouterr().err
    assert [] == multiprocessing.active_children()
    with hold_lock(folder / "sorted"):
        pass


def test_one_process_at_a_time_watches_for_a_library_and_others_may_use_it(tmp_path: Path) -> None:
    with hold_watch_lock(tmp_path):
        with hold_lock(tmp_path):
            pass
        with pytest.raises(LibraryInUse, match="illsort watch runs for it already"), hold_watch_lock(tmp_path):
            pass
