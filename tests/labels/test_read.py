"""Labels are category folders or a CSV; what cannot be learned from is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.errors import LabelsError
from classifier.labels.read import categories_of, read_labels
from kit.tree import Tree, make_tree

PICTURE = b"\x89PNG\r\n\x1a\n"


def labelled(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label in read_labels(folder=folder, csv_file=None):
        found.setdefault(label.category, []).append(label.path.relative_to(folder).as_posix())
    return found


def test_a_category_is_a_folder_with_pictures_at_any_depth(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            "cat": {"a.png": PICTURE, "more": {"deep": {"b.png": PICTURE}}, "notes.txt": b"no picture"},
            "狗": {"c.png": PICTURE, "no extension": PICTURE},
            "_set_aside": {"d.png": PICTURE},
            ".hidden": {"e.png": PICTURE},
            "loose.png": PICTURE,
        },
    )

    assert {"cat": ["cat/a.png", "cat/more/deep/b.png"], "狗": ["狗/c.png", "狗/no extension"]} == labelled(tmp_path)


def test_the_order_of_categories_is_by_name(tmp_path: Path) -> None:
    make_tree(tmp_path, {name: {"1.png": PICTURE, "2.png": PICTURE} for name in ("zebra", "ant", "猫")})

    assert ("ant", "zebra", "猫") == categories_of(read_labels(folder=tmp_path, csv_file=None))


def test_a_csv_names_files_below_its_own_folder(tmp_path: Path) -> None:
    make_tree(tmp_path, dict.fromkeys(("a.png", "b.png", "c.png", "d.png"), PICTURE))
    csv_file = tmp_path / "labels.csv"
    csv_file.write_text("file_name,label,who\na.png,cat,me\nb.png,cat,me\nc.png,dog,me\nd.png,dog,me\n", "utf-8-sig")

    assert [("a.png", "cat"), ("b.png", "cat"), ("c.png", "dog"), ("d.png", "dog")] == [
        (label.path.name, label.category) for label in read_labels(folder=None, csv_file=csv_file)
    ]


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({}, "holds no labelled pictures"),
        ({"loose.png": PICTURE}, "holds no labelled pictures"),
        ({"cat": {"a.png": PICTURE, "b.png": PICTURE}, "dog": {}}, "this category is empty"),
        ({"cat": {"a.png": PICTURE, "b.png": PICTURE}, "dog": {"a.txt": b"x"}}, "this category is empty"),
        ({"cat": {"a.png": PICTURE, "b.png": PICTURE}, "dog": {"c.png": PICTURE}}, "'dog' has 1 picture"),
        ({"cat": {"a.png": PICTURE, "b.png": PICTURE}}, "only one category"),
    ],
)
def test_labels_that_cannot_be_learned_from_are_told(tmp_path: Path, tree: Tree, says: str) -> None:
    make_tree(tmp_path, tree)
    with pytest.raises(LabelsError) as caught:
        read_labels(folder=tmp_path, csv_file=None)
    assert says in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,label\na.png,cat\n", "has no column file_name"),
        ("a.png,cat\n", "has no column file_name and label"),
        ("file_name,label\na.png,\n", "line 2: file_name or label is empty"),
        ("file_name,label\nnone.png,cat\n", "line 2: there is no file"),
        ("file_name,label\na.png\n", "line 2: file_name or label is empty"),
        ("", "has no column file_name and label"),
    ],
)
def test_a_bad_csv_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    make_tree(tmp_path, {"a.png": PICTURE, "labels.csv": text.encode()})
    with pytest.raises(LabelsError, match=r"labels\.csv") as caught:
        read_labels(folder=None, csv_file=tmp_path / "labels.csv")
    assert says in str(caught.value)


def test_nowhere_to_look_is_told() -> None:
    with pytest.raises(LabelsError, match=r"set labels\.folder"):
        read_labels(folder=None, csv_file=None)


def test_a_folder_or_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="there is no such folder"):
        read_labels(folder=tmp_path / "none", csv_file=None)
    with pytest.raises(LabelsError, match="cannot be read"):
        read_labels(folder=None, csv_file=tmp_path / "none.csv")
