"""Labeling into a folder that has categories already: they are offered, and their images are counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from classifier.active.sample import take_sample
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.queue import QueueFilter
from classifier.cli.label import _next
from classifier.errors import LibraryError
from classifier.labels.from_annotations import placed_by_hand
from classifier.records import AnnotationKind
from classifier.settings import LabelSettings, ModelSettings, RuntimeSettings, Settings
from classifier.web.history import Answer
from classifier.web.pending_moves import file_decided
from classifier.web.session import ReviewSession
from kit.pictures import busy, encoded
from kit.progress import SavingProgress
from kit.reviewing import served
from kit.tree import all_files

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = Settings(model=ModelSettings(image_size=64), runtime=RuntimeSettings(workers=0))
BEFORE = {"cat": 3, "dog/puppies": 2, "con": 1, "_private": 1, ".hidden": 1, "empty": 0}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A folder that a person filled by hand, beside a crawl of four pictures."""
    number = 100
    for name, count in BEFORE.items():
        folder = tmp_path / "labels" / name
        folder.mkdir(parents=True)
        for _ in range(count):
            number += 1
            (folder / f"{number}.png").write_bytes(encoded(busy(number, (60, 40)), "PNG"))
    (tmp_path / "labels" / "cat" / "notes.txt").write_text("mine")
    (tmp_path / "crawl").mkdir()
    for number in range(4):
        (tmp_path / "crawl" / f"{number}.png").write_bytes(encoded(busy(number, (60, 40)), "PNG"))
    return tmp_path / "labels"


def sampled(labels: Path, *, depth: int = 1) -> SavingProgress:
    progress = SavingProgress()
    settings = SETTINGS.model_copy(update={"labels": LabelSettings(depth=depth)})
    take_sample(labels.with_name("crawl"), library=labels, settings=settings, progress=progress)
    return progress


def offered(labels: Path) -> dict[str, tuple[str, int]]:
    """What the page offers: key and number of labels of each category."""
    with served(labels) as client:
        state: dict[str, Any] = client.get("/api/state").json()
    return {one["name"]: (one["key"], one["said"]) for one in state["categories"]}


def test_categories_filled_by_hand_have_keys_and_are_counted(labels: Path) -> None:
    before = all_files(labels)
    progress = sampled(labels)

    assert {"cat": ("1", 3), "dog": ("2", 2)} == offered(labels)
    assert [f"already in {labels}: cat 3, dog 2"] == [one for one in progress.messages if one.startswith("already in")]
    assert 1 == sum("'con'" in one for one in progress.messages)
    assert before.items() <= all_files(labels).items()
    sampled(labels)
    assert {"cat": ("1", 3), "dog": ("2", 2)} == offered(labels)


def test_nested_folders_are_nested_categories_where_the_settings_say_so(labels: Path) -> None:
    sampled(labels, depth=2)

    assert {"cat": ("1", 3), "dog/puppies": ("2", 2)} == offered(labels)
    sampled(labels)
    assert {"cat": ("1", 3), "dog/puppies": ("2", 2)} == offered(labels)


def test_a_new_label_is_counted_once_before_and_after_it_is_filed(labels: Path) -> None:
    sampled(labels)
    with open_catalog(labels) as catalog:
        session = ReviewSession(catalog, by_hand=placed_by_hand(catalog, labels))
        pictures = [row.image_id for row in session.page(QueueFilter(), after=None, limit=9)]
        session.record([Answer(image_id=one, kind=AnnotationKind.RIGHT, category="cat") for one in pictures[:2]])
        assert {"cat": 5, "dog": 2} == {one["name"]: one["said"] for one in session.state()["categories"]}
    file_decided(labels)

    assert {"cat": ("1", 5), "dog": ("2", 2)} == offered(labels)
    assert f"8 labels in {labels}: cat 5, dog 2, con 1" in _next(labels)
    assert any(line.startswith("2 of 4 drawn pictures are not judged yet: until all are,") for line in _next(labels))
    with open_catalog(labels) as catalog:
        ReviewSession(catalog).record([Answer(image_id=one, kind=AnnotationKind.SKIPPED) for one in pictures[2:]])
    assert any(line.startswith("all 4 drawn pictures are judged: --max-error is") for line in _next(labels))


def test_a_folder_filled_by_hand_is_not_renamed_in_part(labels: Path) -> None:
    sampled(labels)
    with open_catalog(labels) as catalog:
        session = ReviewSession(catalog, by_hand=placed_by_hand(catalog, labels))
        with pytest.raises(LibraryError, match="3 pictures in 'cat' were put there by you"):
            session.rename_category("cat", "kitten")
    with read_catalog(labels) as catalog:
        assert {"cat": 3, "con": 1, "dog": 2} == placed_by_hand(catalog, labels)
