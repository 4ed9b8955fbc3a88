"""The training loop learns, is deterministic, and resumes after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from classifier.inference.device import Runtime
from classifier.model.backbone import Network
from classifier.model.transforms import EvalTransform
from classifier.progress import Stage
from classifier.settings import TrainSettings
from classifier.training import loop
from classifier.training.augment import Augment
from classifier.training.checkpoint import Checkpoint, Epoch
from classifier.training.context import Hyperparameters
from classifier.training.loop import finetune
from classifier.training.micro_batches import MicroBatches
from kit.learning import cpu, drawn_examples, tiny_network, training_images
from kit.progress import SavingProgress

RECIPE = Hyperparameters.from_settings(TrainSettings(epochs=3, batch_size=6, learning_rate=3e-3, seed=5), image_size=32)


def run(
    folder: Path,
    *,
    recipe: Hyperparameters = RECIPE,
    network: Network | None = None,
    runtime: Runtime | None = None,
    held_out: int = 3,
    guesses: int = 0,
    stop_after: int | None = None,
    checkpoint: Checkpoint | None = None,
    progress: SavingProgress | None = None,
) -> tuple[Network, int, tuple[Epoch, ...]]:
    network = network or tiny_network()
    epoch, history = finetune(
        network,
        train=training_images(
            drawn_examples(folder, first=0, count=4),
            Augment(image_size=32, crop_min=0.35, seed=0).shrink,
            guesses=guesses,
        ),
        validation=training_images(drawn_examples(folder, first=100, count=held_out), EvalTransform(image_size=32)),
        recipe=recipe,
        stop_after=recipe.epochs if stop_after is None else stop_after,
        runtime=runtime or cpu(),
        micro_batches=MicroBatches(torch.device("cpu"), most=recipe.batch_size, say=print),
        name="fine-tuning",
        checkpoint=checkpoint,
        progress=progress or SavingProgress(),
    )
    return network, epoch, history


def same(first: Network, second: Network) -> bool:
    ours, theirs = first.state_dict(), second.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


class KilledError(BaseException):
    """Stands for a signal that nothing may catch."""


class Killing(SavingProgress):
    """Kills the run when `at` images have been learned from."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    @contextmanager
    def stage(self, name: str, *, total: int | None, unit: str) -> Iterator[Stage]:
        """Open a stage that is killed."""
        with super().stage(name, total=total, unit=unit) as stage:
            yield Mortal(stage, self.at)


class Mortal:
    """Counts down to the kill."""

    def __init__(self, stage: Stage, at: int) -> None:
        self.inner, self.left = stage, at

    def advance(self, count: int = 1) -> None:
        """Count down."""
        self.left -= count
        if self.left <= 0:
            raise KilledError
        self.inner.advance(count)

    def note(self, text: str) -> None:
        """Pass it on."""
        self.inner.note(text)


def test_the_loss_falls_and_is_reported_each_epoch(tmp_path: Path) -> None:
    progress = SavingProgress()
    _, epoch, history = run(tmp_path, recipe=replace(RECIPE, epochs=8, ema_decay=0.5), progress=progress)
    losses = [figures.loss for figures in history[1:] if figures.loss is not None]

    assert 8 == len(losses)
    assert losses[-1] < 0.8 * losses[0]
    assert [None, *range(1, 9)] == [None if figures.loss is None else figures.number for figures in history]
    (stage,) = progress.stages
    assert (8 * 12, 8 * 12) == (stage.done, stage.total)
    assert stage.notes[0].startswith("epoch 1/8, loss ")
    assert epoch in range(9)


def test_the_same_seed_gives_the_same_network(tmp_path: Path) -> None:
    """Also with dropout, and with another number of threads that read."""
    first = run(tmp_path, network=tiny_network("test_resnet"))
    second = run(tmp_path, network=tiny_network("test_resnet"), runtime=cpu(workers=3))

    assert same(first[0], second[0])
    assert first[1:] == second[1:]


def test_another_seed_gives_another_network(tmp_path: Path) -> None:
    assert not same(run(tmp_path)[0], run(tmp_path, recipe=replace(RECIPE, seed=6))[0])


@pytest.mark.parametrize("killed_at", [1, 12 + 8, 2 * 12 + 6])
def test_a_killed_run_resumes_to_the_same_network(tmp_path: Path, killed_at: int) -> None:
    """Killed in the first, second or third epoch; the network is the uninterrupted run's to the last bit."""
    whole = run(tmp_path)

    def checkpoint() -> Checkpoint:
        return Checkpoint(tmp_path / "state", name="final", fingerprint="mine")

    with pytest.raises(KilledError):
        run(tmp_path, checkpoint=checkpoint(), progress=Killing(killed_at))
    progress = SavingProgress()
    resumed = run(tmp_path, checkpoint=checkpoint(), progress=progress)

    assert same(whole[0], resumed[0])
    assert whole[1:] == resumed[1:]
    done = killed_at // 12
    assert [f"after epoch {done}" in message for message in progress.messages[:1]] == [True] * min(done, 1)
    assert 3 * 12 == progress.stages[0].done


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    whole = run(tmp_path, checkpoint=Checkpoint(tmp_path / "state", name="final", fingerprint="mine"))
    again = run(tmp_path, checkpoint=Checkpoint(tmp_path / "state", name="final", fingerprint="mine"))

    assert same(whole[0], again[0])
    assert whole[1:] == again[1:]


