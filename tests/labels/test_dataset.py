"""Labeled images are read once each; contradicting labels are an error, unreadable images are listed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from classifier.errors import LabelsError
from classifier.labels.dataset import read_examples
from classifier.labels.load import read_labels
from classifier.records import Example, Failure, FailureKind, Label
from kit.labels import read_here
from kit.progress import SavingProgress
from kit.tree import Tree, make_tree


def picture(red: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), (red, 90, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def read(folder: Path, tree: Tree) -> tuple[tuple[Example, ...], tuple[tuple[Label, Failure], ...]]:
    labels = read_labels(folder=make_tree(folder, tree), csv_file=None)
    return read_examples(labels, read=read_here, progress=SavingProgress())


def test_one_content_under_two_names_is_one_example(tmp_path: Path) -> None:
    examples, failures = read(
        tmp_path,
        {
            "a": {"1.png": picture(1), "1 copy.png": picture(1), "2.png": picture(2)},
            "b": {"3.png": picture(3), "4.png": picture(4)},
        },
    )

    assert ["1 copy.png", "2.png", "3.png", "4.png"] == [e.label.path.name for e in examples]
    assert () == failures


def test_one_content_in_two_categories_is_refused_with_both_names(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="one picture in two categories") as caught:
        read(
            tmp_path, {"a": {"1.png": picture(1), "2.png": picture(2)}, "b": {"x.png": picture(1), "3.png": picture(3)}}
        )
    assert str(tmp_path / "a" / "1.png") in str(caught.value)
    assert str(tmp_path / "b" / "x.png") in str(caught.value)


def test_all_contradictions_are_counted_and_ten_are_listed(tmp_path: Path) -> None:
    pictures = {f"{n:02}.png": picture(n) for n in range(12)}
    with pytest.raises(LabelsError) as caught:
        read(tmp_path, {"a": pictures, "b": {**pictures, "own.png": picture(90), "own2.png": picture(91)}})

    said = str(caught.value)
    assert said.startswith("12 pictures stand in two categories: ")
    assert all(str(tmp_path / category / f"{n:02}.png") in said for n in range(10) for category in "ab")
    assert said.endswith("; and 2 more; keep one of each")
    assert 1 == len(said.splitlines())


def test_all_categories_with_too_few_images_are_listed_together(tmp_path: Path) -> None:
    tree: Tree = {"good": {"1.png": picture(1), "2.png": picture(2)}}
    with pytest.raises(LabelsError, match=r"category 'p': only 0 .* of 2; category 'q': only 1 .* of 2;"):
        read(tmp_path, {**tree, "p": {"x.png": b"", "y.png": b""}, "q": {"3.png": picture(3), "z.png": b""}})


def test_an_unreadable_image_is_reported_and_the_rest_is_used(tmp_path: Path) -> None:
    examples, failures = read(
        tmp_path,
        {
            "a": {"1.png": picture(1), "2.png": picture(2), "page.jpg": b"<html>404</html>"},
            "b": {"3.png": picture(3), "4.png": picture(4)},
        },
    )

    assert 4 == len(examples)
    assert [("page.jpg", FailureKind.NOT_AN_IMAGE)] == [(label.path.name, failure.kind) for label, failure in failures]


def test_too_few_different_readable_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="category 'b': only 1 different readable picture is left of 3"):
        read(
            tmp_path,
            {
                "a": {"1.png": picture(1), "2.png": picture(2)},
                "b": {"3.png": picture(3), "3 again.png": picture(3), "empty.png": b""},
            },
        )
