"""`illsort audit`, `status` and the report where the last audit is of what answers elsewhere file."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from classifier.audit.session import open_session
from classifier.cli import sort_summary
from classifier.filing.undo import undo
from classifier.i18n import Language, set_language
from classifier.records import AnnotationKind
from classifier.report.library_report import library_page
from kit.audits import Kind, filed_library, save_rows
from kit.commands import illsort
from kit.tree import all_files

if TYPE_CHECKING:
    from pathlib import Path

SIXTY = Kind(category="chibi", confidences=[(99 - n) / 100 for n in range(60)])
SOURCE = "s3://bucket/answers"
OF = f"of 900 pictures filed by the answers at {SOURCE}"


def judged(folder: Path, *, right: int = 50, rate: float = 0.1, answers: int | None = None) -> Path:
    """A library of 60 pictures whose audit is of the bucket: the `right` most confident are right; two rows are one."""
    library = filed_library(folder, SIXTY, sort={"max_error": rate})
    save_rows(library, [*range(60), 0])
    judge(library, right=right, answers=answers)
    return library


def judge(library: Path, *, right: int, answers: int | None = None) -> None:
    with open_session(library) as session:
        while (drawn := session.state.current) is not None and answers != 0:
            is_right = drawn.confidence > (99 - right) / 100
            session.answer(AnnotationKind.RIGHT if is_right else AnnotationKind.WRONG)
            answers = None if answers is None else answers - 1


def test_its_bounds_are_of_the_answers_and_its_threshold_is_for_them(tmp_path: Path) -> None:
    library = judged(tmp_path)
    before = {name for name in all_files(library) if not name.startswith(".illsort")}
    stated = illsort("audit", library, "--json", "--yes")
    told = json.loads(stated.stdout)

    assert 1 == stated.returncode
    assert f"{OF} at most " in stated.stderr
    offer = "0.49 would keep it: 765 of 900 stay filed: of what is decided to be filed "
    offer += "(action is file), take what has confidence >= 0.49"
    assert f"that 10.0% is kept is not shown; {offer}\n" in stated.stderr
    assert (SOURCE, 61, 61, 10, 900) == tuple(told[key] for key in ("source", "drawn", "asked", "wrong", "filed"))
    assert (False, 10, True) == (told["kept"], told["moved"], told["current"])
    after = {name for name in all_files(library) if not name.startswith(".illsort")}
    assert {f"_review/chibi/chibi {n}.png" for n in range(50, 60)} == after - before


def test_what_was_judged_wrong_moves_once(tmp_path: Path) -> None:
    library = judged(tmp_path)
    first, second = (illsort("audit", library, "--yes") for _ in range(2))

    assert "10 pictures went to _review" in first.stderr
    assert "_review" not in second.stderr
    assert first.stdout == second.stdout


def test_a_rate_that_is_kept_is_said(tmp_path: Path) -> None:
    stated = illsort("audit", judged(tmp_path, right=60), "--yes")

    assert 0 == stated.returncode
    assert "10.0% is kept" in stated.stderr


def test_a_larger_sample_is_drawn_by_the_command_with_the_answers(tmp_path: Path) -> None:
    library = judged(tmp_path, right=60, rate=0.02)
    stated = illsort("audit", library, "--yes")
    again = f"illsort audit {library} --answers {SOURCE} --new --model {tmp_path / 'm'} --count "

    assert 1 == stated.returncode
    assert f"no threshold is shown to keep it either: {again}" in stated.stderr


@pytest.mark.parametrize("words", [["--new"], ["--until", "0.1"], ["--count", "7"], ["--new", "--json"]])
def test_without_the_answers_no_other_sample_is_drawn(tmp_path: Path, words: list[str]) -> None:
    library = judged(tmp_path, answers=3)
    refused = illsort("audit", library, *words)

    assert (2, 1) == (refused.returncode, len(refused.stderr.splitlines()))
    assert (
        f"the last audit is of the answers at {SOURCE}; illsort audit {library} --answers {SOURCE} " in refused.stderr
    )


def test_status_says_what_the_audit_is_of(tmp_path: Path) -> None:
    library = judged(tmp_path, right=60, answers=35)
    under_way = illsort("status", library).stdout
    judge(library, right=60)
    done = illsort("status", library).stdout
    undo(library)
    gone = illsort("status", library).stdout
    told = json.loads(illsort("status", library, "--json").stdout)["audit"]

    assert f": {OF} at most " in under_way
    assert "35 of 61 are answered" in under_way
    assert "95% confidence; 0 of 61\n" in done
    assert "earlier sorting" not in gone
    assert (SOURCE, True, 61) == (told["source"], told["current"], told["asked"])


def test_status_says_how_another_one_is_drawn_where_the_drawn_was_moved(tmp_path: Path) -> None:
    library = judged(tmp_path, answers=35)
    undo(library)
    again = f"illsort audit {library} --answers {SOURCE} --new --model {tmp_path / 'm'}"

    for words in ("status", library), ("audit", library, "--json"):
        shown = illsort(*words)
        assert f"something was filed or moved since: {again} draws another sample\n" in shown.stdout + shown.stderr


def test_status_tells_nobody_to_audit_the_library_instead(tmp_path: Path) -> None:
    why = {"max_error": 0.1, "no_guarantee": {"why": "picked", "sentence": "no guarantee: run illsort audit --count 9"}}
    library = filed_library(tmp_path, SIXTY, sort=why)
    before = illsort("status", library).stdout, library_page(library)
    save_rows(library, range(60))
    after = illsort("status", library).stdout, library_page(library)

    assert ["--count 9" in before[0], "--count 9" in after[0]] == [True, False]
    assert ["run illsort audit." in page for page in (before[1], after[1])] == [True, False]


def test_a_sort_does_not_propose_to_audit_the_library_instead(tmp_path: Path) -> None:
    summary = {"review": 0, "unknown": 0, "filed": 60}
    library = filed_library(tmp_path, SIXTY)
    first = sort_summary._next(summary, library)
    save_rows(library, range(60))

    assert 1 == len(first)
    assert [] == sort_summary._next(summary, library)


def test_the_report_says_what_the_audit_is_of(tmp_path: Path) -> None:
    library = judged(tmp_path, right=60)
    save_rows(library, range(60))
    judge(library, right=60)
    page = library_page(library)

    assert f"of the 900 pictures filed by the answers at {SOURCE}. 0 of 60 looked at were wrong, drawn at" in page
    assert "It is audit 2 of these decisions, so it is judged at 99.5%" in page
    assert f"按 {SOURCE} 的答案归类的 900 张图片" in page
    assert "at most wrong<" not in page  # of each category, the library holds only what was drawn


def test_it_is_said_in_chinese(tmp_path: Path) -> None:
    library = judged(tmp_path)
    stated = illsort("--lang", "zh", "audit", library, "--json")
    set_language(Language.ENGLISH)

    assert f"按 {SOURCE} 的答案归类的 900 张图片：" in stated.stderr
    assert "只采用 confidence >= 0.49 的" in stated.stderr
