"""`illsort review --answers`: what waits by answers elsewhere, fetched into a library of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from classifier.catalog.by_chance import next_by_chance
from classifier.catalog.connection import open_catalog
from kit import commands
from kit.answers import decided
from kit.between import answered_between
from kit.tree import all_files

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.cli.serve_page import PageOptions
    from kit.commands import Ended


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model and what it answered to a crawl."""
    return answered_between(tmp_path_factory.mktemp("given"))


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[PageOptions]:
    """The pages that were served."""
    shown: list[PageOptions] = []

    def show_page(_: Path, options: PageOptions, **__: Any) -> int:
        shown.append(options)
        return 0

    monkeypatch.setattr("classifier.cli.review.show_page", show_page)
    return shown


def review(*words: object) -> Ended:
    return commands.illsort("review", *words, "--set", "runtime.device=cpu", "--set", "runtime.workers=0")


def waiting(library: Path) -> set[str]:
    return {name.split("/")[-1] for name in all_files(library) if name.startswith(("_review/", "_unknown/"))}


def test_what_waits_is_drawn_fetched_and_shown(
    tmp_path: Path, given: tuple[Path, Path], pages: list[PageOptions]
) -> None:
    model, answers = given
    library = tmp_path / "look"
    first = review(library, "--answers", answers, "--model", model, "--count", 3)

    assert 0 == first.returncode, first.stderr
    assert f", drawn by chance: {library}-pictures" in first.stderr
    assert 3 == len(waiting(library)) == len(decided(library))
    again = review(library, "--answers", answers, "--model", model, "--count", 5)
    assert 0 == again.returncode, again.stderr
    assert 5 == len(waiting(library)) == len(decided(library))
    assert 2 == len(pages)


def test_where_nothing_waits_a_line_says_so_and_nothing_is_made(
    tmp_path: Path, given: tuple[Path, Path], pages: list[PageOptions]
) -> None:
    model, answers = given
    lenient = ("--set", "sort.threshold=0.0001", "--set", "sort.unknown=false")
    ended = review(tmp_path / "look", "--answers", answers, "--model", model, *lenient)

    assert (0, 1) == (ended.returncode, ended.stderr.count("nothing waits for a person")), ended.stderr
    assert not pages
    assert not list(tmp_path.iterdir())


def test_nothing_that_is_drawn_from_it_counts_for_all(
    tmp_path: Path, given: tuple[Path, Path], pages: list[PageOptions]
) -> None:
    model, answers = given
    library = tmp_path / "look"
    review(library, "--answers", answers, "--model", model, "--set", "review.by_chance=0.5")
    review(library, "--set", "review.by_chance=0.5")

    assert [0, 0] == [page.by_chance for page in pages]
    assert waiting(library)
    with open_catalog(library) as catalog:
        assert [] == next_by_chance(catalog, limit=9)


@pytest.mark.parametrize("option", ["--model", "--count", "--seed"])
def test_an_option_of_answers_is_refused_without_them(tmp_path: Path, pages: list[PageOptions], option: str) -> None:
    refused = review(tmp_path / "look", option, "3")

    assert (2, f"{option} goes with --answers") == (refused.returncode, refused.stderr.strip().split(": ")[-1])
    assert not pages
    assert not list(tmp_path.iterdir())


def test_a_library_of_an_audit_is_refused(tmp_path: Path, given: tuple[Path, Path], pages: list[PageOptions]) -> None:
    model, answers = given
    small = ("--set", "runtime.device=cpu", "--set", "runtime.workers=0", "--set", "sort.threshold=0.4")
    words = ("--answers", answers, "--model", model, *small, "--count", 2, "--json")
    assert 0 == commands.illsort("audit", tmp_path / "checked", *words).returncode
    refused = review(tmp_path / "checked", "--answers", answers, "--model", model)

    assert 2 == refused.returncode
    assert "holds an audit" in refused.stderr
    assert not pages
