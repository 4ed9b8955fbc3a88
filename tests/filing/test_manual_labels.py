"""What a person does in the file manager becomes labels: moved, put in, renamed; once they agree, and only once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from classifier.catalog import annotation_log
from classifier.catalog.categories import read_aliases
from classifier.catalog.connection import read_catalog
from classifier.catalog.stats import library_stats
from classifier.errors import Message
from classifier.filing import renamed_folders
from classifier.filing.reconcile import open_library
from classifier.filing.settle_changes import Answer, settle_changes, settle_if_free
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.images import ignored_files
from classifier.labels.from_annotations import read_feedback
from classifier.progress import SilentProgress
from classifier.records import AnnotationKind, Method
from classifier.settings import Settings
from kit.by_hand import drag, labels_of, pictures_in, settle
from kit.filing import image_id_of
from kit.progress import SavingProgress
from kit.sorting import MANIFEST, sort

if TYPE_CHECKING:
    pass

KINDS = ("kind_a", "kind_b", "kind_c")
CRAWL = {"a1.jpg": b"a1", "a2.jpg": b"a2", "b1.jpg": b"b1", "b2.jpg": b"b2"}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Two pictures of each kind, filed."""
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    for name, content in CRAWL.items():
        (crawl / name).write_bytes(content)
    sort_again(tmp_path / "library")
    return tmp_path / "library"


def sort_again(library: Path) -> None:
    sort(library, library.parent / "crawl", method=Method.COPY, batch=10, sidecars=False)


def draw(path: Path, color: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), color).save(path)


def test_a_picture_moved_to_another_category_is_labeled_with_it(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "kind_b/a1.jpg")

    assert settle(library).as_dict() == {"moved": {"kind_b": 1}, "added": {}}

    assert labels_of(library) == {"kind_b/a1.jpg": "kind_b"}
    sort_again(library)
    assert pictures_in(library) == {"kind_a/a2.jpg", "kind_b/a1.jpg", "kind_b/b1.jpg", "kind_b/b2.jpg"}


def test_a_label_from_the_file_manager_is_no_evidence_of_an_error_rate(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "kind_b/a1.jpg")
    settle(library)

    assert [label.selection.value for label in read_feedback(library).labels] == ["person"]


def test_a_picture_moved_to_unknown_is_labeled_as_none(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "_unknown/a1.jpg")
    settle(library)

    annotations = read_feedback(library).annotations
    assert [one.kind for one in annotations.values()] == [AnnotationKind.NONE]
    sort_again(library)
    assert "_unknown/a1.jpg" in pictures_in(library)


def test_a_picture_moved_to_review_loses_the_label_that_it_had(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "kind_b/a1.jpg")
    settle(library)
    drag(library, "kind_b/a1.jpg", "_review/a1.jpg")

    assert settle(library).moved

    assert labels_of(library) == {}


def test_a_picture_moved_twice_has_the_label_of_the_last_folder(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "kind_b/a1.jpg")
    settle(library)
    drag(library, "kind_b/a1.jpg", "kind_a/a1.jpg")
    settle(library)

    assert labels_of(library) == {"kind_a/a1.jpg": "kind_a"}


def test_nothing_is_asked_twice(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "kind_b/a1.jpg")
    draw(library / "kind_a" / "mine.png", "red")
    asked: list[Message] = []

    def ask(question: Message) -> bool:
        asked.append(question)
        return False

    for _ in range(2):
        settle_if_free(library, Settings(), ask=ask, progress=SilentProgress())

    assert asked == [f"by you in {library}: 1 picture moved, 1 picture put in; learn from that?"]
    assert labels_of(library) == {}
    assert "kind_b/a1.jpg" in pictures_in(library)


def test_without_a_person_to_ask_the_command_is_named(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "kind_b/a1.jpg")
    progress = SavingProgress()

    settle_if_free(library, Settings(), ask=None, progress=progress)

    assert any("--learn" in line and "1 picture moved" in line for line in progress.messages)
    assert settle(library).moved


def test_a_move_within_a_category_asks_nothing_and_stays(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "kind_a/best/first.jpg")

    assert not settle(library).any
    sort_again(library)
    assert "kind_a/best/first.jpg" in pictures_in(library)


def test_a_new_folder_is_a_new_category(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "chibi/a1.jpg")
    drag(library, "kind_b/b1.jpg", "chibi/b1.jpg")
    settle(library)

    assert labels_of(library) == {"chibi/a1.jpg": "chibi", "chibi/b1.jpg": "chibi"}
    with read_catalog(library) as catalog:
        assert read_aliases(catalog).made == ("chibi",)


