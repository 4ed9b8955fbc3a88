"""What the home page reads from the disk of a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier.web.home.facts import model_facts
from kit.bundles import color_bundle


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
