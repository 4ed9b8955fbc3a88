"""Categories within categories: folders in folders, filed into, moved by hand, renamed and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from classifier.catalog.categories import read_aliases
from classifier.catalog.category_folders import KnownCategories
from classifier.catalog.connection import read_catalog
from classifier.catalog.stats import library_stats
from classifier.catalog.values import to_bytes
from classifier.filing.destination import folder_for
from classifier.filing.reconcile import open_library
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.images import ignored_files
from classifier.progress import SilentProgress
from classifier.records import Action, Decision, ImageId, Method
from kit.by_hand import drag, labels_of, pictures_in, settle
from kit.reasons import ANY
from kit.reviewing import served, waiting_library
from kit.sorting import MANIFEST, sort

NESTED = MANIFEST.model_copy(update={"categories": ("游戏/甘雨", "游戏/刻晴", "chibi", "游戏")})
"""A picture whose content begins with a is of the first, and so on."""
CRAWL = ("a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2")
FILED = {
    *("游戏/甘雨/a1.jpg", "游戏/甘雨/a2.jpg", "游戏/刻晴/b1.jpg", "游戏/刻晴/b2.jpg"),
    *("chibi/c1.jpg", "chibi/c2.jpg", "游戏/d1.jpg", "游戏/d2.jpg"),
}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Two pictures of each category, filed."""
    (tmp_path / "crawl").mkdir()
    for name in CRAWL:
        (tmp_path / "crawl" / f"{name}.jpg").write_bytes(name.encode())
    sort_again(tmp_path / "library")
    return tmp_path / "library"


def sort_again(library: Path) -> None:
    sort(
        library, library.parent / "crawl", method=Method.COPY, batch=10, sidecars=False, manifest=NESTED, threshold=0.9
    )


def add_unsure(library: Path) -> None:
    """One picture of either of two categories in one parent, and one of either of two that have none in common."""
    for name, content in (("u", b"a+b u"), ("v", b"c+a v")):
        (library.parent / "crawl" / f"{name}.jpg").write_bytes(content)
    sort_again(library)


def test_each_picture_is_filed_into_the_folder_of_its_nested_category(library: Path) -> None:
    found = verify(library)

    assert FILED == pictures_in(library)
    assert {"游戏/甘雨": 2, "游戏/刻晴": 2, "chibi": 2, "游戏": 2} == library_stats(library).filed
    assert ([], [], {}) == (found.off, found.yours, found.missing)
    undo(library)
    assert set() == pictures_in(library)
    assert [] == [path for path in library.iterdir() if path.name != ".illsort"]


def test_a_picture_moved_into_a_nested_folder_is_labeled_with_it_and_stays(library: Path) -> None:
    drag(library, "游戏/甘雨/a1.jpg", "游戏/刻晴/a1.jpg")
    drag(library, "游戏/d1.jpg", "游戏/甘雨/mine/d1.jpg")

    assert {"moved": {"游戏/刻晴": 1, "游戏/甘雨/mine": 1}, "added": {}} == settle(library).as_dict()

    assert {"游戏/刻晴/a1.jpg": "游戏/刻晴", "游戏/甘雨/mine/d1.jpg": "游戏/甘雨"} == labels_of(library)
    before = pictures_in(library)
    sort_again(library)
    assert before == pictures_in(library)
    assert {"游戏/甘雨": 2, "游戏/刻晴": 3, "chibi": 2, "游戏": 1} == library_stats(library).filed
    assert [] == verify(library).off


def test_a_folder_made_by_hand_in_a_category_with_others_is_a_new_one(library: Path) -> None:
    drag(library, "游戏/甘雨/a1.jpg", "游戏/胡桃/a1.jpg")
    drag(library, "chibi/c1.jpg", "chibi/best/c1.jpg")
    drag(library, "游戏/刻晴/b1.jpg", "动画/初音/2024/b1.jpg")

    settle(library)

    assert {"游戏/胡桃/a1.jpg": "游戏/胡桃", "动画/初音/2024/b1.jpg": "动画/初音"} == labels_of(library)
    assert 2 == library_stats(library).filed["chibi"]


def test_a_picture_put_into_a_nested_folder_is_a_label_of_it(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ignored_files, "SECOND_LOOK_S", 0.0)
    Image.new("RGB", (40, 30), "red").save(library / "游戏" / "甘雨" / "new.png")
    Image.new("RGB", (40, 30), "blue").save(library / "游戏" / "over.png")

    assert {"moved": {}, "added": {"游戏/甘雨": 1, "游戏": 1}} == settle(library).as_dict()
    assert {"游戏/甘雨/new.png": "游戏/甘雨", "游戏/over.png": "游戏"} == labels_of(library)


def test_a_renamed_folder_of_a_nested_category_is_its_new_name(library: Path) -> None:
    (library / "游戏" / "甘雨").rename(library / "游戏" / "Ganyu")
    with open_library(library, SilentProgress()) as catalog:
        assert {"游戏/甘雨": "游戏/Ganyu"} == dict(read_aliases(catalog).now)
    sort_again(library)

    assert {name.replace("甘雨", "Ganyu") for name in FILED} == pictures_in(library)
    assert {"moved": {}, "added": {}} == settle(library).as_dict()


