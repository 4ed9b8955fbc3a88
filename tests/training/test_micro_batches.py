"""A batch that memory does not hold is learned from in parts, with the same result."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from classifier.errors import ModelError
from classifier.model.backbone import Network
from classifier.model.transforms import EvalTransform
from classifier.settings import TrainSettings
from classifier.training.augment import Augment
from classifier.training.batches import Batch
from classifier.training.context import Hyperparameters
from classifier.training.data_parallel import Replicas
from classifier.training.loop import _backward, finetune
from classifier.training.micro_batches import MicroBatches
from kit.learning import cpu, drawn_examples, tiny_network, training_images
from kit.progress import SavingProgress

RECIPE = Hyperparameters.from_settings(TrainSettings(epochs=2, batch_size=8, learning_rate=3e-3, seed=5), image_size=32)
COUNT = 8
SCALER = torch.amp.GradScaler("cpu", enabled=False)


class Greedy(Network):
    """Runs out of memory at the end of a pass with more than `most` pictures that are learned from.

    With gradient checkpointing it holds `most_with_checkpoints`.
    """

    most, most_with_checkpoints = COUNT, COUNT

    def embed(self, images: Tensor) -> Tensor:
        """As ever, if there is room."""
        embeddings = super().embed(images)
        checkpointing = any(getattr(module, "grad_checkpointing", False) for module in self.body.modules())
        most = self.most_with_checkpoints if checkpointing else self.most
        if torch.is_grad_enabled() and len(images) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nMore.")
        return embeddings


def network(name: str = "test_efficientnet", **arguments: float) -> Greedy:
    torch.manual_seed(0)
    return Greedy(timm.create_model(name, num_classes=3, **arguments), image_size=32)


def batch() -> Batch:
    torch.manual_seed(1)
    pixels = torch.randint(0, 256, (COUNT, 3, 32, 32), dtype=torch.uint8)
    return Batch(pixels=pixels, targets=torch.softmax(torch.randn(COUNT, 3), dim=1), count=COUNT, divisor=COUNT)


def alone(of: Network) -> Replicas:
    """On one device."""
    return Replicas(of, cpu(), most=COUNT, say=print)


def backward(of: Network) -> Callable[[int], Tensor]:
    """Learns from the batch in parts of a size."""
    return partial(_backward, alone(of), batch(), scaler=SCALER, recipe=RECIPE)


def gradients(of: Network, size: int) -> tuple[Tensor, dict[str, Tensor]]:
    of.freeze_batch_norm()
    of.train()
    loss = backward(of)(size)
    return loss, {name: value.grad for name, value in of.named_parameters() if value.grad is not None}


def near(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    scale = max(float(value.abs().max()) for value in one.values())
    return one.keys() == other.keys() and all(
        float((one[name] - other[name]).abs().max()) <= 1e-5 * scale for name in one
    )


def run(folder: Path, of: Network, micro_batches: MicroBatches) -> Network:
    prepare = Augment(image_size=32, crop_min=0.35, seed=0).shrink
    finetune(
        of,
        train=training_images(drawn_examples(folder, first=0, count=4), prepare),
        validation=training_images(drawn_examples(folder, first=100, count=2), EvalTransform(image_size=32)),
        recipe=RECIPE,
        stop_after=2,
        runtime=cpu(),
        micro_batches=micro_batches,
        name="fine-tuning",
        checkpoint=None,
        progress=SavingProgress(),
    )
    return of


def micro_batches(say: Callable[[str], None] = print) -> MicroBatches:
    return MicroBatches(torch.device("cpu"), most=COUNT, say=say)


@pytest.mark.parametrize("size", [1, 2, 4, 5])
def test_parts_of_a_batch_add_up_to_its_loss_and_gradients(size: int) -> None:
    whole_loss, whole = gradients(network(), COUNT)
    loss, parts = gradients(network(), size)

    assert float(loss) == pytest.approx(float(whole_loss), rel=1e-6)
    assert near(whole, parts)


def test_a_whole_batch_has_the_loss_that_it_always_had() -> None:
    one, whole = network(), batch()
    loss, found = gradients(one, COUNT)
    one.zero_grad()
    plain = cross_entropy(one(one.normalize(whole.pixels)), whole.targets, label_smoothing=RECIPE.label_smoothing)
    plain.backward()

    assert torch.equal(plain.detach(), loss)
    assert near({name: value.grad for name, value in one.named_parameters() if value.grad is not None}, found)


@pytest.mark.parametrize("name", ["test_efficientnet", "test_vit", "test_convnext"])
def test_gradient_checkpointing_changes_no_gradient(name: str) -> None:
    arguments = {"img_size": 32} if name == "test_vit" else {}
    _, plain = gradients(network(name, **arguments), COUNT)
    one = network(name, **arguments)
    one.most, one.most_with_checkpoints = 0, 2
    learning = micro_batches()
    one.freeze_batch_norm()
    one.train()
    learning.learn(backward(one), alone(one), count=COUNT)

    assert learning.is_checkpointing
    assert near(plain, {name: value.grad for name, value in one.named_parameters() if value.grad is not None})


def test_training_goes_on_in_parts_when_memory_runs_out(tmp_path: Path) -> None:
    said: list[str] = []
    small = network()
    small.most = 4
    learning = micro_batches(said.append)
    parts = run(tmp_path, small, learning)
    whole = run(tmp_path, network(), micro_batches())

    assert [
        "Batches of 8 are learned from 4 at a time: the memory of cpu takes no more. The result is the same."
    ] == said
    assert 4 == learning.size
    assert all(
        torch.allclose(one, other, rtol=0, atol=2e-3)
        for one, other in zip(parts.parameters(), whole.parameters(), strict=True)
    )


def test_tries_that_fail_change_no_draw_of_dropout(tmp_path: Path) -> None:
    """So that a run which goes on after a kill, and finds the size anew, gives the same network."""
    greedy = network(drop_rate=0.5)
    greedy.most = 1
    greedy.body.set_grad_checkpointing = refuse
    known = micro_batches()
    known.size = 1
    found = run(tmp_path, greedy, micro_batches())
    plain = run(tmp_path, network(drop_rate=0.5), known)

    assert all(torch.equal(one, other) for one, other in zip(found.parameters(), plain.parameters(), strict=True))


def test_before_parts_of_one_the_network_keeps_less() -> None:
    said: list[str] = []
    one = network()
    one.most, one.most_with_checkpoints = 1, 3
    learning = micro_batches(said.append)
    sizes = tried(learning, one)

    assert [8, 4, 2, 8, 4, 2] == sizes
    assert learning.is_checkpointing
    assert 2 == len(said)
    assert "gradient checkpointing" in said[0]


def tried(learning: MicroBatches, one: Greedy) -> list[int]:
    sizes: list[int] = []
    one.freeze_batch_norm()
    one.train()

    def counted(size: int) -> Tensor:
        sizes.append(size)
        return backward(one)(size)

    learning.learn(counted, alone(one), count=COUNT)
    return sizes


def test_one_picture_that_cannot_be_learned_from_ends_in_one_line() -> None:
    one = network()
    one.most = one.most_with_checkpoints = 0
    with pytest.raises(ModelError, match=r"not enough for this network.*\(CUDA out of memory.*GiB\.\)"):
        tried(micro_batches(), one)


def refuse(enable: bool) -> None:
    """As timm's networks that have no gradient checkpointing."""
    assert not enable, "gradient checkpointing not supported"


