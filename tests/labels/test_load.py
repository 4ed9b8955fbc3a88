"""Labels are category folders or a CSV file; unusable ones are an error in one line."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from classifier.errors import LabelsError
from classifier.labels.load import categories_of, read_labels
from classifier.records import Label
from kit.progress import SavingProgress
from kit.tree import Tree, make_tree

PICTURE = b"\x89PNG\r\n\x1a\n"


def labeled(folder: Path) -> dict[str, list[str]]:
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

    assert {"cat": ["cat/a.png", "cat/more/deep/b.png"], "狗": ["狗/c.png", "狗/no extension"]} == labeled(tmp_path)


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
        ({}, "holds no labeled pictures"),
        ({"loose.png": PICTURE}, "holds no labeled pictures"),
        ({"cat": {"a.png": PICTURE, "b.png": PICTURE}, "dog": {}}, "this category is empty"),
        ({"cat": {"a.png": PICTURE, "b.png": PICTURE}, "dog": {"a.txt": b"x"}}, "this category is empty"),
        ({"cat": {"a.png": PICTURE, "b.png": PICTURE}, "dog": {"c.png": PICTURE}}, "'dog' has 1 picture"),
        ({"cat": {"a.png": PICTURE, "b.png": PICTURE}}, "only one category"),
    ],
)
def test_labels_that_cannot_be_used_are_reported(tmp_path: Path, tree: Tree, says: str) -> None:
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
        ("file_name,label\na.png,Fate, Grand Order\n", "line 2: more columns than the first line has"),
        ('file_name,label\n"a\n.png",x\na.png,Fate, Grand Order\n', "line 4: more columns"),
        ("", "has no column file_name and label"),
    ],
)
def test_a_bad_csv_is_reported_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    make_tree(tmp_path, {"a.png": PICTURE, "labels.csv": text.encode()})
    with pytest.raises(LabelsError, match=r"labels\.csv") as caught:
        read_labels(folder=None, csv_file=tmp_path / "labels.csv")
    assert says in str(caught.value)


def test_all_errors_of_a_csv_are_reported_together(tmp_path: Path) -> None:
    rows = "".join(f"{n}.png,cat\n" for n in range(14))
    make_tree(tmp_path, {"a.png": PICTURE, "labels.csv": f"file_name,label\na.png,\n{rows}".encode()})
    with pytest.raises(LabelsError) as caught:
        read_labels(folder=None, csv_file=tmp_path / "labels.csv")

    said = str(caught.value)
    assert f"labels.csv, line 2: file_name or label is empty; line 3: there is no file {tmp_path / '0.png'}; " in said
    assert said.endswith("; and 5 more")
    assert 1 == len(said.splitlines())


def test_an_error_of_many_rows_is_reported_once(tmp_path: Path) -> None:
    rows = "a.png,Fate, Grand Order\n" * 14
    make_tree(tmp_path, {"a.png": PICTURE, "labels.csv": f"file_name,label\n{rows}".encode()})
    with pytest.raises(LabelsError, match=r"labels\.csv, lines 2, 3, .*, 11, and 4 more: more columns than .* quotes"):
        read_labels(folder=None, csv_file=tmp_path / "labels.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_csv_from_a_spreadsheet_is_read(tmp_path: Path, encoding: str) -> None:
    """With a byte order mark, a name in quotes, empty columns at the end and rows of empty cells."""
    make_tree(tmp_path, dict.fromkeys(("a.png", "b.png", "c.png", "d.png"), PICTURE))
    rows = [
        "file_name,label",
        'a.png,"Fate, Grand Order",,',
        'b.png,"Fate, Grand Order"',
        ",,,",
        "c.png,猫",
        "d.png,猫",
    ]
    (tmp_path / "labels.csv").write_bytes("\r\n".join([*rows, "", ""]).encode(encoding))
    labels = read_labels(folder=None, csv_file=tmp_path / "labels.csv")

    assert ["Fate, Grand Order"] * 2 + ["猫"] * 2 == [label.category for label in labels]


def test_a_csv_that_excel_saved_on_chinese_windows_is_read_and_said(tmp_path: Path) -> None:
    make_tree(tmp_path, dict.fromkeys(("猫一.png", "猫二.png", "狗一.png", "狗二.png"), PICTURE))
    rows = ["file_name,label", "猫一.png,猫", "猫二.png,猫", "狗一.png,狗", "狗二.png,狗"]
    (tmp_path / "labels.csv").write_bytes("\r\n".join([*rows, ""]).encode("gbk"))
    progress = SavingProgress()
    labels = read_labels(folder=None, csv_file=tmp_path / "labels.csv", progress=progress)

    assert ["狗", "狗", "猫", "猫"] == sorted(label.category for label in labels)
    assert [
        f'{tmp_path / "labels.csv"} is read as GBK; if names are wrong, save it as "CSV UTF-8"'
    ] == progress.messages


@pytest.mark.parametrize(("encoding", "name"), [("shift_jis", "表猫"), ("utf-16", "猫"), ("cp1252", "étoile à côté")])
def test_a_csv_in_another_encoding_is_one_line_that_says_what_to_do(tmp_path: Path, encoding: str, name: str) -> None:
    (tmp_path / "labels.csv").write_bytes(f"file_name,label\na.png,{name}\n".encode(encoding))
    with pytest.raises(LabelsError, match=r"is not UTF-8 .*; save it as") as caught:
        read_labels(folder=None, csv_file=tmp_path / "labels.csv")
    assert 1 == len(str(caught.value).splitlines())


def test_labels_may_be_links_to_files(tmp_path: Path) -> None:
    """As `illsort label --mode symlink` makes them."""
    crawl = make_tree(tmp_path / "crawl", dict.fromkeys(("a.png", "b.png", "c.png", "d.png"), PICTURE))
    labels = make_tree(tmp_path / "labels", {"cat": {}, "dog": {}})
    for name, category in (("a.png", "cat"), ("b.png", "cat"), ("c.png", "dog"), ("d.png", "dog")):
        (labels / category / name).symlink_to(crawl / name)

    assert {"cat": ["cat/a.png", "cat/b.png"], "dog": ["dog/c.png", "dog/d.png"]} == labeled(labels)


def test_links_to_folders_and_dangling_links_are_skipped_and_reported(tmp_path: Path) -> None:
    tree: Tree = {"cat": {"a.png": PICTURE, "b.png": PICTURE}, "dog": {"c.png": PICTURE, "d.png": PICTURE}}
    labels = make_tree(tmp_path / "labels", tree)
    (labels / "cat" / "all of them").symlink_to(labels)
    (labels / "cat" / "gone.png").symlink_to(tmp_path / "gone.png")
    progress = SavingProgress()
    found = read_labels(folder=labels, csv_file=None, progress=progress)

    assert 4 == len(found)
    assert [f"{labels / 'cat'}: 2 links are no labels: they lead to folders or to nothing"] == progress.messages


def test_a_category_of_dangling_links_is_not_called_empty(tmp_path: Path) -> None:
    labels = make_tree(tmp_path, {"cat": {"a.png": PICTURE, "b.png": PICTURE}, "dog": {}, "emu": {}})
    (labels / "dog" / "gone.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(LabelsError, match=r"dog: .* holds no picture, but 1 links .*; .*emu: this category is empty"):
        read_labels(folder=labels, csv_file=None)


def test_a_category_in_two_unicode_forms_is_merged_and_reported(tmp_path: Path) -> None:
    nfc, nfd = "ガール", unicodedata.normalize("NFD", "ガール")
    make_tree(tmp_path, {nfc: {"a.png": PICTURE}, nfd: {"b.png": PICTURE}, "cat": {"c.png": PICTURE, "d.png": PICTURE}})
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system has one form alone")
    progress = SavingProgress()
    labels = read_labels(folder=tmp_path, csv_file=None, progress=progress)

    assert ("cat", nfc) == categories_of(labels)
    assert {tmp_path / nfc / "a.png", tmp_path / nfd / "b.png"} == {one.path for one in labels if one.category == nfc}
    assert ["labels: 2 folders are the category ガール, in two forms of Unicode"] == progress.messages


def test_a_csv_and_review_name_a_category_in_its_composed_form(tmp_path: Path) -> None:
    make_tree(tmp_path, dict.fromkeys(("a.png", "b.png", "c.png"), PICTURE))
    nfd = unicodedata.normalize("NFD", "ガール")
    (tmp_path / "labels.csv").write_text(f"file_name,label\na.png,{nfd}\nb.png,cat\nc.png,cat\n", "utf-8")
    further = (Label(path=tmp_path / "c.png", category=nfd),)
    labels = read_labels(folder=None, csv_file=tmp_path / "labels.csv", further=further)

    assert ("cat", "ガール") == categories_of(labels)


def test_system_folders_and_unfinished_files_are_skipped_and_reported(tmp_path: Path) -> None:
    two: Tree = {"a.png": PICTURE, "b.png": PICTURE}
    tree: Tree = {"cat": {**two, "@eaDir": two, "._a.png": b"\0\5\26\7"}, "dog": {**two, "c.png.part": PICTURE}}
    progress = SavingProgress()
    labels = read_labels(folder=make_tree(tmp_path, {**tree, "@eaDir": two}), csv_file=None, progress=progress)

    assert {"cat": 2, "dog": 2} == dict(Counter(label.category for label in labels))
    assert [
        "labels: 1 unfinished download was passed over; it is taken once it is complete",
        "labels: passed over: 2 of the system (trash, thumbnails and the like)",
    ] == progress.messages


def test_a_folder_that_cannot_be_read_is_a_label_that_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads all, so that permissions would prove nothing."""
    two: Tree = {"a.png": PICTURE, "b.png": PICTURE}
    make_tree(tmp_path, {"cat": two, "dog": {**two, "secret": two}})
    listing = os.scandir

    def refusing(folder: Any) -> Any:
        if Path(folder).name == "secret":
            raise PermissionError(13, "Permission denied", folder)
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refusing)

    assert ["a.png", "b.png", "secret"] == [Path(name).name for name in labeled(tmp_path)["dog"]]


