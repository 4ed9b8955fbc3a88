"""New, renamed and merged categories: by the session alone, over what waits, what was said and what is filed."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.catalog.connection import open_catalog
from classifier.catalog.queue import Order, QueueFilter
from classifier.catalog.stats import library_stats
from classifier.errors import IllsortError, LibraryError
from classifier.filing.undo import undo
from classifier.records import Action, AnnotationKind, ImageId
from classifier.web.history import Answer
from classifier.web.pending_moves import file_decided
from classifier.web.session import ReviewSession
from kit.reviewing import waiting_library
from kit.tree import all_files

FOUR = [
    (Action.FILE, "cat", 0.9),
    (Action.FILE, "dog", 0.9),
    (Action.REVIEW, "cat", 0.4),
    (Action.REVIEW, "dog", 0.3),
]


def names(session: ReviewSession) -> list[str]:
    return [one["name"] for one in session.state()["categories"]]


def folders(library: Path) -> dict[str, str]:
    """Where each picture lies, by its name."""
    return {Path(name).name: Path(name).parent.as_posix() for name in all_files(library)}


def right(picture: ImageId, category: str) -> list[Answer]:
    return [Answer(image_id=picture, kind=AnnotationKind.RIGHT, category=category)]


def test_a_new_category_has_a_key_at_once_and_survives_a_restart(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, FOUR)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.make_category("bird")
        assert {"name": "bird", "key": "3", "said": 0} == session.state()["categories"][-1]
        session.record(right(ids[2], "bird"))
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        assert ["cat", "dog", "bird"] == names(session)
        assert 1 == session.state()["categories"][-1]["said"]
    file_decided(library)
    assert "bird" == folders(library)["002.png"]


@pytest.mark.parametrize(
    "name", ["", "_review", ".x", "a/_b", "CAT/x", "a//b", "a\\b", "con", "CAT", "cat", "x ", "x."]
)
def test_a_name_that_no_folder_can_have_is_refused(tmp_path: Path, name: str) -> None:
    library, _ = waiting_library(tmp_path, FOUR)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        with pytest.raises(IllsortError) as told:
            session.make_category(name)
        assert 1 == len(str(told.value).splitlines())
        assert ["cat", "dog"] == names(session)


def test_renaming_updates_all_answers_and_is_undone_as_one_step(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, FOUR)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.record(right(ids[2], "cat"))
        session.record(right(ids[3], "cat"))
        before = session.state()

        session.rename_category("cat", "kitten")
        assert ["kitten", "dog"] == names(session)
        assert [2, 0] == [one["said"] for one in session.state()["categories"]]
        assert 3 == session.state()["to_file"]  # the filed one too
        after = session.state()
    with open_catalog(library) as catalog:
        again = ReviewSession(catalog)
        assert after == again.state()
        again.undo()
        assert before == again.state()


def test_images_under_the_old_name_move_as_one_run_that_can_be_undone(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, FOUR)
    before = folders(library)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.record(right(ids[3], "cat"))
        session.rename_category("cat", "kitten")
    file_decided(library)
    assert {"000.png": "kitten", "001.png": "dog", "002.png": "_review/kitten", "003.png": "kitten"} == folders(library)
    assert {"kitten": 2, "dog": 1} == library_stats(library).filed

    undo(library)
    assert before == folders(library)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.undo()
        session.undo()
        assert (["cat", "dog"], 0) == (names(session), session.state()["to_file"])


def test_merged_categories_are_one_in_the_queue_and_the_counts(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, FOUR)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.rename_category("cat", "dog")
        assert ["dog"] == names(session)
        assert {"dog": 2} == session.state()["waiting"]["review"]
        for order in (Order.CONFIDENCE, Order.CATEGORY, Order.RANKING):
            rows = session.page(QueueFilter(category="dog", order=order), after=None, limit=9)
            assert [(ids[3], "dog"), (ids[2], "dog")] == [(row.image_id, row.category) for row in rows]
    assert {"dog": 2} == library_stats(library).filed


def test_wrong_for_one_category_is_not_wrong_for_the_merged_one(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, FOUR)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.record([Answer(image_id=ids[2], kind=AnnotationKind.WRONG, category="cat")])
        session.rename_category("cat", "dog")
        rows = session.page(QueueFilter(category="dog", grid=True), after=None, limit=9)
        assert [ids[3]] == [row.image_id for row in rows]  # it still is looked at singly


def test_a_category_can_be_renamed_back_to_its_first_name(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, FOUR)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.rename_category("cat", "bird")
        session.rename_category("bird", "fish")
        session.rename_category("fish", "cat")
        assert (["cat", "dog"], 0) == (sorted(names(session)), session.state()["to_file"])


def test_renaming_an_unknown_category_is_refused(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, FOUR)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        for old, new in (("bird", "fish"), ("cat", "cat"), ("cat", "_x")):
            with pytest.raises(IllsortError):
                session.rename_category(old, new)
        session.rename_category("cat", "bird")
        with pytest.raises(LibraryError, match="is now called 'bird'"):
            session.make_category("cat")


NESTED = [
    (Action.FILE, "game/a", 0.9),
    (Action.FILE, "game/b", 0.9),
    (Action.FILE, "scenery", 0.9),
    (Action.REVIEW, "game/a", 0.4),
    (Action.REVIEW, "scenery", 0.4),
]


@pytest.mark.parametrize("is_category", [False, True], ids=["a mere folder", "a category too"])
def test_a_renamed_parent_takes_the_categories_in_it_along(tmp_path: Path, *, is_category: bool) -> None:
    library, ids = waiting_library(tmp_path, [*NESTED, *[(Action.FILE, "game", 0.9)] * is_category])
    before = folders(library)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.record(right(ids[4], "game/b"))
        known = set(names(session))
        for _ in range(2):
            session.rename_category("game", "Games")
            assert {name.replace("game", "Games") for name in known} == set(names(session))
            session.undo()
            assert known == set(names(session))
        session.rename_category("game", "Games")
    run = file_decided(library)
    filed = folders(library)

    wanted = {name: folder.replace("game", "Games") for name, folder in before.items()}
    assert wanted | {"004.png": "Games/b"} == filed
    assert not (library / "game").exists()
    assert run is not None
    undo(library, run=run.run)
    assert before == folders(library)


def test_a_parent_may_be_merged_into_another_and_not_into_itself(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, [*NESTED, (Action.FILE, "anime/a", 0.9)])
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        with pytest.raises(LibraryError, match="lies in 'game'"):
            session.rename_category("game", "game/old")
        session.rename_category("game", "anime")
        assert {"anime/a", "anime/b", "scenery"} == set(names(session))
    file_decided(library)

    assert {"anime/a", "anime/b", "scenery", "_review/anime/a", "_review/scenery"} == set(folders(library).values())
