"""The whole recipe, on pictures that differ in colour and a network that has never seen one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from classifier.errors import LabelsError
from classifier.learn import state
from classifier.learn.parameters import Recipe
from classifier.learn.train import Trained, train
from classifier.model.backbone import Network
from classifier.model.transforms import EvalTransform
from classifier.progress import SavingProgress
from classifier.records import Split
from kit.learning import CATEGORIES, cpu, drawn_examples, tiny_network

RECIPE = Recipe(epochs=2, batch_size=8, image_size=32, retrain=True, learning_rate=1e-3)


@pytest.fixture
def _keep_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out colours are so easy that the frozen head often wins; these tests are about what follows when not."""
    monkeypatch.setattr(state, "is_surely_better", lambda _losses, _last_losses: False)


def drawn_split(folder: Path) -> Split:
    return Split(train=drawn_examples(folder, first=0, count=6), validation=drawn_examples(folder, first=100, count=3))


def run(
    split: Split, *, recipe: Recipe = RECIPE, folder: Path | None = None, progress: SavingProgress | None = None
) -> tuple[Network, Trained]:
    network = tiny_network()
    trained = train(
        network,
        split,
        categories=CATEGORIES,
        recipe=recipe,
        transform=EvalTransform(image_size=32),
        runtime=cpu(),
        max_megapixels=1,
        folder=folder,
        progress=progress or SavingProgress(),
    )
    return network, trained


def weights(network: Network) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("recipe", [RECIPE, replace(RECIPE, recipe="head"), replace(RECIPE, retrain=False)])
def test_colours_are_learned(tmp_path: Path, recipe: Recipe) -> None:
    network, trained = run(drawn_split(tmp_path), recipe=recipe)

    assert 1.0 == trained.evaluation.accuracy
    assert 9 == trained.evaluation.count
    assert trained.temperature > 0
    assert () == trained.unread
    assert (len(CATEGORIES), False) == (network.head.out_features, network.training)


@pytest.mark.parametrize("recipe", [replace(RECIPE, recipe="head"), replace(RECIPE, epochs=0)])
def test_the_head_alone_leaves_the_backbone_as_it_was(tmp_path: Path, recipe: Recipe) -> None:
    network, trained = run(drawn_split(tmp_path), recipe=recipe)
    before = weights(tiny_network())
    changed = {name for name, value in weights(network).items() if value != before[name]}

    assert {"body.classifier.weight", "body.classifier.bias"} == changed
    assert (0, ()) == (trained.epoch, trained.history)
    assert trained.frozen == trained.evaluation


@pytest.mark.usefixtures("_keep_last")
def test_the_same_seed_gives_the_same_network_and_figures(tmp_path: Path) -> None:
    split = drawn_split(tmp_path)
    (first, first_trained), (second, second_trained) = run(split), run(split)

    assert weights(first) == weights(second)
    assert first_trained == second_trained


@pytest.mark.usefixtures("_keep_last")
def test_a_run_taken_up_again_gives_the_same_network(tmp_path: Path) -> None:
    split = drawn_split(tmp_path / "pictures")
    plain, _ = run(split)
    run(split, folder=tmp_path / "state")
    progress = SavingProgress()
    again, _ = run(split, folder=tmp_path / "state", progress=progress)

    assert weights(plain) == weights(again)
    assert ["fine-tuning-with-all-labels.pt", "fine-tuning.pt"] == sorted(
        path.name for path in (tmp_path / "state").iterdir()
    )
    going_on = [message for message in progress.said if "goes on after epoch 2" in message]
    assert 2 == len(going_on)


def test_other_labels_start_anew(tmp_path: Path) -> None:
    split = drawn_split(tmp_path / "pictures")
    run(split, folder=tmp_path / "state")
    progress = SavingProgress()
    run(Split(train=split.train[:-1], validation=split.validation), folder=tmp_path / "state", progress=progress)

    assert "starts anew" in progress.said[0]


def test_unreadable_labels_are_told_and_the_rest_is_learned(tmp_path: Path) -> None:
    split = drawn_split(tmp_path)
    split.train[0].label.path.write_bytes(b"no picture any more")
    split.validation[0].label.path.unlink()
    _, trained = run(split)

    assert [split.train[0], split.validation[0]] == [example for example, _ in trained.unread]
    assert 8 == trained.evaluation.count


def test_a_category_without_readable_pictures_is_refused(tmp_path: Path) -> None:
    split = drawn_split(tmp_path)
    for example in split.train:
        if example.label.category == "green":
            example.label.path.unlink()
    with pytest.raises(LabelsError, match="'green'"):
        run(split)


def test_nothing_held_out_is_allowed_and_claims_nothing(tmp_path: Path) -> None:
    _, trained = run(Split(train=drawn_examples(tmp_path, first=0, count=6), validation=()))

    assert (0, None, 1.0, 2) == (
        trained.evaluation.count,
        trained.evaluation.accuracy,
        trained.temperature,
        trained.epoch,
    )


@pytest.mark.usefixtures("_keep_last")
def test_what_is_held_out_is_learned_from_in_the_end(tmp_path: Path) -> None:
    """The figures come from before; the network itself has seen every label."""
    split = drawn_split(tmp_path)
    with_retraining, trained = run(split)
    without, same_figures = run(split, recipe=replace(RECIPE, retrain=False))

    assert trained.evaluation == same_figures.evaluation
    assert weights(with_retraining) != weights(without)
    assert torch.isfinite(with_retraining.head.weight).all()
