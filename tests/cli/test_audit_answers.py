"""`illsort audit --answers`: what answers elsewhere file is drawn by chance, fetched, judged and bounded as a whole."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from classifier.audit.session import open_session
from classifier.catalog.connection import read_catalog
from classifier.errors import LibraryError
from classifier.model.binomial_bounds import finite_upper_bound
from classifier.records import AnnotationKind
from kit import commands
from kit.answers import answered
from kit.between import BETWEEN, answered_between
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, plain
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from kit.commands import Ended

_SET = ("runtime.device=cpu", "runtime.workers=0", "sort.threshold=0.4", "sort.unknown=false")
SETTINGS = tuple(word for one in _SET for word in ("--set", one))


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The options that name a model and what it answered to a crawl."""
    return answered_between(tmp_path_factory.mktemp("given"))


def judge(library: Path, *, wrong: Iterable[int] = (), count: int | None = None) -> None:
    """Answer `count` of the questions that are left, or all; those at the positions `wrong` are."""
    with open_session(library) as session:
        while (drawn := session.state.current) is not None and count != 0:
            is_right = drawn.position not in wrong and session.path_of(drawn) is not None
            session.answer(AnnotationKind.RIGHT if is_right else AnnotationKind.WRONG)
            count = None if count is None else count - 1


def audit(
    library: Path,
    *words: object,
    given: tuple[Path, Path],
    settings: tuple[str, ...] = SETTINGS,
    page: Callable[[Path], object] = judge,
) -> Ended:
    def show_page(served: Path, *_: Any, **__: Any) -> int:
        page(served)
        return 0

    model, answers = given
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("classifier.cli.audit.show_page", show_page)
        return commands.illsort("audit", library, "--answers", answers, "--model", model, *settings, *words)


