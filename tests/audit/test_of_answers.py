"""Audits of what decisions about answers elsewhere file: rows are counted, and the library they are judged in is none.

The library holds the pictures that were drawn; the same picture may be drawn at several rows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.audit.of_answers import draw_command
from classifier.audit.session import audit_guarantee, current, open_session
from classifier.audit.thresholds import loosest_threshold
from classifier.catalog import audits, migrations, runs
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.strictness import Strictness
from classifier.errors import LibraryError
from classifier.filing.undo import undo
from classifier.records import AnnotationKind
from kit.audits import Kind, answered, audit_of, filed_library, save_rows
from kit.tree import all_files

if TYPE_CHECKING:
    from pathlib import Path


R, W, S = AnnotationKind.RIGHT, AnnotationKind.WRONG, AnnotationKind.SKIPPED
NINE = Kind(category="chibi", confidences=[0.9 + n / 100 for n in range(9)])
SOURCE = "s3://bucket/answers"


def judge(library: Path, *, wrong: int = 0) -> None:
    """Answer all that is left; the first ones are wrong, and what is not there is skipped."""
    with open_session(library) as session:
        while (drawn := session.state.current) is not None:
            is_there = session.path_of(drawn) is not None
            session.answer(S if not is_there else W if wrong > 0 else R)
            wrong -= is_there


def number_of(library: Path, **draw: str) -> int:
    return save_rows(library, range(9), **draw).number


rows_of_images = st.lists(st.tuples(st.integers(0, 7), st.sampled_from([0.6, 0.7, 0.8, 0.9])), min_size=1, max_size=30)


@given(rows_of_images, st.lists(st.sampled_from([R, W, S]), min_size=8, max_size=8), st.integers(0, 40))
def test_bounds_with_images_drawn_again_are_those_of_the_rows(
    rows: list[tuple[int, float]], kinds: list[AnnotationKind], more: int
) -> None:
    population = len(rows) + more
    steps = [(0.9, 1 + population // 4), (0.8, 1 + population // 2), (0.6, population)]
    drawn = [("a", confidence) for _, confidence in rows]
    images = [image for image, _ in rows]
    once = audit_of({"a": population}, drawn, simple=True, steps=steps)
    again = audit_of({"a": population}, drawn, simple=True, steps=steps, images=images)
    told = [(position, kinds[image]) for position, image in enumerate(images)]
    firsts = [(images.index(image), kinds[image]) for image in dict.fromkeys(images)]

    by_row, by_image = (answered(audit, twice_skipped(told)) for audit, told in ((once, told), (again, firsts)))
    assert by_row.is_finished
    assert by_image.is_finished
    assert by_row.bound() == by_image.bound()
    assert by_row.bounds() == by_image.bounds()
    for rate in (0.3, 0.6, 0.9):
        assert loosest_threshold(by_row, rate) == loosest_threshold(by_image, rate)


def twice_skipped(told: list[tuple[int, AnnotationKind]]) -> list[tuple[int, AnnotationKind]]:
    return [*told, *((position, kind) for position, kind in told if kind is S)]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.lists(st.sampled_from([R, W, S]), max_size=30))
def test_each_image_is_asked_about_once_and_every_audit_ends(images: list[int], kinds: list[AnnotationKind]) -> None:
    audit = audit_of({"a": 100}, [("a", 0.9)] * len(images), simple=True, images=images)
    given_: list[tuple[int, AnnotationKind]] = []
    for kind in [*kinds, *[S] * 15]:
        state = answered(audit, given_)
        if state.current is not None:
            assert state.current.image_id not in {a.image_id for a in state.answers if a.kind is not S}
            given_.append((state.current.position, kind))

    state = answered(audit, given_)
    assert state.is_finished
    assert len(images) == state.asked == state.bound().asked


def test_a_row_counts_only_once_all_before_it_are_judged() -> None:
    audit = audit_of({"a": 100}, [("a", 0.9)] * 4, simple=True, images=[0, 1, 0, 2])

    assert [1, 3, 4] == [answered(audit, [(p, W) for p in (0, 1, 3)[:count]]).asked for count in (1, 2, 3)]


def test_a_row_of_another_category_than_was_asked_about_is_wrong() -> None:
    audit = audit_of({"a": 50, "b": 50}, [("a", 0.9), ("b", 0.9)], simple=True, images=[0, 0])
    state = answered(audit, [(0, R)])

    assert (True, 2, 1) == (state.is_finished, state.bound().asked, state.bound().wrong)
    assert (0, 1) == (state.bound("a").wrong, state.bound("b").wrong)


def test_a_rate_is_hopeless_by_rows_of_what_is_surely_wrong() -> None:
    audit = audit_of({"a": 8}, [("a", 0.9)] * 8, simple=True, until=0.3, images=[0, 0, 0, 1, 2, 3, 4, 5])

    assert [False, True] == [answered(audit, [(0, kind)]).is_hopeless for kind in (S, W)]


def test_what_an_audit_is_of_is_kept(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)
    saved = save_rows(library, [0, 1, 0, 2], source="s3://büro/answers", asked="m.1")
    with read_catalog(library) as catalog:
        assert saved == audits.last(catalog)

    assert ("s3://büro/answers", "m.1", True, 1) == (saved.source, saved.asked, saved.simple, saved.number)
    assert saved.drawn[0].image_id == saved.drawn[2].image_id


def test_an_audit_of_an_earlier_version_is_of_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = [step.__name__ for step in migrations.STEPS].index("m025_audits_of_answers")
    monkeypatch.setattr(migrations, "STEPS", migrations.STEPS[:older])
    library = filed_library(tmp_path, NINE)
    with open_catalog(library) as catalog:
        catalog.connection.execute(
            "INSERT INTO audits (at, seed, simple, filed, steps, last_move, last_decided) "
            "VALUES ('2026-11-24T10:00:00+00:00', 1, 1, '{\"chibi\": 9}', '[]', 9, 1)"
        )
    monkeypatch.undo()
    with open_catalog(library) as catalog:
        last = audits.last(catalog)

    assert last is not None
    assert (None, None, {"chibi": 9}) == (last.source, last.asked, last.filed)


def test_a_folder_of_answers_of_any_name_is_kept(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)

    assert "/data/\udc83" == save_rows(library, [0], source="/data/\udc83").source
    with read_catalog(library) as catalog:
        last = audits.last(catalog)
        assert last is not None
        assert "/data/\udc83" == last.source


def test_audits_of_the_same_decisions_count_on_though_a_sort_files_more(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)
    numbers = []
    for _ in range(3):
        numbers.append(number_of(library))
        judge(library, wrong=1)
        sort_more(library, len(numbers))
    with open_catalog(library) as catalog:
        following = [audits.next_number(catalog, source=SOURCE, asked=asked) for asked in ("m.1", "m.2")]
        own = audits.next_number(catalog)

    assert ([1, 2, 3], [4, 1], 1) == (numbers, following, own)
    assert 1 == number_of(library, asked="m.2")
    assert 1 == number_of(library, source="s3://bucket/others")


def test_an_audit_of_the_library_does_not_count_for_answers_elsewhere(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)
    judge(library)
    first = number_of(library)
    judge(library)
    with open_catalog(library) as catalog:
        own = audits.next_number(catalog)

    assert (1, 2, 2) == (first, own, number_of(library))


def test_what_could_not_be_fetched_counts_as_wrong(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)
    save_rows(library, [0, None, 1, None])
    judge(library)
    with open_session(library) as session:
        bound = session.state.bound()
        outcome = session.outcome(0.5)

    assert (4, 0, 2) == (bound.asked, bound.wrong, bound.skipped)
    assert outcome is not None
    assert (False, 0) == (outcome.kept, outcome.misfiled)


def test_it_is_no_guarantee_of_what_the_library_files(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE, sort={"max_error": 0.9})
    save_rows(library, range(9))
    judge(library)
    with open_session(library) as session:
        outcome = session.outcome(0.9)
        assert outcome is not None
        assert outcome.kept
    with read_catalog(library) as catalog:
        assert audit_guarantee(catalog, library) is None


def test_its_threshold_files_nothing_in_the_library(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)
    before = all_files(library)
    save_rows(library, range(9))
    judge(library, wrong=1)
    with open_session(library) as session:
        with pytest.raises(LibraryError, match=f"filed by the answers at {SOURCE}, and so is its threshold"):
            session.refile(Strictness(threshold=0.95))
        assert before == all_files(library)
        assert 1 == session.refile().moved
        assert session.is_current
        assert session.state.is_finished
    with read_catalog(library) as catalog:
        assert audits.agreed_threshold(catalog, model="m") is None


@pytest.mark.parametrize(
    "asked", [{"anew": True}, {"count": 7}, {"seed": 99}, {"until": 0.1}, {"until": 0.1, "anew": True}]
)
def test_another_sample_is_drawn_by_the_command_with_the_answers(tmp_path: Path, asked: dict[str, float]) -> None:
    library = filed_library(tmp_path, NINE, sort={"max_error": 0.02})
    save_rows(library, range(9))
    again = f"illsort audit {library} --answers {SOURCE} --new --model {tmp_path / 'm'} draws another"
    with pytest.raises(LibraryError, match=again), open_session(library, **asked):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"strictness": ["--max-error", "0.02"]}, "--max-error 0.02"),
        ({"strictness": ["--threshold", "0.95"]}, "--set sort.threshold=0.95"),
        ({"strictness": [], "options": ["--set", "sort.unknown=false", "--answers", "x"]}, "--set sort.unknown=false"),
    ],
)
def test_another_sample_is_of_the_same_decisions(tmp_path: Path, given: dict[str, list[str]], words: str) -> None:
    library = filed_library(tmp_path, NINE)
    change_settings(library, {"sort": {}, "given": given})
    with open_catalog(library) as catalog:
        again = draw_command(catalog, library, SOURCE, count=7)

    assert f"illsort audit {library} --answers {SOURCE} --new --model {tmp_path / 'm'} {words} --count 7" == again


def test_another_sample_is_of_the_least_rate_where_that_was_taken(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)
    promise = {"max_error": 0.05, "asked": 0.02, "sentence": "at most 5%"}
    change_settings(
        library, {"sort": {"max_error": 0.05, "promise": promise}, "given": {"strictness": ["--max-error", "0.05"]}}
    )
    with open_catalog(library) as catalog:
        assert draw_command(catalog, library, SOURCE).endswith(" --max-error 0.02 --best")


def change_settings(library: Path, settings: dict[str, object]) -> None:
    with open_catalog(library) as catalog, catalog.transaction() as connection:
        connection.execute("UPDATE runs SET settings = ?", (json.dumps(settings),))


def test_it_goes_on_where_it_was_left(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)
    saved = save_rows(library, range(9))
    with open_session(library) as session:
        session.answer(R)
    with open_session(library, count=9, seed=saved.seed) as session:
        assert (saved.drawn, 1) == (session.state.audit.drawn, session.state.asked)


def test_filing_the_review_leaves_an_unfinished_one_as_it_is(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)
    save_rows(library, range(9))
    with open_session(library) as session:
        session.answer(W)
        run = session.refile().run
        assert session.is_current
        assert not session.state.is_finished
    undo(library, run=run)
    with open_catalog(library) as catalog:
        assert current(catalog, library) is not None


def test_an_unfinished_one_ends_when_a_sort_or_an_undo_moves_what_was_drawn(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)
    save_rows(library, range(9))
    undo(library)
    with open_catalog(library) as catalog:
        assert current(catalog, library) is None
    with pytest.raises(LibraryError, match=f"--answers {SOURCE} "), open_session(library):
        pass


def test_what_a_finished_one_says_outlasts_the_library_that_showed_it(tmp_path: Path) -> None:
    library = filed_library(tmp_path, NINE)
    save_rows(library, range(9))
    judge(library)
    undo(library)
    with open_session(library) as session:
        assert session.is_current
        assert 9 == session.state.bound().asked


def sort_more(library: Path, number: int) -> None:
    """File one more picture, as the draw of another sample does."""
    from classifier.catalog.lock import hold_lock  # noqa: PLC0415
    from classifier.filing.executor import execute  # noqa: PLC0415
    from classifier.records import Method  # noqa: PLC0415
    from kit.filing import move_of  # noqa: PLC0415
    from kit.tree import make_tree  # noqa: PLC0415

    name = f"more {number}.png"
    path = make_tree(library.parent / "more", {name: name.encode()}) / name
    with hold_lock(library), open_catalog(library) as catalog:
        settings: dict[str, object] = {"sort": {}}
        run = runs.begin(
            catalog, kind="sort", crawl=path.parent, mode="link", model="m", bundle=path.parent, settings=settings
        )
        execute(catalog, library=library, run=run, moves=[move_of(path, method=Method.LINK, folder="chibi")])
        runs.finish(catalog, run, {})
