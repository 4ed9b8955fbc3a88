"""Several devices learn from one batch as one does: several times the CPU stands for several cards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import timm
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from training.test_loop import RECIPE, KilledError, Killing, run, same

from classifier.inference import replicas as of_replicas
from classifier.inference.device import Runtime
from classifier.model.backbone import Network
from classifier.training import loop, micro_batches
from classifier.training.batches import Batch
from classifier.training.checkpoint import Checkpoint
from classifier.training.data_parallel import Replicas
from classifier.training.loop import _backward
from classifier.training.micro_batches import MicroBatches
from kit.learning import cpu, tiny_network

COUNT = 8


class Greedy(Network):
    """A copy, not the first, runs out of memory with more than `most` pictures, or with checkpoints `then_most`."""

    most, then_most = COUNT, COUNT

    def embed(self, images: Tensor) -> Tensor:
        """As ever, if there is room."""
        checkpointing = any(getattr(module, "grad_checkpointing", False) for module in self.body.modules())
        if self.original != id(self) and len(images) > (self.then_most if checkpointing else self.most):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().embed(images)


def greedy(most: int = COUNT, *, then_most: int = COUNT, name: str = "test_efficientnet", **arguments: float) -> Greedy:
    torch.manual_seed(0)
    network = Greedy(timm.create_model(name, num_classes=3, **arguments), image_size=32)
    network.original, network.most, network.then_most = id(network), most, then_most
    return network


def cpus(count: int, *, amp_dtype: str = "float32") -> Runtime:
    one = cpu(amp_dtype=amp_dtype)
    return replace(one, others=(one.device,) * (count - 1))


def batch(count: int = COUNT) -> Batch:
    torch.manual_seed(1)
    pixels = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
    return Batch(pixels=pixels, targets=torch.softmax(torch.randn(count, 3), dim=1), count=count, divisor=count)


def on(count: int, network: Network, *, most: int = COUNT, amp_dtype: str = "float32") -> Replicas:
    network.freeze_batch_norm()
    replicas = Replicas(network, cpus(count, amp_dtype=amp_dtype), most=most, say=print)
    replicas.train(5)
    return replicas


def backward(replicas: Replicas, *, scale: float = 1, pictures: int = COUNT) -> Callable[[int], Tensor]:
    scaler = torch.amp.GradScaler("cpu", init_scale=scale, enabled=scale != 1)
    return partial(_backward, replicas, batch(pictures), scaler=scaler, recipe=RECIPE)


def gradients(of: Network) -> dict[str, Tensor]:
    return {name: value.grad for name, value in of.named_parameters() if value.grad is not None}


def near(one: dict[str, Tensor], other: dict[str, Tensor], *, within: float = 1e-5) -> bool:
    most = max(float(value.abs().max()) for value in one.values())
    return one.keys() == other.keys() and all(
        float((one[name] - other[name]).abs().max()) <= within * most for name in one
    )


@pytest.mark.parametrize("name", ["test_efficientnet", "test_vit"])
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("size", [COUNT, 3, 1])
def test_gradients_of_all_devices_add_up_to_those_of_one(name: str, count: int, size: int) -> None:
    arguments = {"img_size": 32} if name == "test_vit" else {}
    alone, shared = greedy(name=name, **arguments), greedy(name=name, **arguments)
    whole_loss = backward(on(1, alone))(COUNT)
    replicas = on(count, shared)
    loss = backward(replicas)(min(size, replicas.share(COUNT)))

    assert float(loss) == pytest.approx(float(whole_loss), rel=1e-6)
    assert near(gradients(alone), gradients(shared))
    assert [{}] * (count - 1) == [gradients(copy) for copy in replicas.networks[1:]]


def test_each_device_computes_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    replicas = on(3, greedy())
    ids = [id(network) for network in replicas.networks]
    plain = loop._images
    monkeypatch.setattr(
        loop,
        "_images",
        lambda network, pixels, runtime: (
            seen.append((ids.index(id(network)), len(pixels))) or plain(network, pixels, runtime)
        ),
    )
    backward(replicas)(replicas.share(COUNT))
    backward(replicas)(2)

    assert [(0, 3), (1, 3), (2, 2), (0, 2), (1, 2), (2, 2), (0, 2)] == seen


@pytest.mark.parametrize("pictures", [1, 2])
def test_a_batch_with_less_pictures_than_devices_leaves_some_without(pictures: int) -> None:
    alone, shared = greedy(), greedy()
    backward(on(1, alone), pictures=pictures)(pictures)
    replicas = on(3, shared)
    backward(replicas, pictures=pictures)(replicas.share(pictures))

    assert near(gradients(alone), gradients(shared))


def test_gradients_of_an_earlier_batch_are_forgotten() -> None:
    alone, shared = greedy(), greedy()
    backward(on(1, alone))(COUNT)
    replicas = on(3, shared)
    for _ in range(2):
        backward(replicas)(1)

    assert near(gradients(alone), gradients(shared))


def test_gradients_of_a_try_that_failed_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory runs out in the second round: by then each device has gradients of the first."""
    alone, shared = greedy(), greedy()
    backward(on(1, alone))(COUNT)
    replicas = on(2, shared)
    left = [3]

    def images(*of: object) -> Tensor:
        left[0] -= 1
        if left[0] == 0:
            raise torch.OutOfMemoryError
        return plain(*of)  # type: ignore[arg-type]

    plain = loop._images
    monkeypatch.setattr(loop, "_images", images)
    learning = MicroBatches(torch.device("cpu"), most=2, say=print)
    learning.learn(backward(replicas), replicas, count=COUNT)

    assert left[0] < 0
    assert near(gradients(alone), gradients(shared))


