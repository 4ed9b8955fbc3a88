"""Several devices share the work: several times the CPU stands for several cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from inference.test_forward import LateCopies
from torch import Tensor, nn

from classifier.inference import replicas as of_replicas
from classifier.inference.copies import DirectCopies
from classifier.inference.device import Runtime, choose_runtime
from classifier.inference.forward import Outputs, TorchEngine, outputs_of
from classifier.inference.loader import Batch
from classifier.inference.replicas import replicas
from kit.pictures import COLORS
from kit.progress import SavingProgress
from kit.readers import MeanColor

SIZES = [4, 4, 0, 1, 4, 3, 4, 2, 4]
COUNTS = [1, 2, 3]


class Watched(MeanColor):
    """Lists the networks that compute, the pictures of each and the dtype; the first is 0.

    A copy takes `most` pictures, and numbers of a white picture exceed float16.
    """

    def __init__(self, *, most: int = 100) -> None:
        super().__init__(list(COLORS.values()))
        self.most = most
        self.original = id(self)
        Watched.met = [id(self)]
        Watched.seen: list[tuple[int, int, torch.dtype]] = []

    def embed(self, images: Tensor) -> Tensor:
        """The mean color, infinite for white in float16."""
        if id(self) != self.original and len(images) > self.most:
            raise torch.OutOfMemoryError
        if id(self) not in Watched.met:
            Watched.met.append(id(self))
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
        Watched.seen.append((Watched.met.index(id(self)), len(images), dtype))
        embeddings = super().embed(images)
        return torch.where(embeddings > 0.99, torch.inf, embeddings) if dtype is torch.float16 else embeddings


def cpus(count: int, dtype: torch.dtype = torch.float32) -> Runtime:
    cpu = choose_runtime(device="cpu", batch_size=4)
    return replace(cpu, dtype=dtype, amp=dtype is not torch.float32, others=(cpu.device,) * (count - 1))


def batches(*, white: int | None = None) -> list[Batch]:
    torch.manual_seed(0)
    made = [torch.randint(0, 200, (size, 3, 8, 8), dtype=torch.uint8) for size in SIZES]
    if white is not None:
        made[white][-1] = 255
    return [Batch(keys=(number,), results=(), pixels=pixels) for number, pixels in enumerate(made)]


def computed(
    network: MeanColor,
    runtime: Runtime,
    copies: object = None,
    *,
    progress: SavingProgress | None = None,
    white: int | None = None,
) -> list[tuple[Batch, Outputs]]:
    copies_of: Callable[[torch.device], object] = lambda _: copies or DirectCopies()  # noqa: E731 - one line
    engine = TorchEngine(network, runtime, stats=True, progress=progress, copies_of=copies_of)  # type: ignore[arg-type]
    return list(outputs_of(batches(white=white), engine))


def equal(one: list[tuple[Batch, Outputs]], other: list[tuple[Batch, Outputs]]) -> bool:
    return [batch.keys for batch, _ in one] == [batch.keys for batch, _ in other] and all(
        np.array_equal(a, b)
        for (_, ours), (_, theirs) in zip(one, other, strict=True)
        for a, b in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize("count", COUNTS)
def test_batches_go_to_the_devices_in_turn_with_the_same_results(count: int) -> None:
    alone = computed(Watched(), cpus(1))
    shared = computed(Watched(), cpus(count))

    assert equal(alone, shared)
    assert [number % count for number in range(8)] == [device for device, *_ in Watched.seen]


@pytest.mark.parametrize("count", COUNTS)
def test_each_device_has_a_batch_in_hand_while_one_is_read(count: int) -> None:
    late = LateCopies()
    found = computed(Watched(), cpus(count), late)

    assert equal(computed(Watched(), cpus(1)), found)
    assert (2 * count, 0) == (late.most_waiting, late.waiting)


def test_devices_that_compute_at_once_are_read_at_once() -> None:
    assert 0 == TorchEngine(Watched(), cpus(3), stats=True).ahead


@pytest.mark.parametrize("copies", [DirectCopies, LateCopies])
@pytest.mark.parametrize("white", [0, 1, 4])
def test_all_devices_go_on_in_the_wider_dtype_together(copies: type, white: int) -> None:
    progress = SavingProgress()
    found = computed(Watched(), cpus(2, torch.float16), copies(), progress=progress, white=white)
    dtypes = [dtype for _, _, dtype in Watched.seen]
    wide = dtypes.index(torch.bfloat16)

    assert all(np.isfinite(output).all() for _, outputs in found for output in outputs)
    assert ["Numbers bfloat16 from here on: what this network computes exceeds float16."] == progress.messages
    assert {torch.bfloat16} == set(dtypes[wide:])
    assert {0, 1} == {device for device, *_ in Watched.seen[wide:]}
    assert equal(found, computed(Watched(), cpus(1, torch.float16), white=white))


@pytest.mark.parametrize("copies", [DirectCopies, LateCopies])
def test_memory_that_runs_out_on_one_device_halves_the_parts_of_all(copies: type) -> None:
    progress = SavingProgress()
    found = computed(Watched(most=2), cpus(3), copies(), progress=progress)

    assert equal(computed(Watched(), cpus(1)), found)
    assert ["Batches of 2 from here on: the memory of cpu takes no more."] == progress.messages
    computed(Watched(most=2), cpus(3), copies())
    assert (0, 4, torch.float32) == Watched.seen[0]
    assert {1, 2} == {size for _, size, _ in Watched.seen[1:]}


def test_a_copy_is_made_when_its_first_batch_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few pictures cost none."""
    made: list[int] = []
    plain = of_replicas._copy
    monkeypatch.setattr(of_replicas, "_copy", lambda *of: made.append(1) or plain(*of))
    engine = TorchEngine(Watched(), cpus(3), stats=False)
    pixels = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    counts = []
    for _ in range(5):
        engine.launch(pixels)()
        counts.append(len(made))

    assert [0, 1, 2, 2, 2] == counts


