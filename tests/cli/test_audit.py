"""`illsort audit` by piped keys: stop, go on, the bound, a target that is missed, filing by it, and undo."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from classifier.audit.session import open_session
from classifier.catalog.connection import read_catalog
from classifier.catalog.decisions import placed_sources
from classifier.cli.main import app
from classifier.records import AnnotationKind
from kit.audits import Kind, filed_library
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, varied
from kit.tree import all_files

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

THIRTY = Kind(category="chibi", confidences=[0.99 - n / 100 for n in range(30)])
WRONG = {f"chibi {number}.png" for number in (20, 26, 27, 28)}


def illsort(*words: str | Path, keys: str = "") -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input="".join(f"{key}\n" for key in keys))


def truth(library: Path, wrong: set[str] = WRONG) -> str:
    """The keys that answer what is left to ask, in the order in which it is asked."""
    with open_session(library) as session:
        left = [drawn for drawn in session.state.audit.drawn if drawn.picture not in session.state.said]
        paths = [session.path_of(drawn) for drawn in left]
        return "".join("n" if path is not None and path.name in wrong else "y" for path in paths)


def waiting(library: Path) -> set[str]:
    return {name.split("/")[-1] for name in all_files(library) if name.startswith("_review/")}


def test_an_audit_is_stopped_goes_on_and_states_its_bound(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    first = illsort("audit", library, "--count", "20", "--seed", "1", keys="10\x7fyq")
    second = illsort("audit", library, keys=truth(library, set()))

    assert (0, 0) == (first.exit_code, second.exit_code)
    assert "1 of 20\n" in first.stderr
    assert "2 of 20; so far at most" in first.stderr
    assert "taken back" in first.stderr
    assert "2 of 20 are answered; the same command goes on" in first.stdout
    assert "3 of 20; so far at most" in second.stderr
    assert "of 30 filed pictures at most 6.7% wrong, 95% confidence; 0 of 20" in second.stdout
    assert "at least 0.5" in first.stderr


def test_a_pipe_that_ends_stops_the_audit_and_keeps_what_was_said(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    shown = illsort("audit", library, keys="yn")

    assert 0 == shown.exit_code
    assert "2 of 30 are answered" in shown.stdout
    with open_session(library) as session:
        assert [AnnotationKind.RIGHT, AnnotationKind.WRONG] == [verdict.said for verdict in session.state.answers]
    assert set() == waiting(library)


def test_undo_goes_any_number_of_steps_back(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    shown = illsort("audit", library, keys="nns\x7f\b\x7f\x7fq")

    assert "0 of 30 are answered" in shown.stdout
    assert 3 == shown.stderr.count("taken back")
    assert "(nothing to take back)" in shown.stderr


def test_u_takes_nothing_back_and_judges_nothing_but_says_which_key_does(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    shown = illsort("audit", library, keys="nu?q")

    assert "1 of 30 are answered" in shown.stdout
    assert "(Backspace takes back; u is no key here" in shown.stderr
    assert 2 == shown.stderr.count("Backspace: take back")
    with open_session(library) as session:
        assert [AnnotationKind.WRONG] == [verdict.said for verdict in session.state.answers]


def test_undo_passes_over_what_is_no_longer_there(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    with open_session(library, count=5) as session:
        gone = session.path_of(session.state.audit.drawn[1])
    assert gone is not None
    gone.unlink()
    shown = illsort("audit", library, keys="n\x7fyyyy")

    assert "is no longer there" in shown.stderr
    assert "1 skipped, counted as wrong" in shown.stdout
    assert "0 of 5" in shown.stdout


def test_a_missed_target_is_met_by_a_threshold_and_the_run_can_be_undone(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY, sort={"max_error": 0.05})
    before = all_files(library)
    illsort("audit", library, keys="q")
    shown = illsort("audit", library, keys=truth(library) + "y")
    low = {f"chibi {number}.png" for number in (26, 27, 28)}

    assert 0 == shown.exit_code
    assert "at most 13.4% wrong, 95% confidence; 4 of 30, all there are" in shown.stdout
    assert "that 5.0% is kept is not shown; 0.74 would keep it: 26 of 30 stay filed" in shown.stderr
    assert "run 2: 4 pictures went to _review" in shown.stderr
    assert low | {"chibi 20.png"} == waiting(library)
    assert 0 == illsort("undo", library, "--run", "2").exit_code
    assert before == all_files(library)


def test_nothing_is_filed_when_the_person_says_no(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    illsort("audit", library, keys="q")
    shown = illsort("audit", library, "--max-error", "0.05", keys=truth(library) + "nn")

    assert 1 == shown.exit_code
    assert "put the 4 judged wrong into _review? [Y/n] no" in shown.stderr
    assert set() == waiting(library)


def test_a_finished_audit_is_judged_by_another_target_without_asking_again(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    illsort("audit", library, keys="q")
    illsort("audit", library, keys=truth(library) + "n")
    shown = illsort("audit", library, "--max-error", "0.2", "--json")
    result = json.loads(shown.stdout)

    assert "20.0% is kept" in shown.stderr
    assert (0, True, True, 30, 4) == (
        shown.exit_code,
        result["kept"],
        result["finished"],
        result["asked"],
        result["wrong"],
    )
    assert {"chibi"} == set(result["categories"])
    assert "run" not in result


def test_yes_files_without_asking_and_json_says_what_was_filed(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    illsort("audit", library, keys="q")
    shown = illsort("audit", library, "--yes", "--json", keys=truth(library))

    assert {"run": 2, "moved": 4} == {key: json.loads(shown.stdout)[key] for key in ("run", "moved")}
    assert WRONG == waiting(library)


def test_json_states_the_last_audit_and_draws_none(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    none = illsort("audit", library, "--json")
    assert (2, "") == (none.exit_code, none.stdout)
    assert "--new draws one" in none.stderr
    illsort("audit", library, "--new", "--json", keys="yynq")
    filed = illsort("audit", library, "--yes", "--json", keys=truth(library))
    first = json.loads(filed.stdout)
    stated = illsort("audit", library, "--yes", "--json")
    again = json.loads(stated.stdout)

    assert (True, False) == (first["current"], again["current"])
    assert (first["audit"], 30) == (again["audit"], again["asked"])
    assert "run" not in again
    assert f"something was filed or moved since: illsort audit {library} --new draws" in stated.stderr
    assert 2 == illsort("audit", library, "--json", "--count", "7").exit_code
    assert first["audit"] + 1 == json.loads(illsort("audit", library, "--new", "--json").stdout)["audit"]


def test_keys_on_one_piped_line_are_all_taken(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    shown = CliRunner().invoke(app, ["audit", str(library)], input="yyn\nqy\n")

    assert "3 of 30 are answered" in shown.stdout


def test_too_few_answers_say_how_many_it_takes(tmp_path: Path) -> None:
    library = filed_library(tmp_path, Kind(category="chibi", confidences=[0.9] * 400))
    with open_session(library, count=20):
        keys = truth(library)
    shown = illsort("audit", library, "--max-error", "0.02", keys=keys)

    assert 1 == shown.exit_code
    assert f"illsort audit {library} --new --count 400" in shown.stderr


def test_where_all_were_judged_no_more_are_asked_for(tmp_path: Path) -> None:
    library = filed_library(tmp_path, Kind(category="chibi", confidences=[0.9] * 6))
    shown = illsort("audit", library, "--max-error", "0.02", keys="nnnnnnn")

    assert 1 == shown.exit_code
    assert "no threshold is shown to keep it either\n" in shown.stderr


def test_status_shows_the_last_audit_and_whether_it_still_holds(tmp_path: Path) -> None:
    library = filed_library(tmp_path, THIRTY)
    assert "audit" not in illsort("status", library).stdout
    illsort("audit", library, keys="yyyq")
    under_way = illsort("status", library).stdout
    illsort("audit", library, keys=truth(library, set()))
    done = illsort("status", library).stdout
    result = json.loads(illsort("status", library, "--json").stdout)["audit"]
    illsort("undo", library)
    gone = illsort("status", library).stdout

    assert "of 30 filed at most 63.4% wrong, 95% confidence; 0 of 3; 3 of 30 are answered\n" in under_way
    assert "of 30 filed at most 0.0% wrong, 95% confidence; 0 of 30, all there are\n" in done
    assert (30, True, True) == (result["asked"], result["finished"], result["current"])
    assert "0 of 30, all there are (something was filed or moved since)\n" in gone


@pytest.mark.parametrize("share", ["0", "1", "-0.5", "2"])
def test_a_target_that_is_no_share_is_refused_in_one_line(tmp_path: Path, share: str) -> None:
    shown = illsort("audit", filed_library(tmp_path, THIRTY), f"--max-error={share}")

    assert 2 == shown.exit_code
    assert 1 == len(shown.stderr.splitlines())
    assert "give a share between 0 and 1" in shown.stderr


def test_nothing_a_person_decided_is_overruled_by_a_later_sort(tmp_path: Path) -> None:
    """The whole way with a network: sort, audit, file by it, sort again, also more strictly."""
    bundle = color_bundle(tmp_path / "model").folder
    crawl, library = tmp_path / "crawl", tmp_path / "sorted"
    crawl.mkdir()
    for color in ("red", "green"):
        for seed in range(8):
            (crawl / f"{color} {seed}.png").write_bytes(encoded(varied(COLORS[color], seed=seed), "PNG"))
    sort = ("sort", crawl, "--out", library, "--workers", "0")
    assert 0 == illsort(*sort, "--model", bundle).exit_code
    illsort("audit", library, "--count", "12", "--seed", "0", keys="q")
    with open_session(library) as session:
        names = [path.name for drawn in session.state.audit.drawn if (path := session.path_of(drawn)) is not None]
    wrong, right = set(names[:2]), set(names[2:])
    illsort("audit", library, "--yes", keys=truth(library, wrong))
    assert wrong == waiting(library)

    assert 0 == illsort(*sort).exit_code
    assert wrong == waiting(library)
    assert 0 == illsort(*sort, "--threshold", "0.99999").exit_code
    with read_catalog(library) as catalog:
        assert right == {source.name for source, _ in placed_sources(catalog)}
