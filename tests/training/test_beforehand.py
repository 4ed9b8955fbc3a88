"""How long a training with many labels takes is said before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.settings import load
from classifier.training import beforehand
from classifier.training.beforehand import duration
from classifier.training.pipeline import train_model
from kit.pictures import COLORS, encoded, varied
from kit.progress import SavingProgress
from kit.tree import make_tree

HEAD, FINETUNE = (load(None, [f"train.recipe={recipe}"]) for recipe in ("head", "finetune"))


def test_it_is_the_sum_of_reading_embedding_and_fitting() -> None:
    assert (
        "Up to about 44 min for 50,000 labels: reading them 8 min, embedding them 33 min, fitting the head and judging "
        "it 2 min"
    ) == str(duration(50_000, HEAD, reading=0.01, embedding=0.04))


def test_fine_tuning_counts_where_it_follows_and_is_limited_as_it_is() -> None:
    limited = load(None, ["train.recipe=finetune", "train.minutes=30"])
    without = load(None, ["train.recipe=finetune", "train.epochs=0"])

    assert "fine-tuning 30 min" in str(duration(50_000, limited, reading=0.01, embedding=0.04))
    assert "fine-tuning" not in str(duration(50_000, without, reading=0.01, embedding=0.04))
    assert "fine-tuning 5 h 10 min" in str(duration(50_000, FINETUNE, reading=0.001, embedding=0.004))


@pytest.mark.parametrize("many", [12, 13])
def test_a_training_with_many_labels_says_it_first(
    tmp_path: Path, backbone: str, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    names = ("blue", "green", "red")
    labels = {
        name: {f"{n}.png": encoded(varied(COLORS[name], seed=97 * n + ord(name[0])), "PNG") for n in range(4)}
        for name in names
    }
    make_tree(tmp_path / "labels", labels)
    monkeypatch.setattr(beforehand, "MANY", many)
    progress = SavingProgress()
    given = {"labels.folder": tmp_path / "labels", "model.folder": tmp_path / "model", "model.backbone": backbone}
    small = ("model.image_size=32", "runtime.workers=0", "train.recipe=head", "train.folds=2")
    train_model(load(None, [*(f"{name}={value}" for name, value in given.items()), *small]), progress=progress)

    said = [place for place, message in enumerate(progress.messages) if "for 12 labels: reading" in message]
    assert (1 if many == 12 else 0) == len(said)
    assert all("to learn from" not in message for message in progress.messages[: said[0] if said else 0])