def test_gradients_are_scaled_on_every_device() -> None:
    plain, scaled = greedy(), greedy()
    backward(on(1, plain))(COUNT)
    loss = backward(on(2, scaled), scale=1024.0)(2)

    assert near({name: 1024 * value for name, value in gradients(plain).items()}, gradients(scaled))
    assert float(loss) < 10


@pytest.mark.parametrize("size", [4, 1])
def test_memory_that_runs_out_on_one_device_halves_the_parts_of_all(size: int) -> None:
    said: list[str] = []
    alone, shared = greedy(), greedy(size)
    shared.body.set_grad_checkpointing = refuse
    backward(on(1, alone))(COUNT)
    replicas = on(2, shared, most=16)
    learning = MicroBatches(torch.device("cpu"), most=16, say=said.append)
    learning.learn(backward(replicas, pictures=COUNT), replicas, count=COUNT)

    assert near(gradients(alone), gradients(shared))
    assert (size == 4) == (said == [])
    assert (16 if size == 4 else 1) == learning.size


def refuse(enable: bool) -> None:
    """As timm's networks that have no gradient checkpointing."""
    assert not enable, "gradient checkpointing not supported"


def test_all_networks_keep_less_before_parts_of_one() -> None:
    alone, shared = greedy(), greedy(1, then_most=2)
    backward(on(1, alone))(COUNT)
    replicas = on(3, shared)
    learning = MicroBatches(torch.device("cpu"), most=COUNT, say=print)
    learning.learn(backward(replicas), replicas, count=COUNT)

    assert learning.is_checkpointing
    assert all(
        any(getattr(module, "grad_checkpointing", False) for module in network.modules())
        for network in replicas.networks
    )
    assert near(gradients(alone), gradients(shared))


