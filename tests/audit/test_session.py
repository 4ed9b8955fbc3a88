"""An audit is drawn once, goes on after a stop, and files by its outcome as one run that can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.audit.session import Session, open_session
from classifier.catalog import annotation_log, audits, runs
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.strictness import Strictness
from classifier.errors import LibraryError
from classifier.filing import refile as refiling
from classifier.filing.executor import execute
from classifier.filing.undo import undo
from classifier.reason_text import reason_message
from classifier.records import Action, AnnotationKind, Method
from kit.audits import Kind, filed_library, recorded_target
from kit.filing import move_of
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.audits import SampledImage

FEW = (Kind(category="chibi", confidences=[0.9, 0.8, 0.7, 0.6]), Kind(category="page", confidences=[0.95, 0.55]))
MANY = Kind(category="chibi", confidences=[1 - n / 200 for n in range(100)])


def answer_all(session: Session, *, wrong: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Answer what is left; pictures named in `wrong` are wrong."""
    while (drawn := session.state.current) is not None:
        path = session.path_of(drawn)
        session.answer(AnnotationKind.WRONG if path is not None and path.name in wrong else AnnotationKind.RIGHT)


def misfiled(session: Session) -> int:
    outcome = session.outcome(None)
    assert outcome is not None
    return outcome.misfiled


def drawn_by(library: Path, **options: int) -> tuple[SampledImage, ...]:
    with open_session(library, **options) as session:
        return session.state.audit.drawn


def test_an_interrupted_audit_keeps_its_sample_and_answers(tmp_path: Path) -> None:
    library = filed_library(tmp_path, MANY)
    with open_session(library, count=10) as session:
        session.answer(AnnotationKind.RIGHT)
        session.answer(AnnotationKind.WRONG)
        drawn, said = session.state.audit.drawn, session.state.kinds

    with open_session(library, count=30, seed=5) as session:
        assert (drawn, said) == (session.state.audit.drawn, session.state.kinds)
        assert drawn[2] == session.state.current


def test_answers_are_undone_in_turn_also_after_a_restart(tmp_path: Path) -> None:
    library = filed_library(tmp_path, MANY)
    with open_session(library, count=5) as session:
        session.answer(AnnotationKind.RIGHT)
        session.answer(AnnotationKind.WRONG)
        session.answer(AnnotationKind.SKIPPED)
    with open_session(library) as session:
        assert [True, True, True, False] == [session.take_back() for _ in range(4)]
        assert session.state.audit.drawn[0] == session.state.current
        answer_all(session)
        assert (5, 0, 0) == (session.state.bound().asked, session.state.bound().wrong, session.state.bound().skipped)
    with read_catalog(library) as catalog:
        said = [verdict.kind for verdict in annotation_log.of_audit(catalog, 1)]
        assert [
            AnnotationKind.RIGHT,
            AnnotationKind.WRONG,
            AnnotationKind.SKIPPED,
            *[AnnotationKind.TAKEN_BACK] * 3,
            *[AnnotationKind.RIGHT] * 5,
        ] == said


def test_a_finished_audit_is_shown_until_another_is_requested(tmp_path: Path) -> None:
    library = filed_library(tmp_path, MANY)
    with open_session(library, count=5, seed=1) as session:
        answer_all(session)
        audit = session.state.audit

    assert audit.drawn == drawn_by(library) == drawn_by(library, count=5) == drawn_by(library, seed=1)
    assert 7 == len(drawn_by(library, count=7))
    assert audit.drawn == drawn_by(library, count=5, seed=1, anew=True)
    assert audit.drawn != drawn_by(library, count=5, seed=2, anew=True)


def test_a_new_sample_is_drawn_when_the_filing_has_changed(tmp_path: Path) -> None:
    library = filed_library(tmp_path, *FEW)
    first = drawn_by(library)
    undo(library)
    with pytest.raises(LibraryError, match="nothing is filed there yet"):
        drawn_by(library)
    undo(library, run=2)

    assert {drawn.image_id for drawn in first} == {drawn.image_id for drawn in drawn_by(library)}
    with read_catalog(library) as catalog:
        last = audits.last(catalog)
        assert last is not None
        assert 2 == last.id


def test_only_existing_files_are_drawn(tmp_path: Path) -> None:
    library = filed_library(tmp_path, *FEW)
    (library / "chibi" / "chibi 2.png").unlink()
    (library / "page" / "page 0.png").rename(library / "chibi" / "moved.png")

    assert [0.55, 0.6, 0.8, 0.9] == sorted(drawn.confidence for drawn in drawn_by(library))


def test_a_sample_is_a_random_draw_regardless_of_category(tmp_path: Path) -> None:
    library = filed_library(tmp_path, *FEW)
    with open_session(library, count=2, seed=0, anew=True) as session:
        assert session.state.audit.simple
    samples = [drawn_by(library, count=2, seed=seed, anew=True) for seed in range(40)]

    assert {2} == {len({drawn.image_id for drawn in sample}) for sample in samples}
    assert {0, 1, 2} == {sum(drawn.category == "page" for drawn in sample) for sample in samples}
    assert 6 == len({drawn.image_id for sample in samples for drawn in sample})