def test_a_network_without_gradient_checkpointing_goes_on_in_parts_of_one() -> None:
    one = network()
    one.most = 1
    one.body.set_grad_checkpointing = refuse
    learning = micro_batches()

    assert [8, 4, 2, 1] == tried(learning, one)
    assert not learning.is_checkpointing


def test_the_moving_average_moves_as_one_parameter_at_a_time_does() -> None:
    from classifier.training.loop import _update_ema  # noqa: PLC0415 - next to what it is about

    ours, theirs = tiny_network(), tiny_network("test_efficientnet", num_categories=3)
    for value in theirs.parameters():
        nn.init.uniform_(value)
    expected = [
        one.detach().lerp(other.detach(), 0.25)
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True)
    ]
    average = deepcopy(ours)
    _update_ema(average, theirs, 0.75)

    assert all(torch.equal(one, other) for one, other in zip(expected, average.parameters(), strict=True))


def test_pictures_of_a_batch_are_pinned_for_a_card_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from classifier.training.batches import _for_device  # noqa: PLC0415 - next to what it is about

    pinned: list[int] = []
    monkeypatch.setattr(Tensor, "pin_memory", lambda self: pinned.append(len(self)) or self)
    pixels = torch.zeros(5, 3, 2, 2)
    for kind in ("cpu", "mps", "cuda"):
        assert _for_device(pixels, replace(cpu(), device=torch.device(kind))) is pixels

    assert [5] == pinned