def test_a_folder_whose_name_no_category_can_have_makes_no_label(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "con/a1.jpg")
    progress = SavingProgress()

    with open_library(library, SilentProgress()) as catalog:
        settle_changes(catalog, library, Settings(), ask=None, progress=progress, answer=Answer.LEARN)

    assert labels_of(library) == {}
    assert any("'con'" in line for line in progress.messages)
    sort_again(library)
    assert "con/a1.jpg" in pictures_in(library)


def test_a_renamed_folder_is_the_new_name_of_its_category(library: Path) -> None:
    (library / "kind_a").rename(library / "cats")
    (library.parent / "crawl" / "a3.jpg").write_bytes(b"a3")

    sort_again(library)

    assert pictures_in(library) >= {"cats/a1.jpg", "cats/a2.jpg", "cats/a3.jpg"}
    assert not settle(library).any
    assert labels_of(library) == {}
    with read_catalog(library) as catalog:
        assert read_aliases(catalog).resolve("kind_a") == "cats"
    assert library_stats(library).filed == {"cats": 3, "kind_b": 2}


def test_a_folder_renamed_back_has_its_category_as_before(library: Path) -> None:
    for old, new in (("kind_a", "cats"), ("cats", "kind_a")):
        (library / old).rename(library / new)
        assert not settle(library).any

    with read_catalog(library) as catalog:
        assert {name: read_aliases(catalog).resolve(name) for name in ("kind_a", "kind_b")} == {
            "kind_a": "kind_a",
            "kind_b": "kind_b",
        }


def test_a_folder_renamed_to_another_category_of_the_model_moves_its_pictures(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        renamed_folders, "manifest_or_none", lambda _: MANIFEST.model_copy(update={"categories": KINDS})
    )
    (library / "kind_a").rename(library / "kind_c")

    assert settle(library).as_dict() == {"moved": {"kind_c": 2}, "added": {}}

    with read_catalog(library) as catalog:
        assert read_aliases(catalog).resolve("kind_a") == "kind_a"
    assert set(labels_of(library).values()) == {"kind_c"}


@pytest.mark.parametrize("name", ["KIND_B", "con", "re:d", "x" * 210])
def test_a_folder_renamed_to_what_no_category_can_be_called_is_left(library: Path, name: str) -> None:
    (library / "kind_a").rename(library / name)

    settle(library)

    assert labels_of(library) == {}
    with read_catalog(library) as catalog:
        assert read_aliases(catalog).resolve("kind_a") == "kind_a"
    sort_again(library)
    assert f"{name}/a1.jpg" in pictures_in(library)


@pytest.mark.parametrize(
    ("answer", "known"), [(Answer.LEAVE, {}), (Answer.LEARN, {"cats/b1.jpg": "cats", "cats/b2.jpg": "cats"})]
)
@pytest.mark.parametrize("folder", ["kind_a", "mine"])
def test_what_was_moved_by_hand_stays_so_when_its_folder_is_renamed(
    library: Path, answer: Answer, known: dict[str, str], folder: str
) -> None:
    drag(library, "kind_b/b1.jpg", f"{folder}/b1.jpg")
    drag(library, "kind_b/b2.jpg", f"{folder}/b2.jpg")
    settle(library, answer)
    (library / folder).rename(library / "cats")

    settle(library)
    sort_again(library)

    assert "cats/b1.jpg" in pictures_in(library)
    assert not (library / folder).exists()
    assert labels_of(library) == known


@pytest.mark.parametrize("folder", ["", "_mine/", ".mine/"])
def test_a_picture_moved_out_of_all_categories_says_nothing_and_undo_names_it(library: Path, folder: str) -> None:
    drag(library, "kind_a/a1.jpg", f"{folder}a1.jpg")

    assert not settle(library).any

    sort_again(library)
    assert f"{folder}a1.jpg" in pictures_in(library)
    assert [left.path.name for left in undo(library, run=1).left] == ["a1.jpg"]


def test_the_only_picture_of_a_folder_moved_elsewhere_renames_nothing(library: Path) -> None:
    (library / "kind_a" / "a2.jpg").unlink()
    drag(library, "kind_a/a1.jpg", "cats/a1.jpg")
    (library / "kind_a").rmdir()

    assert settle(library).as_dict()["moved"] == {"cats": 1}

    with read_catalog(library) as catalog:
        assert read_aliases(catalog).resolve("kind_a") == "kind_a"


def test_a_picture_put_into_two_categories_is_labeled_with_neither(library: Path) -> None:
    for kind in ("kind_a", "kind_b"):
        draw(library / kind / "mine.png", "red")

    settle(library)

    assert labels_of(library) == {}


