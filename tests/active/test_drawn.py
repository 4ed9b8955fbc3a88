"""What was drawn by chance steers no question, also where the model was refitted to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.active.apply import file_learned
from classifier.active.learner import Learner
from classifier.active.training_set import TrainingSet, fit
from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.records import ImageId, Selection
from kit.bundles import color_bundle
from kit.chance import say
from kit.reviewing import unsure_library

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_refitted_model_is_not_steered_by_what_was_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = unsure_library(tmp_path, color_bundle(tmp_path / "colors", labeled=True, evidence=300).folder, 30)
    with open_catalog(library) as catalog:
        rows = catalog.connection.execute("SELECT picture FROM decisions ORDER BY picture").fetchall()
        images = [ImageId(picture) for (picture,) in rows]
        for number, image_id in enumerate(images[:20]):
            say(catalog, image_id, selection=Selection.CHANCE if number < 10 else Selection.MODEL, category="red")
    before = Learner(library)
    before.learn()
    file_learned(library, before, send=lambda _: None)
    steering: list[TrainingSet] = []
    monkeypatch.setattr("classifier.active.learner.fit", lambda given: steering.append(given) or fit(given))
    after = Learner(library)
    after.learn()
    with read_catalog(library) as catalog:
        learned = after.build_training_set(catalog, annotation_log.latest(catalog)).labeled

    (steers,) = steering
    assert set(images[10:20]) <= set(steers.labeled.image_ids)
    assert set(images[:10]) == set(learned.image_ids) - set(steers.labeled.image_ids)