def test_a_run_stopped_early_is_the_beginning_of_the_long_one(tmp_path: Path) -> None:
    """The learning rate is that of the whole plan, so the weights are those which the long run had then."""
    _, epoch, history = run(tmp_path, stop_after=2)

    assert epoch in (0, 1, 2)
    assert run(tmp_path)[2][:3] == history


@pytest.mark.parametrize(
    ("architecture", "held_out", "guesses", "sizes"),
    [
        ("test_efficientnet", 3, 0, [64, 64, 96]),
        ("test_efficientnet", 0, 6, [64, 64, 96]),
        ("test_efficientnet", 0, 0, [96, 96, 96]),
        ("test_vit", 3, 6, [96, 96, 96]),
    ],
)
def test_views_are_small_at_first_where_the_network_judges_or_learns_from_guesses(
    architecture: str, held_out: int, guesses: int, sizes: list[int], *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where it takes them: one of a single size sees no others."""
    import timm  # noqa: PLC0415 - only here

    torch.manual_seed(0)
    one_size = {"img_size": 96} if architecture == "test_vit" else {}
    network = Network(timm.create_model(architecture, num_classes=3, **one_size), image_size=96)
    shown: list[int] = []
    views = loop._images

    def seen(network: Network, pixels: Tensor, runtime: Runtime) -> Tensor:
        shown.append(pixels.shape[-1])
        return views(network, pixels, runtime)

    monkeypatch.setattr(loop, "_images", seen)
    monkeypatch.setattr(loop, "_validate", lambda *_: (np.ones(3), 1.0))
    recipe = replace(RECIPE, image_size=96, epochs=4)
    run(tmp_path, network=network, recipe=recipe, held_out=held_out, guesses=guesses, stop_after=3)

    assert [size for size in sizes for _ in range(2)] == shown


def test_the_earliest_layers_learn_only_where_the_network_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same network is trained for each fold and then for good."""
    monkeypatch.setattr("classifier.training.checkpoint.is_significantly_better", lambda _losses, _last_losses: False)
    network, before = tiny_network(), tiny_network().body
    run(tmp_path, network=network)
    assert torch.equal(before.conv_stem.weight, network.body.conv_stem.weight)
    assert not torch.equal(before.conv_head.weight, network.body.conv_head.weight)

    run(tmp_path, network=network, held_out=0)
    assert not torch.equal(before.conv_stem.weight, network.body.conv_stem.weight)


def test_held_out_pictures_are_looked_at_four_times_at_most_and_at_the_last_epoch(tmp_path: Path) -> None:
    _, _, history = run(tmp_path, recipe=replace(RECIPE, epochs=9))

    assert [0, 3, 6, 9] == [epoch.number for epoch in history if epoch.validation_loss is not None]


def test_batch_norm_keeps_the_statistics_it_came_with(tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in tiny_network().named_buffers()}
    network, _, _ = run(tmp_path)

    assert all(torch.equal(before[name], value) for name, value in network.named_buffers())
    assert not network.training


def test_weights_that_go_wrong_are_not_kept(tmp_path: Path) -> None:
    """A learning rate that ruins everything leaves the head and weights that it began with."""
    network, epoch, history = run(
        tmp_path, recipe=replace(RECIPE, learning_rate=3.0, ema_decay=0.0), held_out=6, stop_after=2
    )

    assert 0 == epoch
    assert 3 == len(history)
    assert same(tiny_network(), network)


def test_without_held_out_pictures_the_last_epoch_is_kept(tmp_path: Path) -> None:
    _, epoch, history = run(tmp_path, held_out=0)

    assert 3 == epoch
    assert {None} == {figures.validation_loss for figures in history}


@pytest.mark.parametrize("amp_dtype", ["bfloat16", "float16"])
def test_mixed_precision_learns_and_goes_on_after_a_kill(tmp_path: Path, amp_dtype: str) -> None:
    """As on a GPU, with the scaling of small gradients that float16 needs."""

    def checkpoint() -> Checkpoint:
        return Checkpoint(tmp_path / "state", name="final", fingerprint="mine")

    runtime = cpu(amp_dtype=amp_dtype)
    whole = run(tmp_path, runtime=runtime)
    with pytest.raises(KilledError):
        run(tmp_path, runtime=runtime, checkpoint=checkpoint(), progress=Killing(12 + 8))
    resumed = run(tmp_path, runtime=runtime, checkpoint=checkpoint())

    assert all(parameter.isfinite().all() for parameter in whole[0].parameters())
    assert same(whole[0], resumed[0])
    assert not same(tiny_network(), whole[0])


def test_a_transformer_without_batch_norm_trains_too(tmp_path: Path) -> None:
    import timm  # noqa: PLC0415 - only here

    torch.manual_seed(0)
    network = Network(timm.create_model("test_vit", num_classes=3, img_size=32), image_size=32)
    trained, _, _ = run(tmp_path, network=network, held_out=0)
    embedded: Tensor = trained.embed(torch.zeros(1, 3, 32, 32))

    assert embedded.isfinite().all()