def test_with_a_renamed_outer_folder_every_category_in_it_has_a_new_name(library: Path) -> None:
    (library / "游戏" / "甘雨" / "a2.jpg").unlink()  # so that one picture of it is left
    (library / "游戏").rename(library / "Games")
    with open_library(library, SilentProgress()) as catalog:
        renamed = dict(read_aliases(catalog).now)
    sort_again(library)

    assert {"游戏": "Games", "游戏/甘雨": "Games/甘雨", "游戏/刻晴": "Games/刻晴"} == renamed
    assert {name.replace("游戏", "Games") for name in FILED} - {"Games/甘雨/a2.jpg"} == pictures_in(library)
    assert {"moved": {}, "added": {}} == settle(library).as_dict()
    (library / "Games").rename(library / "游戏")
    sort_again(library)
    assert FILED - {"游戏/甘雨/a2.jpg"} == pictures_in(library)
    with read_catalog(library) as catalog:
        assert {"游戏/甘雨"} == {read_aliases(catalog).resolve("游戏/甘雨")}


def test_a_nested_folder_moved_into_another_keeps_its_pictures_together(library: Path) -> None:
    drag(library, "游戏/甘雨", "动画/甘雨")
    with open_library(library, SilentProgress()) as catalog:
        assert {"游戏/甘雨": "动画/甘雨"} == dict(read_aliases(catalog).now)
    sort_again(library)

    assert {name.replace("游戏/甘雨", "动画/甘雨") for name in FILED} == pictures_in(library)


def test_a_library_sorted_by_flat_categories_goes_on_with_nested_ones(tmp_path: Path) -> None:
    """A folder that a person made in a category before stays part of it."""
    crawl, library = tmp_path / "crawl", tmp_path / "library"
    crawl.mkdir()
    for name in CRAWL:
        (crawl / f"{name}.jpg").write_bytes(name.encode())
    flat = MANIFEST.model_copy(update={"categories": ("游戏", "chibi"), "weights_sha256": "0" * 64})
    sort(library, crawl, method=Method.COPY, batch=10, sidecars=False, manifest=flat, threshold=0.9)
    drag(library, "chibi/c1.jpg", "chibi/best/c1.jpg")
    sort_again(library)

    assert FILED - {"chibi/c1.jpg"} | {"chibi/best/c1.jpg"} == pictures_in(library)
    assert {"游戏/甘雨": 2, "游戏/刻晴": 2, "chibi": 2, "游戏": 2} == library_stats(library).filed
    undo(library)
    assert {"游戏/a1.jpg", "游戏/a2.jpg", "chibi/best/c1.jpg"} <= pictures_in(library)
    assert {"游戏": 2, "chibi": 6} == library_stats(library).filed
    assert [] == verify(library).off


def test_what_is_surely_of_a_parent_waits_in_its_own_review_folder(library: Path) -> None:
    add_unsure(library)
    found = verify(library)
    stats = library_stats(library)

    assert FILED | {"游戏/_review/u.jpg", "_review/chibi/v.jpg"} == pictures_in(library)
    assert ({"游戏/甘雨": 1, "chibi": 1}, 1) == (stats.review, stats.review_in_parents)
    assert ([], [], {}) == (found.off, found.yours, found.missing)
    undo(library)
    assert FILED == pictures_in(library)
    assert not (library / "游戏" / "_review").exists()


def test_what_waits_there_is_decided_by_the_folder_that_it_is_moved_to(library: Path) -> None:
    add_unsure(library)
    drag(library, "游戏/_review/u.jpg", "游戏/刻晴/u.jpg")
    drag(library, "游戏/甘雨/a1.jpg", "游戏/_review/a1.jpg")

    assert {"moved": {"游戏/刻晴": 1, "游戏/_review": 1}, "added": {}} == settle(library).as_dict()

    assert {"游戏/刻晴/u.jpg": "游戏/刻晴"} == labels_of(library)
    sort_again(library)
    assert {"游戏/刻晴/u.jpg", "游戏/_review/a1.jpg"} <= pictures_in(library)
    assert {"游戏": 1, "chibi": 1} == library_stats(library).review
    assert [] == verify(library).off


def test_what_waits_there_goes_along_with_a_renamed_parent(library: Path) -> None:
    add_unsure(library)
    (library / "游戏").rename(library / "Games")

    assert {"moved": {}, "added": {}} == settle(library).as_dict()
    sort_again(library)
    assert {name.replace("游戏", "Games") for name in FILED} | {
        "Games/_review/u.jpg",
        "_review/chibi/v.jpg",
    } == pictures_in(library)
    assert 1 == library_stats(library).review_in_parents


