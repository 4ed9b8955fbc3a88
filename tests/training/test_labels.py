"""The labels of a library are gathered from where its files lie now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalog
from classifier.images.hashing import hash_bytes
from classifier.records import Annotation, AnnotationKind
from classifier.settings import LabelSettings, Settings
from classifier.training.labels import gather
from kit.audits import Kind, filed_library
from kit.progress import SavingProgress

if TYPE_CHECKING:
    from pathlib import Path


def test_renamed_labels_are_used_and_deleted_ones_are_not(tmp_path: Path) -> None:
    kinds = [Kind(category=category, confidences=(0.9, 0.8, 0.7)) for category in ("a", "b")]
    library = filed_library(tmp_path, *kinds)
    with open_catalog(library) as catalog:
        for name in ("a 0", "a 1", "a 2", "b 0", "b 1"):
            picture, at = hash_bytes(name.encode()), "2026-11-24T10:00:00+00:00"
            verdict = Annotation(image_id=picture, kind=AnnotationKind.RIGHT, category=name[0], origin="review", at=at)
            annotation_log.add(catalog, verdict)
    (library / "a/a 0.png").rename(library / "a/renamed.png")
    (library / "a/a 1.png").unlink()
    progress = SavingProgress()

    labels = gather(Settings(labels=LabelSettings(library=library)), progress).labels

    expected = [("a", "a 2.png"), ("a", "renamed.png"), ("b", "b 0.png"), ("b", "b 1.png")]
    assert expected == [(label.category, label.path.name) for label in labels]
    assert any("no longer in the library" in line for line in progress.messages)
