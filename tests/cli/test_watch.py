"""`illsort watch` as a person meets it: what is refused, and what is printed; the loop itself is in tests/sort."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.lock import hold_watch_lock
from classifier.catalog.run_counts import RunCounts
from classifier.errors import Message
from classifier.sort.watch import Watcher
from classifier.sort.watch_round import Sorted
from kit.bundles import color_bundle
from kit.commands import Ended, illsort
from kit.pictures import COLORS, encoded, varied
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = RunCounts(run=7, filed=1200, review=2, unknown=1, copies=0, duplicates=1, failed=3, moved=5)
NOTHING = RunCounts(run=8, filed=0, review=0, unknown=0, copies=0, duplicates=0, failed=0, moved=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crawl and the library it was sorted into."""
    folder = tmp_path_factory.mktemp("watched")
    make_tree(folder / "crawl", {"a.png": encoded(varied(COLORS["red"], seed=1), "PNG")})
    bundle = color_bundle(folder / "model").folder
    assert 0 == illsort("sort", folder / "crawl", "--out", folder / "lib", "-m", bundle, "-j", "0").returncode
    return folder


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher that reports two sorts, of which the second did nothing, and ends."""

    def run(watcher: Watcher) -> None:
        for counts in (COUNTS, NOTHING):
            crawl = next(iter(watcher._crawls))
            watcher._report.sorted(crawl, Sorted(counts=counts, unfinished=4, seconds=2.5, messages=(Message("said"),)))

    monkeypatch.setattr(Watcher, "run", run)


def watch(folder: Path, *words: object) -> Ended:
    return illsort("watch", folder / "crawl", "--out", folder / "lib", *words)


@pytest.mark.usefixtures("rounds")
def test_a_line_for_each_sort_that_did_anything(folder: Path) -> None:
    ended = watch(folder, "--every", "2")
    lines = ended.stdout.splitlines()

    assert 0 == ended.returncode
    line = (
        f"{folder / 'crawl'}: 1,207 pictures came, 1,200 filed, 3 waiting for you, 1 duplicate, "
        "3 failed (illsort status says why), 5 moved within the library"
    )
    assert [line] == [one.partition("  ")[2] for one in lines]
    assert [f"watching {folder / 'crawl'} for {folder / 'lib'}: a look every 2 minutes"] == [
        line.partition("  ")[2] for line in ended.stderr.splitlines()
    ]


@pytest.mark.usefixtures("rounds")
def test_json_lines_has_each_sort_and_verbose_what_it_said(folder: Path) -> None:
    ended = watch(folder, "--json-lines", "--verbose")
    first, second = map(json.loads, ended.stdout.splitlines())

    assert (1207, 1200, 2, 1, 1, 3, 5, 4) == tuple(
        first[name]
        for name in ("pictures", "filed", "review", "unknown", "duplicates", "failed", "moved", "unfinished")
    )
    assert (8, 0) == (second["run"], second["pictures"])
    assert 2 == sum(line.endswith("  said") for line in ended.stderr.splitlines())


def test_a_second_watcher_of_a_library_is_refused_in_one_line(folder: Path) -> None:
    with hold_watch_lock(folder / "lib"):
        ended = watch(folder)

    assert 2 == ended.returncode
    assert 1 == len(ended.stderr.splitlines())
    assert "illsort watch runs for it already" in ended.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("watch", "crawl", "--out", "new"), "begin it with illsort sort "),
        (("watch", "gone", "--out", "lib"), "there is no such folder to sort"),
        (("watch", "lib", "--out", "lib"), "is the library"),
        (("watch", "crawl", "--out", "lib", "--every", "0"), "--every"),
    ],
)
def test_what_cannot_be_watched_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(folder)
    ended = illsort(*words)

    assert 2 == ended.returncode
    assert 1 == len(ended.stderr.splitlines())
    assert says in ended.stderr
    assert not (folder / "new").exists()


@pytest.mark.usefixtures("rounds")
def test_a_crawl_that_was_sorted_before_may_be_gone_at_the_start(folder: Path) -> None:
    (folder / "crawl").rename(folder / "away")
    ended = watch(folder)
    (folder / "away").rename(folder / "crawl")

    assert 0 == ended.returncode
