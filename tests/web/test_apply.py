"""What was decided is filed as one run that can be undone; beside a sort at work it is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier.catalog import runs
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.page_answers import AnswerCounts
from classifier.catalog.queue import QueueFilter
from classifier.catalog.stats import library_stats
from classifier.errors import LibraryError
from classifier.filing import refile as rearranging
from classifier.filing.undo import undo
from classifier.records import AnnotationKind
from classifier.web.history import Answer
from classifier.web.pending_moves import file_decided, takes_originals
from classifier.web.session import ReviewSession
from kit.audits import Kind, filed_library
from kit.reasons import with_sentences
from kit.reviewing import sort_again, unsure_library
from kit.tree import all_files

SKIPPED = AnnotationKind.SKIPPED


def pictures(library: Path) -> set[str]:
    return {name for name in all_files(library) if not name.startswith((".illsort", "_broken"))}


def decide(library: Path) -> dict[str, str]:
    """The first is of another category, the second of none, the third right as guessed; where each is to lie."""
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        first, second, third = session.page(QueueFilter(), after=None, limit=3)
        other = next(name for name in session.suggestions.categories if name != first.category)
        session.record([Answer(image_id=first.image_id, kind=AnnotationKind.RIGHT, category=other)])
        session.record([Answer(image_id=second.image_id, kind=AnnotationKind.NONE)])
        session.record([Answer(image_id=third.image_id, kind=AnnotationKind.RIGHT, category=third.category)])
        assert 3 == session.unfiled
    return {first.path.name: other, second.path.name: "_unknown", third.path.name: third.category}


@pytest.mark.parametrize("mode", ["link", "move", "symlink"])
def test_answers_are_filed_as_one_run_and_undone_as_one(tmp_path: Path, bundle: Path, mode: str) -> None:
    library = unsure_library(tmp_path, bundle, 5, mode=mode)
    before = pictures(library)
    meant = decide(library)
    filed = file_decided(library)

    assert filed is not None
    assert (3, ()) == (filed.moved, filed.left)
    assert {f"{folder}/{name}" for name, folder in meant.items()} <= pictures(library)
    with read_catalog(library) as catalog:
        last = runs.all_runs(catalog)[-1]
    assert ("review", {"pictures": 3, "failed": 0}) == (last.kind, last.summary)
    undo(library)
    assert before == pictures(library)


def test_filing_twice_does_nothing_and_after_an_undo_it_files_again(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 4)
    decide(library)
    file_decided(library)
    after = pictures(library)

    assert file_decided(library) is None
    undo(library)
    again = file_decided(library)
    assert again is not None
    assert (3, after) == (again.moved, pictures(library))
    sort_again(tmp_path, bundle)
    assert after == pictures(library)


def test_status_tells_what_is_answered_or_skipped_from_what_is_asked(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 5)
    decide(library)

    def counted() -> tuple[int, AnswerCounts]:
        found = library_stats(library)
        return sum(found.review.values()) + found.unknown, found.answers

    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.record([Answer(image_id=session.page(QueueFilter(), after=None, limit=1)[0].image_id, kind=SKIPPED)])
    before = (5, AnswerCounts(answered=3, of_no_category=0, skipped=1))
    assert before == counted()
    file_decided(library)
    filed = counted()
    undo(library)
    with open_catalog(library) as catalog:
        state = ReviewSession(catalog).state()

    assert before == counted()
    assert 5 - 3 - 1 == sum(sum(of_queue.values()) for of_queue in state["waiting"].values())
    assert (3, AnswerCounts(answered=0, of_no_category=1, skipped=1)) == filed


@pytest.mark.parametrize("is_older", [False, True], ids=["this version", "filed by an earlier version"])
def test_a_filed_answer_can_be_undone_and_its_image_waits_again(
    tmp_path: Path, bundle: Path, *, is_older: bool
) -> None:
    library = unsure_library(tmp_path, bundle, 4)
    before = pictures(library)
    decide(library)
    file_decided(library)
    if is_older:
        with open_catalog(library) as catalog:
            with_sentences(catalog.connection)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        for _ in range(3):
            session.undo()
        assert (4, 3) == (len(session.page(QueueFilter(), after=None, limit=9)), session.unfiled)
        assert 4 == sum(session.state()["waiting"]["review"].values())
    file_decided(library)

    assert before == pictures(library)


def test_during_a_sort_nothing_is_filed_and_no_answer_is_lost(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 4)
    meant = decide(library)
    before = pictures(library)
    with hold_lock(library), pytest.raises(LibraryError, match="is in use by illsort"):
        file_decided(library)

    assert before == pictures(library)
    sort_again(tmp_path, bundle)
    assert {f"{folder}/{name}" for name, folder in meant.items()} <= pictures(library)


def test_an_interrupted_filing_continues_the_next_time(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = unsure_library(tmp_path, bundle, 4)
    meant = decide(library)
    with monkeypatch.context() as patch:
        patch.setattr(rearranging, "execute", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            file_decided(library)
    filed = file_decided(library)

    assert filed is not None
    assert 3 == filed.moved
    assert {f"{folder}/{name}" for name, folder in meant.items()} <= pictures(library)


def test_an_interrupted_sort_is_still_known_after_answers_are_filed(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 4)
    decide(library)
    with open_catalog(library) as catalog:
        stopped = {"sort": {"mode": "copy", "threshold": 0.7}}
        runs.begin(
            catalog,
            kind="sort",
            crawl=tmp_path / "crawl",
            mode="copy",
            model="",
            bundle=bundle,
            settings=stopped,
        )
    file_decided(library)

    with read_catalog(library) as catalog:
        known = runs.interrupted_run(catalog, tmp_path / "crawl")
    assert known is not None
    assert ("copy", 0.7) == (known.mode, known.strictness.threshold)


def test_a_deleted_image_is_recorded_and_the_others_are_filed(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 4)
    meant = decide(library)
    gone = next(library / name for name in pictures(library) if name.endswith(next(iter(meant))))
    gone.unlink()
    filed = file_decided(library)

    assert filed is not None
    assert (2, ()) == (filed.moved, filed.left)
    assert 1 == library_stats(library).missing["deleted"]


def test_an_image_that_cannot_be_moved_is_named_and_counts_where_it_is(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 4)
    first = decide(library)
    folder = next(iter(first.values()))
    (library / folder).write_text("a person's file")
    filed = file_decided(library)

    assert filed is not None
    stuck = [name for name, into in first.items() if into == folder]
    assert (3 - len(stuck), set(stuck)) == (filed.moved, {path.name for path, _ in filed.left})
    counted = library_stats(library)
    assert len(stuck) == counted.not_moved
    assert 1 + len(stuck) == sum(counted.review.values())
    assert folder not in counted.filed
    with read_catalog(library) as catalog:
        assert filed.moved == runs.all_runs(catalog)[-1].summary["pictures"]
    (library / folder).unlink()
    again = file_decided(library)
    assert again is not None
    assert (len(stuck), 0) == (again.moved, library_stats(library).not_moved)


def test_the_guarantee_of_a_sort_still_holds_after_a_review(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 4)
    with open_catalog(library) as catalog:
        promised = {"sort": {"promise": {"sentence": "at most 2% wrong"}}}
        catalog.connection.execute("UPDATE runs SET settings = ?", (json.dumps(promised),))
    decide(library)
    file_decided(library)

    assert "at most 2% wrong" == library_stats(library).strictness.promise
    undo(library)
    undo(library, run=1)
    assert library_stats(library).strictness.promise is None


@pytest.mark.parametrize("mode", ["link", "copy", "move"])
def test_pictures_are_said_to_move_only_where_a_sort_moved_them(tmp_path: Path, mode: str) -> None:
    library = filed_library(tmp_path, Kind(category="chibi", confidences=[0.9]), sort={"mode": mode})
    with read_catalog(library) as catalog:
        assert (mode == "move") == takes_originals(catalog)
