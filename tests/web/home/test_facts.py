"""What the home page reads from the disk of a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier.settings import LabelSettings, Settings
from classifier.web.home import facts
from classifier.web.home.facts import label_facts, model_facts
from classifier.web.home.project import read_project
from kit.bundles import color_bundle
from kit.home import draw, project


@pytest.mark.parametrize(("said", "shown"), [(120, 120), (None, None), ("soon", None), (1e300, None), (-1, None)])
def test_fine_tuning_is_offered_with_the_time_that_training_measured(
    tmp_path: Path, said: object, shown: int | None
) -> None:
    folder = color_bundle(tmp_path / "model").folder
    manifest = folder / "illsort.json"
    values = json.loads(manifest.read_text(encoding="utf-8"))
    values["measured"]["finetune_seconds"] = said
    manifest.write_text(json.dumps(values), encoding="utf-8")

    shown_facts = model_facts(folder)
    assert shown_facts is not None
    assert shown == shown_facts.get("finetuneSeconds")
    assert 3 <= shown_facts["categories"]


def test_labels_that_take_too_long_are_counted_as_far_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_project(project(tmp_path)).settings
    draw(tmp_path / "labels" / "blue", 3)
    assert {"count": 6, "categories": {"red": 3, "blue": 3}, "drawn": False} == label_facts(settings)

    monkeypatch.setattr(facts, "_LABELS_S", -1.0)
    shown = label_facts(settings)
    assert 0 == shown["count"]
    assert "not counted here" in shown["trouble"]


def test_a_project_without_a_labels_folder_yet_has_no_trouble(tmp_path: Path) -> None:
    settings = Settings(labels=LabelSettings(folder=tmp_path / "labels"))
    assert {"count": 0, "categories": {}, "drawn": False} == label_facts(settings)

    (tmp_path / "labels").write_text("a file", encoding="utf-8")
    assert "trouble" in label_facts(settings)