def test_a_device_that_refuses_is_left_out_and_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable\nCUDA kernel errors might")

    expected, progress = computed(Watched(), cpus(1)), SavingProgress()
    monkeypatch.setattr(of_replicas, "_copy", refuse)
    found = computed(Watched(), cpus(2), progress=progress)

    assert equal(expected, found)
    assert ["cpu is left out: CUDA error: all CUDA-capable devices are busy or unavailable."] == progress.messages


def test_a_device_that_other_programs_fill_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_replicas, "is_taken", lambda _, beside: beside.type == "cpu")
    progress = SavingProgress()
    computed(Watched(), cpus(2), progress=progress)

    assert ["cpu is left out: other programs have most of its memory."] == progress.messages
    assert {0} == {device for device, *_ in Watched.seen}


def test_a_device_that_gets_other_weights_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the IOMMU stands between two cards: copies succeed, and hold something else."""
    plain = of_replicas._moved
    monkeypatch.setattr(of_replicas, "_moved", lambda tensor, runtime: plain(tensor, runtime).zero_())
    progress = SavingProgress()
    computed(Watched(), cpus(2), progress=progress)

    assert ["cpu is left out: what is copied between it and cpu arrives changed."] == progress.messages
    assert {0} == {device for device, *_ in Watched.seen}


class Tied(nn.Module):
    """Two layers of one weight, one that does not learn, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other, self.fixed = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)
        self.other.weight = self.one.weight
        self.fixed.requires_grad_(False)
        self.register_buffer("mean", torch.ones(3))


def test_a_copy_has_the_same_weights_in_memory_of_its_own() -> None:
    network = Tied()
    first, second = (replica.network for replica in replicas(network, cpus(2), say=print))
    pairs = list(
        zip(first.state_dict(keep_vars=True).values(), second.state_dict(keep_vars=True).values(), strict=True)
    )

    assert first is network
    assert all(torch.equal(one, other) for one, other in pairs)
    assert all(one.data_ptr() != other.data_ptr() and one.requires_grad == other.requires_grad for one, other in pairs)
    assert second.one.weight is second.other.weight
    assert isinstance(second.one.weight, nn.Parameter)
    assert [name for name, _ in first.named_parameters()] == [name for name, _ in second.named_parameters()]


def test_pictures_and_weights_meet_on_the_device_of_the_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a device that holds no numbers, but tells itself from the CPU."""
    meta = torch.device("meta")
    monkeypatch.setattr(of_replicas, "_has_arrived", lambda *_: True)
    monkeypatch.setattr(torch, "autocast", lambda kind, **_: met.append(kind) or nullcontext())
    met: list[str] = []
    begun: list[tuple[str, set[str]]] = []

    class Copies(DirectCopies):
        def __init__(self, device: torch.device) -> None:
            self.kind = device.type

        def begin(self, outputs: Sequence[Tensor]) -> Callable[[], list[Tensor]]:
            begun.append((self.kind, {output.device.type for output in outputs}))
            return lambda: [torch.ones(output.shape).to(output.dtype) for output in outputs]

    runtime = replace(cpus(1), others=(meta,))
    list(outputs_of(batches(), TorchEngine(MeanColor([(1, 2, 3)]), runtime, stats=True, copies_of=Copies)))

    assert ["cpu", "meta"] * 4 == met
    assert [("cpu", {"cpu"}), ("meta", {"meta"})] * 4 == begun


def test_a_card_gets_its_copy_within_a_cap_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """With cards that are pretended: tensors say where they were sent and stay where they are."""
    capped: list[torch.device] = []
    sent: list[torch.device] = []
    monkeypatch.setattr(of_replicas, "cap_memory", capped.append)
    monkeypatch.setattr(of_replicas, "is_taken", lambda *_, **__: False)
    monkeypatch.setattr(of_replicas, "place", lambda network, runtime: sent.append(runtime.device) or network)
    monkeypatch.setattr(of_replicas, "_moved", lambda tensor, runtime: sent.append(runtime.device) or tensor)
    cards = [torch.device("cuda", number) for number in range(3)]
    found = list(replicas(MeanColor([(1, 2, 3)]), replace(cpus(1), device=cards[0], others=(cards[2],)), say=print))

    assert [cards[0], cards[2]] == [replica.runtime.device for replica in found]
    assert ([cards[2]], [cards[2]] * 2) == (capped, sent)