def test_labels_without_a_source_are_reported() -> None:
    with pytest.raises(LabelsError, match=r"set labels\.folder"):
        read_labels(folder=None, csv_file=None)


def test_a_missing_folder_or_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="there is no such folder"):
        read_labels(folder=tmp_path / "none", csv_file=None)
    with pytest.raises(LabelsError, match="cannot be read"):
        read_labels(folder=None, csv_file=tmp_path / "none.csv")


@pytest.mark.parametrize(("inner", "is_said"), [(("cats", "dogs"), True), (("older",), False), ((), False)])
def test_folders_that_look_like_nested_categories_are_named(
    tmp_path: Path, inner: tuple[str, ...], *, is_said: bool
) -> None:
    two: Tree = {"1.png": PICTURE, "2.png": PICTURE}
    make_tree(tmp_path, {"animal": {**two, **{name: dict(two) for name in inner}}, "scenery": dict(two)})

    def said(depth: int) -> list[str]:
        progress = SavingProgress()
        read_labels(folder=tmp_path, csv_file=None, depth=depth, progress=progress)
        return [message for message in progress.messages if "labels.depth = 2" in message]

    hint = "labels: 2 folders within categories, such as animal/cats, count for the category around them"
    assert [hint] * is_said == [message.partition(";")[0] for message in said(1)]
    assert [] == said(2)
