"""Annotations become labels, and the latest takes precedence over any label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.catalog import annotation_log, categories
from classifier.catalog.connection import open_catalog
from classifier.catalog.places import place_of
from classifier.catalog.values import to_path
from classifier.errors import LabelsError, LibraryError
from classifier.images.hashing import hash_bytes
from classifier.labels.dataset import read_examples
from classifier.labels.from_annotations import read_feedback
from classifier.labels.load import read_labels
from classifier.progress import SilentProgress
from classifier.records import Annotation, AnnotationKind, Label
from kit.audits import Kind, filed_library
from kit.labels import read_here
from kit.pictures import encoded, varied
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.records import ImageId

PICTURES = [encoded(varied((40 * number, 90, 30), seed=number), "PNG") for number in range(6)]


def said_of(
    picture: ImageId, said: AnnotationKind, category: str | None, at: str = "2026-11-24T10:00:00+00:00"
) -> Annotation:
    return Annotation(image_id=picture, kind=said, category=category, origin="review", at=at)


def library_with(folder: Path, *said: tuple[int, AnnotationKind, str | None]) -> Path:
    """A library in which three pictures are filed as "a"; what is said of them by number, in that order."""
    library = filed_library(folder, Kind(category="a", confidences=(0.9, 0.8, 0.7)))
    with open_catalog(library) as catalog:
        for number, what, category in said:
            annotation_log.add(catalog, said_of(hash_bytes(f"a {number}".encode()), what, category))
    return library


def test_an_image_judged_right_is_a_label_of_its_folder(tmp_path: Path) -> None:
    library = library_with(
        tmp_path, (0, AnnotationKind.RIGHT, "a"), (1, AnnotationKind.RIGHT, "b"), (2, AnnotationKind.WRONG, "a")
    )
    feedback = read_feedback(library)

    assert [("a 0.png", "a"), ("a 1.png", "b")] == sorted((one.path.name, one.category) for one in feedback.labels)
    assert all(one.path.is_file() for one in feedback.labels)


def test_a_retracted_annotation_is_no_label(tmp_path: Path) -> None:
    library = library_with(tmp_path, (0, AnnotationKind.RIGHT, "a"), (0, AnnotationKind.TAKEN_BACK, "a"))

    assert () == read_feedback(library).labels


def test_without_a_library_there_are_no_annotations() -> None:
    assert () == read_feedback(None).labels


def test_a_folder_that_is_not_a_library_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=tmp_path.name):
        read_feedback(tmp_path)


@pytest.mark.parametrize(
    ("said", "category", "left"),
    [
        (AnnotationKind.RIGHT, "b", {"a": 2, "b": 4}),
        (AnnotationKind.NONE, None, {"a": 2, "b": 3}),
        (AnnotationKind.WRONG, "a", {"a": 2, "b": 3}),
        (AnnotationKind.WRONG, "b", {"a": 3, "b": 3}),
    ],
)
def test_an_annotation_overrides_the_label_of_an_image(
    tmp_path: Path, said: AnnotationKind, category: str | None, left: dict[str, int]
) -> None:
    labels = make_tree(
        tmp_path / "labels",
        {kind: {f"{n}.png": PICTURES[3 * group + n] for n in range(3)} for group, kind in enumerate("ab")},
    )
    library = filed_library(tmp_path / "other", Kind(category="a", confidences=()))
    with open_catalog(library) as catalog:
        annotation_log.add(catalog, said_of(hash_bytes(PICTURES[0]), said, category))
    examples, _ = read_examples(
        read_labels(folder=labels, csv_file=None),
        read=read_here,
        progress=SilentProgress(),
        feedback=read_feedback(library),
    )
    found = [example.label.category for example in examples]

    assert left == {kind: found.count(kind) for kind in "ab"}


def test_further_labels_are_used_alone_or_with_those_of_the_folder(tmp_path: Path) -> None:
    library = library_with(
        tmp_path, (0, AnnotationKind.RIGHT, "a"), (1, AnnotationKind.RIGHT, "a"), (2, AnnotationKind.RIGHT, "b")
    )
    further = read_feedback(library).labels
    labels = make_tree(
        tmp_path / "labels", {"b": {"4.png": PICTURES[4]}, "c": {"5.png": PICTURES[5], "6.png": b"\x89PNG"}}
    )

    with pytest.raises(LabelsError, match="category 'b' has 1 picture"):
        read_labels(folder=None, csv_file=None, further=further)
    beside = read_labels(folder=labels, csv_file=None, further=further)
    assert ["a", "a", "b", "b", "c", "c"] == [label.category for label in beside]


def test_labels_take_the_names_that_a_person_gave_their_categories(tmp_path: Path) -> None:
    library = library_with(tmp_path)
    with open_catalog(library) as catalog:
        categories.rename(catalog, "a", "z", at="2026-11-24T10:00:00+00:00", step=1)
    labels = tuple(Label(path=tmp_path / name, category=name) for name in "ab")

    assert ["b", "z"] == [label.category for label in read_feedback(library).with_current_names(labels)]


def test_a_picture_that_left_the_library_is_no_label(tmp_path: Path) -> None:
    library = library_with(tmp_path, (0, AnnotationKind.RIGHT, "a"))
    with open_catalog(library) as catalog:
        place = place_of(catalog, hash_bytes(b"a 0"))
        assert place is not None
        assert (library / to_path(place.path)).is_file()
        with catalog.transaction():
            catalog.connection.execute("DELETE FROM places")

    assert () == read_feedback(library).labels
