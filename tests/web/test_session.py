"""Answers are stored when they are given, heeded by every later decision, and taken back step by step."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from classifier.audit.session import open_session
from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.queue import QueueFilter
from classifier.errors import LibraryError
from classifier.records import Action, Annotation, AnnotationKind, ImageId, Selection
from classifier.web.history import Answer
from classifier.web.session import ReviewSession
from kit.audits import Kind, filed_library
from kit.reviewing import blended, sort_again, unsure_library, waiting_library
from kit.tree import all_files

FIVE = [(Action.REVIEW, "chibi", 0.5 + number / 10) for number in range(4)] + [(Action.REVIEW, "page", 0.95)]


def left(session: ReviewSession) -> list[ImageId]:
    return [row.image_id for row in session.page(QueueFilter(), after=None, limit=100)]


def test_steps_are_undone_in_turn_also_after_a_restart(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, FIVE)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.record([Answer(image_id=ids[0], kind=AnnotationKind.RIGHT, category="page")])
        session.record([Answer(image_id=picture, kind=AnnotationKind.RIGHT, category="chibi") for picture in ids[1:3]])
        session.record([Answer(image_id=ids[3], kind=AnnotationKind.SKIPPED)])
        assert [ids[4]] == left(session)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        assert 3 == session.state()["steps"]
        assert [[ids[3]], ids[1:3], [ids[0]], []] == [[row.image_id for row in session.undo()] for _ in range(4)]
        assert (ids, 0, 0) == (left(session), session.unfiled, session.state()["steps"])
        assert {} == annotation_log.latest(catalog)


def test_each_answer_records_how_its_image_was_selected(tmp_path: Path) -> None:
    """The queue chooses one picture, a grid many, an audit draws of what is filed: none is drawn by chance of all."""
    library, ids = waiting_library(tmp_path, FIVE)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.record([Answer(image_id=ids[0], kind=AnnotationKind.RIGHT, category="page")])
        session.record([Answer(image_id=picture, kind=AnnotationKind.RIGHT, category="chibi") for picture in ids[1:3]])
        session.rename_category("chibi", "small")
    with open_session(filed_library(tmp_path / "filed", Kind(category="a", confidences=[0.9] * 2))) as audit:
        audit.answer(AnnotationKind.RIGHT)
        audited = audit.state.answers[0].selection
    with read_catalog(library) as catalog:
        held = {picture: verdict.selection for picture, verdict in annotation_log.latest(catalog).items()}

    assert {ids[0]: Selection.MODEL, ids[1]: Selection.GRID, ids[2]: Selection.GRID} == held
    assert Selection.FILED is audited


def test_an_audit_answer_counts_again_when_a_later_answer_is_undone(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, FIVE)
    with open_catalog(library) as catalog:
        audit = Annotation(
            image_id=ids[0], kind=AnnotationKind.WRONG, category="chibi", origin="audit", at="2026-11-24", audit=1
        )
        audit = annotation_log.add(catalog, audit)
        session = ReviewSession(catalog)
        session.record([Answer(image_id=ids[0], kind=AnnotationKind.RIGHT, category="chibi")])
        session.undo()

        assert {ids[0]: audit} == annotation_log.latest(catalog)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(image_id=ImageId("0" * 64), kind=AnnotationKind.NONE),
        Answer(image_id=ImageId("1" * 64), kind=AnnotationKind.RIGHT, category="../../etc"),
        Answer(image_id=ImageId("1" * 64), kind=AnnotationKind.RIGHT),
    ],
)
def test_an_unknown_image_or_category_is_refused(tmp_path: Path, answer: Answer) -> None:
    library, ids = waiting_library(tmp_path, FIVE)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        with pytest.raises(LibraryError, match="there is no"):
            session.record([Answer(image_id=ids[0], kind=AnnotationKind.NONE), answer])

        assert (ids, 0) == (left(session), session.unfiled)


def test_a_later_sort_files_by_the_answers_not_by_the_model(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 6)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        rows = session.page(QueueFilter(), after=None, limit=10)
        other = next(name for name in session.suggestions.categories if name != rows[0].category)
        session.record([Answer(image_id=rows[0].image_id, kind=AnnotationKind.RIGHT, category=other)])
        session.record([Answer(image_id=rows[1].image_id, kind=AnnotationKind.NONE)])
    sort_again(tmp_path, bundle)

    assert {f"{other}/{rows[0].path.name}", f"_unknown/{rows[1].path.name}"} <= set(all_files(library))
    with open_catalog(library) as catalog:
        assert 0 == ReviewSession(catalog).unfiled


def test_an_answer_waits_for_a_writing_sort_and_is_not_lost(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, FIVE)
    began = threading.Event()
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        other = threading.Thread(target=write_for_a_while, args=(library, began))
        other.start()
        began.wait()
        session.record([Answer(image_id=ids[0], kind=AnnotationKind.NONE)])
        other.join()
    with read_catalog(library) as catalog:
        assert AnnotationKind.NONE is annotation_log.latest(catalog)[ids[0]].kind


def test_no_answer_is_lost_while_a_sort_files(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 30)
    for number in range(30, 150):
        (tmp_path / "crawl" / f"{number:03}.png").write_bytes(blended(number))
    sorting = threading.Thread(target=sort_again, args=(tmp_path, bundle))
    sorting.start()
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        pictures = [row.image_id for row in session.page(QueueFilter(), after=None, limit=30)]
        for picture in pictures:
            session.record([Answer(image_id=picture, kind=AnnotationKind.NONE)])
            session.state()
        sorting.join()
        session.refresh()
        assert 30 == session.unfiled + len(_unknown(library))
        assert dict.fromkeys(pictures, AnnotationKind.NONE) == {
            picture: verdict.kind for picture, verdict in annotation_log.latest(catalog).items()
        }
    sort_again(tmp_path, bundle)

    assert 30 == len(_unknown(library))


def _unknown(library: Path) -> set[str]:
    return {name for name in all_files(library) if name.startswith("_unknown/")}


def write_for_a_while(library: Path, began: threading.Event) -> None:
    """Hold the catalog's write lock as a batch of a sort does."""
    with open_catalog(library) as catalog, catalog.transaction() as connection:
        connection.execute("UPDATE runs SET summary = '{}'")
        began.set()
        time.sleep(0.3)