def test_tries_that_fail_change_no_draw_on_any_device(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[torch.device] = []
    monkeypatch.setattr(micro_batches, "_set_random_state", lambda device, _: drawn.append(device))
    replicas = on(2, greedy(1))
    MicroBatches(torch.device("cpu"), most=COUNT, say=print).learn(backward(replicas), replicas, count=COUNT)

    assert 2 * replicas.devices == drawn  # after parts of 4 and of 2


def test_everything_of_a_part_is_on_the_card_that_learns_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With tensors that have no numbers but refuse, as on cards, to meet one of another card."""
    for name, stand_in in {
        "is_taken": lambda *_, **__: False,
        "cap_memory": lambda _: None,
        "place": lambda network, _: network,
        "_has_arrived": lambda *_: True,
    }.items():
        monkeypatch.setattr(of_replicas, name, stand_in)
    cards = [torch.device("cuda", number) for number in range(2)]
    with FakeTensorMode():
        with cards[0]:
            network = Network(timm.create_model("test_efficientnet", num_classes=3), image_size=32)
        replicas = Replicas(network, replace(cpu(), device=cards[0], others=(cards[1],)), most=8, say=print)

        def pretend(losses: list[Tensor]) -> None:
            assert cards == [loss.device for loss in losses]
            for one in replicas.networks:
                for value in one.parameters():
                    value.grad = torch.zeros_like(value)

        monkeypatch.setattr(torch.autograd, "backward", pretend)
        pixels = torch.zeros(8, 3, 32, 32, dtype=torch.uint8)
        scaler = torch.amp.GradScaler("cuda", enabled=False)
        batch = Batch(pixels=pixels, targets=torch.zeros(8, 3, device=cards[0]), count=8, divisor=8)
        loss = _backward(replicas, batch, 2, scaler=scaler, recipe=RECIPE)
        replicas.copy_weights()

    assert cards[0] == loss.device
    assert [{cards[0]}, {cards[1]}] == [{value.device for value in one.parameters()} for one in replicas.networks]
    assert {cards[0]} == {value.device for value in gradients(network).values()}


def test_dropout_draws_other_numbers_on_each_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """With cards that are pretended."""
    seeds: dict[int, int] = {}
    cards = [torch.device("cuda", number) for number in range(3)]
    generators = [SimpleNamespace(manual_seed=partial(seeds.__setitem__, number)) for number, _ in enumerate(cards)]
    monkeypatch.setattr(torch.cuda, "default_generators", generators)
    monkeypatch.setattr(of_replicas, "is_taken", lambda *_, **__: False)
    monkeypatch.setattr(of_replicas, "_copy", lambda network, _: network)
    replicas = Replicas(tiny_network(), replace(cpu(), device=cards[0], others=(cards[1], cards[2])), most=8, say=print)
    monkeypatch.setattr(torch, "manual_seed", lambda seed: seeds.setdefault(0, seed))
    replicas.train(7)

    assert 7 == seeds[0]
    assert 3 == len(set(seeds.values()))


def test_a_batch_smaller_than_the_devices_keeps_to_one() -> None:
    assert 1 == len(on(3, greedy(), most=2).networks)
    assert 3 == len(on(3, greedy(), most=3).networks)


@pytest.mark.parametrize("amp_dtype", ["float32", "float16"])
@pytest.mark.parametrize("count", [2, 3])
def test_a_training_on_several_devices_ends_as_on_one(
    tmp_path: Path, count: int, amp_dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Replicas] = []
    monkeypatch.setattr(loop, "Replicas", lambda *of, **named: made.append(Replicas(*of, **named)) or made[-1])
    alone, _, expected = run(tmp_path, runtime=cpu(amp_dtype=amp_dtype))
    shared, _, history = run(tmp_path, runtime=cpus(count, amp_dtype=amp_dtype))

    assert [1, count] == [len(replicas.networks) for replicas in made]
    within = 1e-3 if amp_dtype == "float32" else 3e-2
    assert [epoch.loss for epoch in history[1:]] == pytest.approx([epoch.loss for epoch in expected[1:]], rel=within)
    assert [epoch.number for epoch in history] == [epoch.number for epoch in expected]
    assert all(
        torch.allclose(one, other, rtol=0, atol=2 * within)
        for one, other in zip(alone.parameters(), shared.parameters(), strict=True)
    )


def test_the_copies_have_the_weights_of_the_first_after_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal: list[bool] = []

    class Checked(Replicas):
        def copy_weights(self) -> None:
            super().copy_weights()
            first, *copies = self.networks
            equal.extend(same(first, copy) for copy in copies)

    monkeypatch.setattr(loop, "Replicas", Checked)
    before = tiny_network()
    after, _, _ = run(tmp_path, runtime=cpus(2))

    assert [True] * 6 == equal  # two batches in each of three epochs
    assert not same(before, after)


def test_a_killed_training_on_several_devices_resumes_to_the_same_network(tmp_path: Path) -> None:
    def checkpoint() -> Checkpoint:
        return Checkpoint(tmp_path / "state", name="final", fingerprint="mine")

    whole = run(tmp_path, runtime=cpus(2))
    with pytest.raises(KilledError):
        run(tmp_path, runtime=cpus(2), checkpoint=checkpoint(), progress=Killing(12 + 8))
    resumed = run(tmp_path, runtime=cpus(2), checkpoint=checkpoint())

    assert same(whole[0], resumed[0])
    assert whole[1:] == resumed[1:]