def test_a_picture_that_was_moved_meanwhile_has_no_path_any_more(tmp_path: Path) -> None:
    library = filed_library(tmp_path, *FEW)
    with open_session(library) as session:
        drawn = session.state.audit.drawn[0]
        path = session.path_of(drawn)
        assert path is not None
        path.rename(library / "elsewhere.png")

        assert session.path_of(drawn) is None


@pytest.mark.parametrize(
    ("name", "error"), [("nowhere", "there is no such folder"), ("folder", "is not an illsort library")]
)
def test_looking_for_a_library_makes_none(tmp_path: Path, name: str, error: str) -> None:
    make_tree(tmp_path / "folder", {"a.txt": b"a"})
    with pytest.raises(LibraryError, match=error), open_session(tmp_path / name):
        pass

    assert {"folder/a.txt"} == set(all_files(tmp_path))
    assert ["folder"] == [path.name for path in tmp_path.iterdir()]


def test_the_wrong_ones_go_to_review_as_a_run_that_undo_takes_back(tmp_path: Path) -> None:
    library = filed_library(tmp_path, *FEW)
    before = all_files(library)
    with open_session(library) as session:
        answer_all(session, wrong={"chibi 1.png", "page 0.png"})
        assert 2 == misfiled(session)
        refiled = session.refile()
        assert (2, 2, ()) == (refiled.run, refiled.moved, refiled.left)
        assert 0 == misfiled(session)
        assert not session.is_current

    moved = {"_review/chibi/chibi 1.png", "_review/page/page 0.png"}
    assert moved == set(all_files(library)) - set(before)
    with read_catalog(library) as catalog:
        reasons = {
            decision.category: str(reason_message(decision.reason)) for decision in audits.decided_in(catalog, 2)
        }
    assert {"chibi", "page"} == set(reasons)
    assert reasons["page"].startswith("a person said it is not page (audit of 20")
    assert 2 == undo(library).undone
    assert before == all_files(library)


def test_an_image_that_cannot_move_to_review_stays_filed_and_is_named(tmp_path: Path) -> None:
    library = filed_library(tmp_path, *FEW)
    (library / "_review").write_text("a person's file")
    with open_session(library) as session:
        answer_all(session, wrong={"chibi 1.png"})
        refiled = session.refile()

    assert (0, ["chibi 1.png"]) == (refiled.moved, [path.name for path, _ in refiled.left])
    with read_catalog(library) as catalog:
        assert 6 == len(list(audits.filed(catalog)))
        assert 0 == runs.all_runs(catalog)[-1].summary["pictures"]


def test_images_below_the_threshold_go_to_review_unless_judged_right(tmp_path: Path) -> None:
    library = filed_library(tmp_path, MANY)
    with open_session(library, count=20) as session:
        answer_all(session)
        right = {drawn.image_id for drawn in session.state.audit.drawn}
        low = {drawn.image_id for drawn in session.state.audit.drawn if drawn.confidence < 0.8}
        refiled = session.refile(Strictness(threshold=0.8, max_error=0.05))
    with read_catalog(library) as catalog:
        stayed = {one.image_id: one.confidence for one in audits.filed(catalog)}
        reviewed = audits.decided_in(catalog, refiled.run)

    assert low
    assert refiled.moved == 59 - len(low) == len(reviewed)
    assert right <= set(stayed)
    assert low == {picture for picture, confidence in stayed.items() if confidence < 0.8}
    assert {Action.REVIEW} == {decision.action for decision in reviewed}
    assert "below 0.8000, the least for at most 5.0% wrong (audit of 20" in str(reason_message(reviewed[0].reason))


def test_a_threshold_is_agreed_to_until_its_run_is_undone(tmp_path: Path) -> None:
    library = filed_library(tmp_path, MANY)
    with open_session(library, count=20) as session:
        answer_all(session)
        session.refile(Strictness(threshold=0.8))
        assert session.is_filed_by_threshold
    with open_catalog(library) as catalog:
        assert 0.8 == audits.agreed_threshold(catalog, model="m")
        assert audits.agreed_threshold(catalog, model="another") is None
    undo(library)
    with open_catalog(library) as catalog:
        assert audits.agreed_threshold(catalog, model="m") is None


