"""The whole recipe, on images that differ in color."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from classifier.errors import LabelsError
from classifier.inference.reader import Limits
from classifier.inference.worker_pool import WorkerPool
from classifier.model.backbone import Network
from classifier.model.transforms import EvalTransform
from classifier.records import Split
from classifier.settings import TrainSettings
from classifier.training import checkpoint
from classifier.training.context import Hyperparameters, TrainingContext
from classifier.training.micro_batches import MicroBatches
from classifier.training.train import Trained, train
from kit.learning import CATEGORIES, cpu, drawn_examples, tiny_network
from kit.progress import SavingProgress

RECIPE = Hyperparameters.from_settings(TrainSettings(epochs=2, batch_size=8, learning_rate=1e-3), image_size=32)
LIMITS = Limits(deadline_s=60, worker_gigabytes=3)


@pytest.fixture
def _keep_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out colors are so easy that the frozen head often wins; these tests are about what follows when not."""
    monkeypatch.setattr(checkpoint, "is_significantly_better", lambda _losses, _last_losses: False)


def drawn_folds(folder: Path) -> tuple[Split, ...]:
    """Nine images of each color; each is held out once, three of a color at a time."""
    parts = [drawn_examples(folder, first=first, count=3) for first in (0, 3, 100)]
    return tuple(
        Split(train=sum((other for other in parts if other is not part), ()), validation=part) for part in parts
    )


def run(
    folds: tuple[Split, ...],
    *,
    recipe: Hyperparameters = RECIPE,
    folder: Path | None = None,
    progress: SavingProgress | None = None,
) -> tuple[Network, Trained]:
    network = tiny_network().eval()
    trained = train(
        TrainingContext(
            network=network,
            categories=CATEGORIES,
            recipe=recipe,
            transform=EvalTransform(image_size=32),
            runtime=cpu(),
            micro_batches=MicroBatches(torch.device("cpu"), most=recipe.batch_size, say=print),
            max_megapixels=1,
            pool=WorkerPool(LIMITS, workers=0),
            folder=folder,
            progress=progress or SavingProgress(),
        ),
        folds,
    )
    return network, trained


def weights(network: Network) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("recipe", [RECIPE, replace(RECIPE, recipe="head")])
def test_colors_are_learned(tmp_path: Path, recipe: Hyperparameters) -> None:
    network, trained = run(drawn_folds(tmp_path), recipe=recipe)

    assert 1.0 == trained.evaluation.accuracy
    assert 27 == trained.evaluation.count == len(trained.judged.examples) == len(trained.judged.logits)
    assert trained.temperature > 0
    assert () == trained.unread
    assert (len(CATEGORIES), False) == (network.head.out_features, network.training)


@pytest.mark.parametrize("recipe", [replace(RECIPE, recipe="head"), replace(RECIPE, epochs=0)])
def test_the_head_alone_leaves_the_backbone_as_it_was(tmp_path: Path, recipe: Hyperparameters) -> None:
    network, trained = run(drawn_folds(tmp_path), recipe=recipe)
    before = weights(tiny_network())
    changed = {name for name, value in weights(network).items() if value != before[name]}

    assert {"body.classifier.weight", "body.classifier.bias"} == changed
    assert (0, ()) == (trained.epoch, trained.histories)
    assert trained.frozen == trained.evaluation


@pytest.mark.usefixtures("_keep_last")
def test_the_same_seed_gives_the_same_network_and_figures(tmp_path: Path) -> None:
    folds = drawn_folds(tmp_path)
    (first, first_trained), (second, second_trained) = run(folds), run(folds)

    assert weights(first) == weights(second)
    assert first_trained.evaluation == second_trained.evaluation
    assert np.array_equal(first_trained.judged.logits, second_trained.judged.logits)


@pytest.mark.usefixtures("_keep_last")
def test_a_resumed_run_gives_the_same_network(tmp_path: Path) -> None:
    folds = drawn_folds(tmp_path / "pictures")
    plain, _ = run(folds)
    run(folds, folder=tmp_path / "state")
    progress = SavingProgress()
    again, _ = run(folds, folder=tmp_path / "state", progress=progress)

    assert weights(plain) == weights(again)
    parts = [f"fine-tuning-{number}-of-3.pt" for number in (1, 2, 3)]
    states = [path.name for path in sorted((tmp_path / "state").glob("*.pt"))]
    assert [*parts, "fine-tuning-with-all-labels.pt"] == states
    going_on = [message for message in progress.messages if "goes on after epoch 2" in message]
    assert 4 == len(going_on)


def test_other_labels_start_over(tmp_path: Path) -> None:
    folds = drawn_folds(tmp_path / "pictures")
    run(folds, folder=tmp_path / "state")
    progress = SavingProgress()
    fewer = tuple(replace(fold, train=fold.train[:-1]) for fold in folds)
    run(fewer, folder=tmp_path / "state", progress=progress)

    assert "starts anew" in progress.messages[0]


def test_unreadable_labels_are_reported_and_the_rest_is_used(tmp_path: Path) -> None:
    folds = drawn_folds(tmp_path)
    bad = [folds[0].train[0], folds[0].validation[0]]
    for example in bad:
        example.label.path.write_bytes(b"no picture any more")
    _, trained = run(folds)

    assert bad == [example for example, _ in trained.unread]
    assert 25 == trained.evaluation.count == len(trained.embedded.examples)


def test_a_category_without_readable_pictures_is_refused(tmp_path: Path) -> None:
    folds = drawn_folds(tmp_path)
    for example in folds[0].train + folds[0].validation:
        if example.label.category == "green":
            example.label.path.unlink()
    with pytest.raises(LabelsError, match="'green'"):
        run(folds)


def test_without_held_out_images_there_are_no_metrics(tmp_path: Path) -> None:
    _, trained = run((Split(train=drawn_examples(tmp_path, first=0, count=6), validation=()),))

    assert (0, None, 1.0, 2) == (
        trained.evaluation.count,
        trained.evaluation.accuracy,
        trained.temperature,
        trained.epoch,
    )


@pytest.mark.usefixtures("_keep_last")
def test_held_out_images_train_the_final_network(tmp_path: Path) -> None:
    """One fold's held-out images would otherwise change nothing but the figures."""
    whole = drawn_folds(tmp_path)[0]
    part = Split(train=whole.train, validation=whole.validation[:3])
    (with_all, _), (with_part, _) = run((whole,)), run((part,))

    assert weights(with_all) != weights(with_part)
    assert torch.isfinite(with_all.head.weight).all()