def test_a_picture_that_is_still_being_copied_waits(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(library / "kind_a" / "mine.png", "red")
    monkeypatch.setattr(ignored_files, "_has_changed", lambda _: True)
    settle(library)
    assert labels_of(library) == {}

    monkeypatch.undo()
    settle(library)

    assert labels_of(library) == {"kind_a/mine.png": "kind_a"}


def test_a_folder_renamed_after_one_picture_was_moved_out_and_one_in_is_renamed(library: Path) -> None:
    (library.parent / "crawl" / "a3.jpg").write_bytes(b"a3")
    sort_again(library)
    drag(library, "kind_a/a1.jpg", "kind_b/a1.jpg")
    (library / "kind_a").rename(library / "cats")
    drag(library, "kind_b/b1.jpg", "cats/b1.jpg")

    assert settle(library).as_dict()["moved"] == {"kind_b": 1, "cats": 1}

    with read_catalog(library) as catalog:
        assert read_aliases(catalog).resolve("kind_a") == "cats"
    assert labels_of(library) == {"kind_b/a1.jpg": "kind_b", "cats/b1.jpg": "cats"}
    sort_again(library)
    assert pictures_in(library) == {
        "cats/a2.jpg",
        "cats/a3.jpg",
        "cats/b1.jpg",
        "kind_b/a1.jpg",
        "kind_b/b2.jpg",
    }


def test_a_folder_with_the_old_name_of_a_category_makes_no_labels(library: Path) -> None:
    (library / "kind_a").rename(library / "cats")
    settle(library)
    drag(library, "kind_b/b1.jpg", "kind_a/b1.jpg")
    progress = SavingProgress()

    with open_library(library, SilentProgress()) as catalog:
        settle_changes(catalog, library, Settings(), ask=None, progress=progress, answer=Answer.LEARN)

    assert labels_of(library) == {}
    assert any("give it another name" in line for line in progress.messages)


def test_another_file_where_one_was_no_label_is_asked_about(library: Path) -> None:
    (library / "kind_a" / "mine.png").write_bytes(b"")
    settle(library)
    assert labels_of(library) == {}

    draw(library / "kind_a" / "mine.png", "red")
    settle(library)

    assert labels_of(library) == {"kind_a/mine.png": "kind_a"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_folder_whose_name_is_not_in_utf_8_is_a_persons_own(library: Path) -> None:
    folder = os.fsdecode(os.fsencode(library) + b"/caf\xe9")
    os.mkdir(folder)  # noqa: PTH102 - the name is no text
    (library / "kind_a" / "a1.jpg").rename(Path(folder, "a1.jpg"))
    draw(Path(folder, "mine.png"), "red")

    assert not settle(library).any

    sort_again(library)
    assert Path(folder, "a1.jpg").is_file()
    assert verify(library).off == []


def test_a_folder_emptied_into_an_existing_one_is_not_renamed(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "kind_b/a1.jpg")
    drag(library, "kind_a/a2.jpg", "kind_b/a2.jpg")
    (library / "kind_a").rmdir()

    assert settle(library).as_dict() == {"moved": {"kind_b": 2}, "added": {}}


def test_a_picture_put_in_is_a_label_and_counts(library: Path) -> None:
    draw(library / "kind_a" / "old" / "mine.png", "red")

    assert settle(library).as_dict()["added"] == {"kind_a": 1}

    assert labels_of(library) == {"kind_a/old/mine.png": "kind_a"}
    assert library_stats(library).filed == {"kind_a": 3, "kind_b": 2}
    assert verify(library).yours == []
    assert verify(library).off == []
    while undo(library).undone is not None:
        pass
    assert pictures_in(library) == {"kind_a/old/mine.png"}


def test_the_same_picture_in_the_crawl_is_not_filed_again(library: Path) -> None:
    draw(library / "kind_a" / "mine.png", "red")
    settle(library)
    crawled = library.parent / "crawl" / "copy.png"
    crawled.write_bytes((library / "kind_a" / "mine.png").read_bytes())
    before = pictures_in(library)

    sort_again(library)

    assert pictures_in(library) == before


def test_a_copy_of_a_filed_picture_is_no_label(library: Path) -> None:
    (library / "kind_b" / "copy.jpg").write_bytes(b"a1")

    settle(library)

    assert labels_of(library) == {}
    assert pictures_in(library) >= {"kind_a/a1.jpg", "kind_b/copy.jpg"}


def test_what_was_deleted_makes_no_label_and_does_not_return(library: Path) -> None:
    (library / "kind_a" / "a1.jpg").unlink()

    assert not settle(library).any

    sort_again(library)
    assert "kind_a/a1.jpg" not in pictures_in(library)


def test_an_answer_in_review_is_later_than_the_move(library: Path) -> None:
    drag(library, "kind_a/a1.jpg", "kind_b/a1.jpg")
    settle(library)
    with open_library(library, SilentProgress()) as catalog:
        held = annotation_log.latest(catalog)[image_id_of(b"a1")]
        annotation_log.add(catalog, replace(held, category="kind_a", origin="review", id=0))

    sort_again(library)

    assert "kind_a/a1.jpg" in pictures_in(library)