def test_a_refiling_that_was_killed_is_finished_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = filed_library(tmp_path, *FEW)
    with open_session(library) as session:
        answer_all(session, wrong={"chibi 1.png", "page 0.png"})
        with monkeypatch.context() as patch:
            patch.setattr(refiling, "execute", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                session.refile()
    assert not (library / "_review").exists()

    drawn = drawn_by(library)
    assert {"chibi/chibi 1.png", "page/page 0.png"} == {
        path.removeprefix("_review/") for path in all_files(library) if path.startswith("_review")
    }
    assert 4 == len(drawn)


def test_sidecars_go_along(tmp_path: Path) -> None:
    from classifier.records import Method  # noqa: PLC0415
    from kit.sorting import sort  # noqa: PLC0415 - it needs torch

    make_tree(tmp_path / "crawl", {"a.jpg": b"a", "a.jpg.txt": b"words", "b.jpg": b"b"})
    sort(tmp_path / "sorted", tmp_path / "crawl", method=Method.LINK, batch=8)
    with open_session(tmp_path / "sorted") as session:
        answer_all(session, wrong={"a.jpg"})
        session.refile()

    assert {"_review/kind_a/a.jpg", "_review/kind_a/a.jpg.txt", "kind_b/b.jpg"} == set(all_files(tmp_path / "sorted"))


def test_nothing_is_filed_while_another_process_owns_the_library(tmp_path: Path) -> None:
    library = filed_library(tmp_path, *FEW)
    with open_session(library) as session:
        with hold_lock(library):
            answer_all(session, wrong={"chibi 1.png"})
            with pytest.raises(LibraryError, match="in use"):
                session.refile()
        assert 1 == misfiled(session)


def test_the_last_sorts_target_is_known(tmp_path: Path) -> None:
    assert 0.05 == recorded_target(filed_library(tmp_path, *FEW, sort={"max_error": 0.05}))
    assert recorded_target(filed_library(tmp_path / "other", *FEW, sort={"threshold": 0.9})) is None


def test_audits_of_one_sort_count_on_after_the_wrong_images_moved(tmp_path: Path) -> None:
    """To take away what was found wrong, and audit again, is one more try at the same library."""
    library = filed_library(tmp_path, MANY)
    numbers = []
    for _ in range(3):
        with open_session(library, count=10, anew=True) as session:
            numbers.append(session.state.audit.number)
            drawn = session.path_of(session.state.audit.drawn[0])
            assert drawn is not None
            answer_all(session, wrong={drawn.name})
            session.refile()
    with open_session(library, count=10, anew=True):
        pass  # nobody looked at that one
    with open_session(library, count=10, anew=True) as session:
        numbers.append(session.state.audit.number)
        answer_all(session)
    with open_session(library) as session:
        assert numbers[-1] == session.state.audit.number
    with open_catalog(library) as catalog:
        assert 5 == audits.next_number(catalog)
        run = runs.begin(
            catalog, kind="sort", crawl=tmp_path, mode="link", model="m", bundle=tmp_path, settings={"sort": {}}
        )
        catalog.connection.execute("UPDATE decisions SET run = ?", (run,))  # it goes by what was said
        assert 5 == audits.next_number(catalog)
        for folder, next_number in (("_review", 5), ("chibi", 1)):
            path = make_tree(tmp_path / "more", {f"{folder}.png": folder.encode()}) / f"{folder}.png"
            with hold_lock(library):
                execute(catalog, library=library, run=run, moves=[move_of(path, method=Method.LINK, folder=folder)])
            assert next_number == audits.next_number(catalog)

    assert [1, 2, 3, 4] == numbers


@pytest.mark.parametrize(("rate", "drawn"), [(None, 160), (0.05, 160), (0.01, 321)])
def test_the_sample_is_large_enough_for_the_requested_rate(tmp_path: Path, rate: float | None, drawn: int) -> None:
    library = filed_library(tmp_path, Kind(category="a", confidences=[0.9] * 400), sort={"max_error": rate})
    with open_session(library) as session:
        assert drawn == len(session.state.audit.drawn)


def test_an_audit_does_not_ask_again_what_was_answered(tmp_path: Path) -> None:
    library = filed_library(tmp_path, MANY)
    with open_session(library, count=60) as session:
        first = [drawn.image_id for drawn in session.state.audit.drawn]
        for number in range(60):
            session.answer(AnnotationKind.WRONG if number < 2 else AnnotationKind.RIGHT)
    with open_session(library, count=100, anew=True) as session:
        asked = []
        while (question := session.state.current) is not None:
            asked.append(question.image_id)
            session.answer(AnnotationKind.RIGHT)
            session.answer_known()
        assert set(first).isdisjoint(asked[1:])
        assert len(asked) <= 41
        wrong = {one for one, kind in session.state.kinds.items() if kind is AnnotationKind.WRONG}
        assert {first[0], first[1]} - {asked[0]} == wrong


def test_an_error_rate_of_an_undone_sort_is_no_target_any_more(tmp_path: Path) -> None:
    library = filed_library(tmp_path, FEW[0])
    with open_catalog(library) as catalog:
        run = runs.begin(
            catalog,
            kind="sort",
            crawl=tmp_path,
            mode="link",
            model="m",
            bundle=tmp_path / "m",
            settings={"sort": {"max_error": 0.02}},
        )
        runs.finish(catalog, run, {})
    assert 0.02 == recorded_target(library)
    with open_catalog(library) as catalog:
        undoing = runs.begin(catalog, kind="undo", crawl=tmp_path, mode="", model="", bundle=tmp_path, settings={})
        catalog.connection.execute("UPDATE runs SET undoes = ? WHERE id = ?", (run, undoing))
        runs.finish(catalog, undoing, {"left": []})
    assert recorded_target(library) is None
