"""Labels in nested folders: `labels.depth` levels of them make a category."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from classifier.errors import LabelsError
from classifier.labels.from_annotations import read_feedback
from classifier.labels.load import read_labels
from classifier.records import Action, AnnotationKind
from kit.progress import SavingProgress
from kit.reviewing import served, waiting_library
from kit.tree import Tree, make_tree

if TYPE_CHECKING:
    from pathlib import Path

PICTURE = b"\x89PNG\r\n\x1a\n"
TWO: Tree = {"a.png": PICTURE, "b.png": PICTURE}
TREE: Tree = {
    "游戏": {**TWO, "甘雨": {**TWO, "冬": TWO}, "刻晴": TWO, "_review": TWO, ".hidden": TWO},
    "chibi": {**TWO, "best": TWO},
}


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (1, {"游戏": 8, "chibi": 4}),
        (2, {"游戏": 2, "游戏/甘雨": 4, "游戏/刻晴": 2, "chibi": 2, "chibi/best": 2}),
        (3, {"游戏": 2, "游戏/甘雨": 2, "游戏/甘雨/冬": 2, "游戏/刻晴": 2, "chibi": 2, "chibi/best": 2}),
    ],
)
def test_so_many_levels_of_folders_make_a_category(tmp_path: Path, depth: int, expected: dict[str, int]) -> None:
    found = read_labels(folder=make_tree(tmp_path, TREE), csv_file=None, depth=depth)

    assert expected == dict(Counter(label.category for label in found))


def test_an_empty_nested_folder_is_an_error_as_an_outer_one_is(tmp_path: Path) -> None:
    make_tree(tmp_path, {"cat": {**TWO, "small": {}, "large": {"inner": TWO}}, "dog": {"small": {"inner": {}}, **TWO}})

    assert 6 == len(read_labels(folder=tmp_path, csv_file=None, depth=1))
    with pytest.raises(LabelsError, match=r"small: this category is empty; .*small: this category is empty; put"):
        read_labels(folder=tmp_path, csv_file=None, depth=2)


def test_a_csv_names_nested_categories_and_says_which_levels_do_not_count(tmp_path: Path) -> None:
    make_tree(tmp_path, dict.fromkeys(("a.png", "b.png", "c.png", "d.png"), PICTURE))
    rows = ("a.png,游戏/甘雨", "b.png,游戏/甘雨", "c.png,cat", "d.png,cat")
    (tmp_path / "labels.csv").write_text("\n".join(["file_name,label", *rows]), "utf-8")
    progress = SavingProgress()
    nested = read_labels(folder=None, csv_file=tmp_path / "labels.csv", depth=2, progress=progress)

    assert ([], {"游戏/甘雨", "cat"}) == (progress.messages, {label.category for label in nested})
    outer = read_labels(folder=None, csv_file=tmp_path / "labels.csv", progress=progress)
    assert {"游戏", "cat"} == {label.category for label in outer}
    assert ["labels.depth = 1: 2 labels of nested categories count as those of their parents"] == progress.messages


def test_names_that_differ_in_an_outer_folder_alone_are_refused(tmp_path: Path) -> None:
    make_tree(tmp_path, {"Cat": {"small": TWO}, "cat": {"large": TWO}})
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system has one case alone")
    with pytest.raises(LabelsError, match="'Cat' and 'cat' are one folder"):
        read_labels(folder=tmp_path, csv_file=None, depth=2)


def test_what_was_said_in_a_library_counts_for_as_many_levels(tmp_path: Path) -> None:
    """What is not of a nested category may be of the outer one: that says nothing about it."""
    waiting = [(Action.REVIEW, "游戏/甘雨", 0.5), (Action.REVIEW, "游戏/甘雨", 0.4), (Action.REVIEW, "dog", 0.3)]
    library, ids = waiting_library(tmp_path, waiting)
    said = zip(ids, ("right", "wrong", "wrong"), ("游戏/甘雨", "游戏/甘雨", "dog"), strict=True)
    with served(library) as client:
        answers = [{"picture": one, "said": kind, "category": category} for one, kind, category in said]
        assert 200 == client.post("/api/say", json={"answers": answers}).status_code

    outer, nested = read_feedback(library, depth=1), read_feedback(library, depth=2)
    assert (["游戏"], ["游戏/甘雨"]) == tuple([label.category for label in one.labels] for one in (outer, nested))
    assert {ids[0]: "游戏", ids[2]: "dog"} == {one: said.category for one, said in outer.annotations.items()}
    assert (1, 0) == (outer.deeper, nested.deeper)
    assert AnnotationKind.WRONG is nested.annotations[ids[1]].kind