def test_a_parent_folder_that_filing_on_the_page_leaves_empty_is_removed(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, [(Action.FILE, "a/b/c", 0.9), (Action.FILE, "d/e", 0.9)])
    with served(library) as client:
        answers = [{"picture": one, "said": "right", "category": "d/e"} for one in ids]
        assert 200 == client.post("/api/say", json={"answers": answers}).status_code
        assert 1 == client.post("/api/file", json={}).json()["moved"]

    assert {"d/e/000.png", "d/e/001.png"} == pictures_in(library)
    assert ["d"] == [path.name for path in library.iterdir() if path.name != ".illsort"]
    assert [] == verify(library).off


def test_what_waits_in_a_parent_stays_there_when_its_guess_is_renamed_on_the_page(library: Path) -> None:
    add_unsure(library)
    with served(library) as client:
        names = {"rename": "游戏/甘雨", "to": "游戏/Ganyu"}
        assert 200 == client.post("/api/categories", json=names).status_code
        assert 2 == client.post("/api/file", json={}).json()["moved"]
        guesses = {row["name"]: row["category"] for row in client.get("/api/queue").json()["pictures"]}

    wanted = {name.replace("甘雨", "Ganyu") for name in FILED} | {"游戏/_review/u.jpg", "_review/chibi/v.jpg"}
    assert {"u.jpg": "游戏/Ganyu", "v.jpg": "chibi"} == guesses
    assert wanted == pictures_in(library)
    sort_again(library)
    assert wanted == pictures_in(library)
    assert [] == verify(library).off


def test_a_flat_model_after_a_nested_one_takes_it_out_of_the_parent_again(library: Path) -> None:
    add_unsure(library)
    flat = MANIFEST.model_copy(update={"categories": ("游戏", "chibi"), "weights_sha256": "0" * 64})
    sort(library, library.parent / "crawl", method=Method.COPY, batch=10, sidecars=False, manifest=flat, threshold=0.9)

    assert "_review/游戏/u.jpg" in pictures_in(library)
    assert 0 == library_stats(library).review_in_parents
    undo(library)
    assert "游戏/_review/u.jpg" in pictures_in(library)
    assert 1 == library_stats(library).review_in_parents
    sort_again(library)
    assert FILED | {"游戏/_review/u.jpg", "_review/chibi/v.jpg"} == pictures_in(library)


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("游戏/甘雨", (Action.FILE, "游戏/甘雨")),
        ("游戏/甘雨/2024", (Action.FILE, "游戏/甘雨")),
        ("游戏/new", (Action.FILE, "游戏/new")),
        ("游戏", (Action.FILE, "游戏")),
        ("chibi/2024", (Action.FILE, "chibi")),
        ("new/one/2024", (Action.FILE, "new/one")),
        ("_review/游戏/甘雨", (Action.REVIEW, "游戏/甘雨")),
        ("_review", (Action.REVIEW, "")),
        ("游戏/_review", (Action.REVIEW, "游戏")),
        ("游戏/甘雨/_review/x", (Action.REVIEW, "游戏/甘雨")),
        ("_unknown/游戏", (Action.UNKNOWN, "")),
        ("游戏/_later", (Action.FILE, "游戏")),
        ("chibi/.x", (Action.FILE, "chibi")),
        ("_review/_later", (Action.REVIEW, "")),
        ("_review/游戏/_x", (Action.REVIEW, "游戏")),
        ("游戏/a\\b", (Action.FILE, "游戏")),
        ("a\\b", None),
        ("_other/游戏", None),
        ("", None),
    ],
)
def test_a_folder_stands_for_a_decision(folder: str, expected: tuple[Action, str] | None) -> None:
    known = KnownCategories(frozenset({"游戏/甘雨", "chibi"}))

    assert expected == known.decision_for(folder.encode())


PARTS = st.sampled_from(["a", "b", "游戏", "x.y"])


ODD_PARTS = st.sampled_from(["a", "游戏", "_review", "_unknown", "_x", ".x", "a\\b", "con", "a?"])


@given(st.lists(ODD_PARTS, min_size=1, max_size=4), st.sets(st.sampled_from(["a/游戏", "a", "游戏/a/a"])))
def test_any_folder_stands_for_a_decision_that_has_a_folder(parts: list[str], names: set[str]) -> None:
    decided = KnownCategories(frozenset(names)).decision_for("/".join(parts).encode())

    if decided is not None:
        action, category = decided
        assert folder_for(Decision(image_id=ImageId("1"), action=action, category=category, confidence=0, reason=ANY))


@given(
    st.sets(st.lists(PARTS, min_size=1, max_size=3).map("/".join), min_size=1, max_size=8), st.lists(PARTS, max_size=2)
)
def test_the_folder_of_every_known_category_stands_for_it(names: set[str], inner: list[str]) -> None:
    """So does a folder in it, unless that is another category, known or new, in one that has some."""
    known = KnownCategories(frozenset(names))
    for name in names:
        for action in (Action.FILE, Action.REVIEW):
            decision = Decision(image_id=ImageId("1"), action=action, category=name, confidence=0.5, reason=ANY)
            assert (action, name) == known.decision_for(to_bytes(folder_for(decision)))
        (_, category) = known.decision_for("/".join([name, *inner]).encode()) or (None, "")
        has_others = any(other.startswith(f"{name}/") for other in names)
        assert category.startswith(name) if has_others else category == name