def stated(library: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(commands.illsort("audit", library, "--json").stdout)
    return found


def test_a_bound_of_all_that_the_answers_file(tmp_path: Path, given: tuple[Path, Path]) -> None:
    library = tmp_path / "checked"
    decided = commands.illsort("decide", given[1], "--model", given[0], "--to", tmp_path / "to", *SETTINGS, "--json")
    filed = json.loads(decided.stdout)["filed"]
    ended = audit(library, "--count", 10, given=given, page=lambda one: judge(one, wrong=[2]))

    assert 10 == stated(library)["drawn"]
    said = stated(library)
    assert (filed, 10, 1) == (said["filed"], said["asked"], said["wrong"])
    assert finite_upper_bound(1, 10, filed, 0.95) == pytest.approx(said["at_most"])
    assert f"{filed}" in ended.stdout
    assert f"10 pictures of {filed}, drawn by chance: {library}-pictures" in ended.stderr


def test_an_unfinished_audit_goes_on_and_another_counts_for_more(tmp_path: Path, given: tuple[Path, Path]) -> None:
    library = tmp_path / "checked"
    words = ("--count", 8, "--seed", 3)
    audit(library, *words, given=given, page=lambda one: judge(one, count=2))
    before = all_files(tmp_path / "checked-pictures")
    again = audit(library, *words, given=given)
    said = stated(library)
    assert (8, 8, 1) == (said["drawn"], said["asked"], said["number"])
    assert "drawn by chance" not in again.stderr
    assert before == all_files(tmp_path / "checked-pictures")

    audit(library, "--new", "--count", 8, "--seed", 4, given=given)
    assert 2 == stated(library)["number"]


def test_a_stopped_audit_goes_on_with_what_it_fetched(tmp_path: Path, given: tuple[Path, Path]) -> None:
    library = tmp_path / "checked"

    def stop(*_: object, **__: object) -> None:
        raise LibraryError("stopped")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("classifier.sort.library_of_drawn.sort", stop)
        assert 2 == audit(library, "--count", 8, given=given).returncode
    fetched = all_files(tmp_path / "checked-pictures")
    assert 8 == len(fetched)
    audit(library, "--count", 8, given=given)
    assert fetched == all_files(tmp_path / "checked-pictures")

    audit(library, "--count", 8, "--new", given=given)
    assert fetched.items() < all_files(tmp_path / "checked-pictures").items()


def test_a_library_of_anything_else_is_refused_before_anything_is_drawn(
    tmp_path: Path, given: tuple[Path, Path]
) -> None:
    make_tree(tmp_path / "full", {"own.png": BETWEEN["00.png"]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("classifier.sort.draw_answers.draw_rows", None)
        refused = audit(tmp_path / "full", given=given)

    assert (2, 1) == (refused.returncode, refused.stderr.count("full: is not empty")), refused.stderr


def test_what_cannot_be_fetched_counts_as_wrong(tmp_path: Path) -> None:
    crawl, model = make_tree(tmp_path / "crawl", BETWEEN), color_bundle(tmp_path / "m", evidence=300, novelty=True)
    answers = replace(answered(crawl, model), source=str(crawl)).write(tmp_path / "answers")
    for name in ("00.png", "01.png"):
        (crawl / name).unlink()
    ended = audit(tmp_path / "checked", "--count", 500, given=(model.folder, answers))
    said = stated(tmp_path / "checked")

    assert (2, said["filed"]) == (said["wrong"] + said["skipped"], said["asked"])
    assert "00.png: it is no longer there" in ended.stderr


def test_what_is_too_large_here_is_named_and_counts_as_wrong(tmp_path: Path) -> None:
    large = {"large.png": encoded(plain(COLORS["blue"], (300, 200)), "PNG"), "00.png": BETWEEN["00.png"]}
    crawl, model = make_tree(tmp_path / "crawl", large), color_bundle(tmp_path / "m", evidence=300, novelty=True)
    answers = replace(answered(crawl, model), source=str(crawl)).write(tmp_path / "answers")
    library = tmp_path / "checked"
    ended = audit(library, "--set", "images.max_megapixels=0.02", given=(model.folder, answers))
    said = stated(library)

    assert (2, 1) == (said["filed"], said["wrong"] + said["skipped"])
    assert f"1 unreadable: {library / '_broken.csv'}" in ended.stderr


def test_the_same_picture_at_two_keys_is_asked_once(tmp_path: Path, given: tuple[Path, Path]) -> None:
    asked: list[str] = []

    def page(library: Path) -> None:
        with open_session(library) as session:
            while (drawn := session.state.current) is not None:
                asked.append(drawn.image_id)
                session.answer(AnnotationKind.RIGHT)

    audit(tmp_path / "checked", "--count", 500, given=given, page=page)
    said = stated(tmp_path / "checked")

    assert len(asked) == len(set(asked)) == said["asked"] - 1 == said["drawn"] - 1


@pytest.mark.parametrize("asked", [("--max-error", "0.1"), ("--set", "sort.threshold=0.4")])
def test_the_command_that_is_proposed_draws_of_the_same_decisions(
    tmp_path: Path, given: tuple[Path, Path], asked: tuple[str, str]
) -> None:
    library = tmp_path / "checked"
    of_answers = ("--answers", given[1], "--model", given[0], "--set", "sort.unknown=false")
    first = ("audit", library, *of_answers, *SETTINGS[:4], *asked, "--count", 6, "--json")
    assert 0 == commands.illsort(*first).returncode
    judge(library, wrong=[0, 1])
    proposed = (
        commands.illsort("audit", library, "--max-error", "0.1", "--json")
        .stderr.splitlines()[-1]
        .partition("illsort ")[2]
    )
    assert 0 == commands.illsort(*shlex.split(proposed), *SETTINGS[:4], "--json").returncode
    judge(library)
    said = stated(library)

    assert (2, int(proposed.split()[-1])) == (said["number"], said["drawn"])
    assert f"--answers {given[1]} --new --model {given[0]} {' '.join(asked)} --set sort.unknown=false " in proposed


def test_other_decisions_are_another_audit(tmp_path: Path, given: tuple[Path, Path]) -> None:
    library = tmp_path / "checked"
    audit(library, "--count", 5, given=given)
    audit(library, "--count", 5, "--set", "sort.threshold=0.9", given=given)

    assert 1 == stated(library)["number"]
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute("SELECT source, asked FROM audits").fetchall()
    assert ({str(given[1])}, 2) == ({row[0] for row in rows}, len({row[1] for row in rows}))


def test_the_same_decisions_are_one_filing_however_they_were_asked_for(
    tmp_path: Path, given: tuple[Path, Path]
) -> None:
    library = tmp_path / "checked"
    rates = []
    for rate in (0.0001, 0.001):  # neither can be promised, so both come to the least that can
        asked = ("--max-error", rate, "--best", "--count", 5, "--new")
        ended = audit(library, *asked, given=given, settings=SETTINGS[:4])
        assert ended.returncode in {0, 1}, ended.stderr
        rates.append(ended.stderr)
    said = stated(library)

    assert 2 == said["number"]
    assert all("in place of the" in one for one in rates)


def test_parts_without_answers_are_named(tmp_path: Path, given: tuple[Path, Path]) -> None:
    shutil.copytree(given[1], tmp_path / "answers")
    first, second = sorted((tmp_path / "answers").iterdir())[:2]
    first.unlink()
    some = (given[0], tmp_path / "answers")
    ended = audit(tmp_path / "checked", "--count", 3, given=some)
    assert "1 part of the listing has no answers yet: run illsort predict again" in ended.stderr

    second.unlink()  # other answers are another filing: the finished audit does not go on
    again = audit(tmp_path / "checked", "--count", 3, given=some)
    assert "2 parts of the listing have no answers yet" in again.stderr
    assert 1 == stated(tmp_path / "checked")["number"]


def test_where_nothing_is_guaranteed_no_audit_of_the_library_is_advised(tmp_path: Path) -> None:
    crawl, model = make_tree(tmp_path / "crawl", BETWEEN), color_bundle(tmp_path / "m")
    answers = replace(answered(crawl, model), source=str(crawl)).write(tmp_path / "answers")
    words = ("--count", 5, "--max-error", 0.3)
    ended = audit(tmp_path / "checked", *words, given=(model.folder, answers), settings=SETTINGS[:4])

    assert "no guarantee" in ended.stderr
    assert "for a guarantee answer" not in ended.stderr + commands.illsort("status", tmp_path / "checked").stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--until", "0.02"), "--until is not for --answers"),
        (("--set", "sort.threshold=0.999999"), "nothing is filed by these answers"),
    ],
)
def test_what_cannot_be_audited_is_one_line_and_makes_nothing(
    tmp_path: Path, given: tuple[Path, Path], words: tuple[str, ...], line: str
) -> None:
    refused = audit(tmp_path / "checked", *words, given=given)

    assert (2, 1) == (refused.returncode, refused.stderr.count(line)), refused.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [("--model", "m"), ("--best",), ("--config", "anime"), ("--set", "sort.mode=copy")])
def test_an_option_of_answers_is_refused_without_them(tmp_path: Path, words: tuple[str, ...]) -> None:
    refused = commands.illsort("audit", tmp_path / "checked", *words)

    assert 2 == refused.returncode
    assert f"{words[0]} goes with --answers" in refused.stderr
