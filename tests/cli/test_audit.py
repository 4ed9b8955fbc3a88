"""`illsort audit`: the sample it draws, the bound it states, a target that is missed, filing by it, and undo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from classifier.audit.session import open_session
from classifier.catalog.connection import read_catalog
from classifier.catalog.decisions import placed_sources
from classifier.records import AnnotationKind
from kit import commands
from kit.audits import Kind, filed_library
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, varied
from kit.tree import all_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kit.commands import Ended

THIRTY = Kind(category="chibi", confidences=[0.99 - n / 100 for n in range(30)])
WRONG = {f"chibi {number}.png" for number in (20, 26, 27, 28)}


def not_opened(_: Path) -> None:
    raise AssertionError("the page was opened")


def illsort(*words: str | Path, page: Callable[[Path], object] = not_opened) -> Ended:
    """Run a command; `page` does what a person does on the page before Ctrl-C."""

    def show_page(library: Path, *_: Any, **__: Any) -> int:
        page(library)
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("classifier.cli.audit.show_page", show_page)
        return commands.illsort(*words)


def judge(library: Path, *, wrong: Iterable[str] = WRONG, count: int | None = None) -> None:
    """Answer `count` of the questions that are left, or all."""
    with open_session(library) as session:
        while (drawn := session.state.current) is not None and count != 0:
            path = session.path_of(drawn)
            is_wrong = path is not None and path.name in wrong
            session.answer(AnnotationKind.WRONG if is_wrong else AnnotationKind.RIGHT)
            count = None if count is None else count - 1


def drawn_by(library: Path) -> list[str]:
    with open_session(library) as session:
        return [drawn.image_id for drawn in session.state.audit.drawn]


def waiting(library: Path) -> set[str]:
    return {name.split("/")[-1] for name in all_files(library) if name.startswith("_review/")}


def test_an_audit_is_stopped_goes_on_and_states_its_bound(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    first = illsort("audit", library, "--count", "20", "--seed", "1", page=lambda one: judge(one, count=2))
    second = illsort("audit", library, page=lambda one: judge(one, wrong=()))

    assert (0, 0) == (first.returncode, second.returncode)
    assert "2 of 20 are answered; the same command goes on" in first.stdout
    assert "of 30 filed pictures at most 6.7% wrong, 95% confidence; 0 of 20" in second.stdout
    assert "chibi" in second.stdout.splitlines()[-1]


def test_a_seed_draws_the_same_sample_again_and_new_another(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    samples = []
    for words in (("--seed", "1"), ("--new",), ("--new", "--seed", "1")):
        illsort("audit", library, "--count", "5", *words, page=lambda _: None)
        samples.append(drawn_by(library))

    assert samples[0] == samples[2] != samples[1]


def test_a_missed_target_is_met_by_a_threshold_and_the_run_can_be_undone(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY, sort={"max_error": 0.05})
    before = all_files(library)
    shown = illsort("audit", library, "--yes", page=judge)
    low = {f"chibi {number}.png" for number in (26, 27, 28)}

    assert 0 == shown.returncode
    assert "at most 13.4% wrong, 95% confidence; 4 of 30, all there are" in shown.stdout
    assert "that 5.0% is kept is not shown; 0.74 would keep it: 26 of 30 stay filed" in shown.stderr
    assert "run 2: 4 pictures went to _review" in shown.stderr
    assert low | {"chibi 20.png"} == waiting(library)
    assert 0 == illsort("undo", library, "--run", "2").returncode
    assert before == all_files(library)


def test_nothing_is_filed_without_yes(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    shown = illsort("audit", library, "--max-error", "0.05", page=judge)

    assert 1 == shown.returncode
    assert "--yes puts the others into _review" in shown.stderr
    assert set() == waiting(library)


def test_yes_files_a_finished_audit_without_the_page(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    judge(library)
    shown = illsort("audit", library, "--yes")

    assert 0 == shown.returncode
    assert WRONG == waiting(library)


def test_yes_files_nothing_while_some_are_not_answered(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    shown = illsort("audit", library, "--yes", page=lambda one: judge(one, count=29))

    assert "29 of 30 are answered" in shown.stdout
    assert set() == waiting(library)


def test_a_finished_audit_is_judged_by_another_target_without_asking_again(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    judge(library)
    shown = illsort("audit", library, "--max-error", "0.2", "--json")
    result = json.loads(shown.stdout)

    assert "20.0% is kept" in shown.stderr
    assert (0, True, True, 30, 4) == (
        shown.returncode,
        result["kept"],
        result["finished"],
        result["asked"],
        result["wrong"],
    )
    assert {"chibi"} == set(result["categories"])
    assert "run" not in result


def test_json_says_what_was_filed(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    judge(library)
    shown = illsort("audit", library, "--yes", "--json")

    assert {"run": 2, "moved": 4} == {key: json.loads(shown.stdout)[key] for key in ("run", "moved")}
    assert WRONG == waiting(library)


def test_json_states_the_last_audit_and_draws_none(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    none = illsort("audit", library, "--json")
    assert (2, "") == (none.returncode, none.stdout)
    assert "--new draws one" in none.stderr
    illsort("audit", library, "--new", "--json")
    judge(library)
    first = json.loads(illsort("audit", library, "--yes", "--json").stdout)
    stated = illsort("audit", library, "--yes", "--json")
    again = json.loads(stated.stdout)

    assert (True, False) == (first["current"], again["current"])
    assert (first["audit"], 30) == (again["audit"], again["asked"])
    assert "run" not in again
    assert "run 2 filed by this outcome" in stated.stderr
    assert 2 == illsort("audit", library, "--json", "--count", "7").returncode
    assert first["audit"] + 1 == json.loads(illsort("audit", library, "--new", "--json").stdout)["audit"]


def test_too_few_answers_say_how_many_it_takes(tmp_path: Path) -> None:
    library = filed_library(tmp_path, Kind(category="chibi", confidences=[0.9] * 400))
    shown = illsort("audit", library, "--max-error", "0.02", "--count", "20", page=judge)

    assert 1 == shown.returncode
    assert f"illsort audit {library} --new --count 400" in shown.stderr


def test_when_all_images_are_judged_no_further_audit_is_suggested(tmp_path: Path) -> None:
    library = filed_library(tmp_path, Kind(category="chibi", confidences=[0.9] * 6))
    every = {f"chibi {number}.png" for number in range(6)}
    shown = illsort("audit", library, "--max-error", "0.02", page=lambda one: judge(one, wrong=every))

    assert 1 == shown.returncode
    assert "no threshold is shown to keep it either\n" in shown.stderr


def test_what_the_page_filed_is_printed_when_it_ends(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)

    def page(library: Path) -> None:
        judge(library)
        with open_session(library) as session:
            session.refile()

    shown = illsort("audit", library, page=page)

    assert 0 == shown.returncode
    assert "at most 13.4% wrong, 95% confidence; 4 of 30, all there are" in shown.stdout
    assert f"run 2 filed by this outcome; illsort undo {library} --run 2 takes it back\n" in shown.stdout


def test_an_audit_of_a_library_that_changed_since_says_so(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    judge(library)
    illsort("undo", library)
    shown = illsort("audit", library, "--json")

    assert f"something was filed or moved since: illsort audit {library} --new draws" in shown.stderr
    assert not json.loads(shown.stdout)["current"]


def test_status_shows_the_last_audit_and_whether_it_still_holds(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    assert "audit" not in illsort("status", library).stdout
    judge(library, wrong=(), count=3)
    under_way = illsort("status", library).stdout
    judge(library, wrong=())
    done = illsort("status", library).stdout
    result = json.loads(illsort("status", library, "--json").stdout)["audit"]
    illsort("undo", library)
    gone = illsort("status", library).stdout

    early = "0 of 3 judged so far are wrong; from 30 on it says how many of all can be; 3 of 30 are answered"
    assert f"of 30 filed {early}\n" in under_way
    assert "of 30 filed at most 0.0% wrong, 95% confidence; 0 of 30, all there are\n" in done
    assert (30, True, True) == (result["asked"], result["finished"], result["current"])
    assert "earlier sorting" not in done
    assert f"that audit is of an earlier sorting, something was filed or moved since: illsort audit {library} " in gone


@pytest.mark.parametrize("share", ["0", "1", "-0.5", "2"])
def test_a_target_that_is_no_share_is_refused_in_one_line(tmp_path: Path, share: str) -> None:
    shown = illsort("audit", filed_library(tmp_path, THIRTY), f"--max-error={share}")

    assert 2 == shown.returncode
    assert 1 == len(shown.stderr.splitlines())
    assert "give a share between 0 and 1" in shown.stderr


@pytest.mark.parametrize("show", ["auto", "inline", "viewer", "path"])
def test_show_is_accepted_and_one_line_says_it_is_not_used(tmp_path: Path, show: str) -> None:
    shown = illsort("audit", filed_library(tmp_path, THIRTY), "--show", show, page=lambda _: None)

    assert 0 == shown.returncode
    assert "--show is no longer used: the page shows the pictures\n" == shown.stderr


def test_nothing_a_person_decided_is_overruled_by_a_later_sort(tmp_path: Path) -> None:
    """The whole way with a network: sort, audit, file by it, sort again, also more strictly."""
    bundle = color_bundle(tmp_path / "model").folder
    crawl, library = tmp_path / "crawl", tmp_path / "sorted"
    crawl.mkdir()
    for color in ("red", "green"):
        for seed in range(8):
            (crawl / f"{color} {seed}.png").write_bytes(encoded(varied(COLORS[color], seed=seed), "PNG"))
    sort = ("sort", crawl, "--out", library, "--workers", "0")
    assert 0 == illsort(*sort, "--model", bundle).returncode
    with open_session(library, count=12, seed=0) as session:
        names = [path.name for drawn in session.state.audit.drawn if (path := session.path_of(drawn)) is not None]
    wrong, right = set(names[:2]), set(names[2:])
    judge(library, wrong=wrong)
    illsort("audit", library, "--yes")
    assert wrong == waiting(library)

    assert 0 == illsort(*sort).returncode
    assert wrong == waiting(library)
    assert 0 == illsort(*sort, "--threshold", "0.99999").returncode
    with read_catalog(library) as catalog:
        assert right == {source.name for source, _ in placed_sources(catalog)}


def test_an_audit_goes_on_until_the_rate_is_shown(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    first = illsort("audit", library, "--until", "0.2", page=lambda one: judge(one, wrong=(), count=4))
    going = commands.illsort("status", library).stdout
    second = illsort("audit", library, page=lambda one: judge(one, wrong=()))
    shown = json.loads(illsort("audit", library, "--json").stdout)
    status = commands.illsort("status", library).stdout

    assert (0, 0) == (first.returncode, second.returncode)
    assert "more at this rate until at most 20.0% is shown; the same command goes on" in first.stdout
    assert "more at this rate until at most 20.0% is shown" in going
    assert "shown: at most 20.0%" in second.stdout
    assert "20.0% is kept" in second.stderr
    assert (0.2, True, True, None) == tuple(shown[key] for key in ("until", "shown", "kept", "left_at_this_rate"))
    assert "shown: at most 20.0%" in status
    assert 4 < shown["asked"] < 30


def test_an_audit_ends_when_its_rate_cannot_be_shown(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    ended = illsort(
        "audit", library, "--until", "0.02", page=lambda one: judge(one, wrong=(f"chibi {n}.png" for n in range(30)))
    )

    assert 1 == ended.returncode
    assert "at most 2.0% can no longer be shown by the 30 pictures drawn" in ended.stdout
    assert "1 of 1" in ended.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--until", "2"], "give a share from 0.0001 to 1"),
        (["--until", "0"], "give a share from 0.0001 to 1"),
        (["--until", "0.02", "--count", "100"], "leave --max-error and --count"),
        (["--until", "0.02", "--max-error", "0.01"], "leave --max-error and --count"),
        (["--until", "0.02", "--json"], "add --new"),
    ],
)
def test_what_until_does_not_go_with_is_refused_in_one_line(tmp_path: Path, words: list[str], why: str) -> None:
    refused = commands.illsort("audit", tmp_path, *words)

    assert 2 == refused.returncode
    assert why in refused.stderr
    assert 1 == len(refused.stderr.splitlines())
