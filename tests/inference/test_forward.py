"""Batches are launched ahead of what is read, and give what they give one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from classifier.inference import forward
from classifier.inference.copies import DirectCopies, PinnedCopies, copies_from
from classifier.inference.device import Runtime, choose_runtime
from classifier.inference.forward import Outputs, TorchEngine, outputs_of
from classifier.inference.loader import Batch
from kit.pictures import COLORS
from kit.progress import SavingProgress
from kit.readers import MeanColor

SIZES = [4, 4, 0, 1, 4, 3]


class LateCopies:
    """Copies as a card's: nothing is there until it is waited for; how many wait at most is counted."""

    ahead = 1

    def __init__(self) -> None:
        self.waiting = self.most_waiting = 0

    def begin(self, outputs: Sequence[Tensor]) -> Callable[[], list[Tensor]]:
        """Garbage until waited for."""
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        copies = [torch.full_like(output, True if output.dtype is torch.bool else -1.0) for output in outputs]
        return partial(self._wait, copies, [output.clone() for output in outputs])

    @torch.inference_mode()
    def _wait(self, copies: list[Tensor], outputs: list[Tensor]) -> list[Tensor]:
        self.waiting -= 1
        for copy, output in zip(copies, outputs, strict=True):
            copy.copy_(output)
        return copies


class Overflowing(MeanColor):
    """Exceeds float16 for pictures that are all white; counts the dtypes that it computed in."""

    def __init__(self, *, at: tuple[torch.dtype, ...] = (torch.float16,)) -> None:
        super().__init__(list(COLORS.values()))
        self.at = at
        self.dtypes: list[torch.dtype] = []

    def embed(self, images: Tensor) -> Tensor:
        """The mean color, infinite for white where it overflows."""
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
        self.dtypes.append(dtype)
        embeddings = super().embed(images)
        return torch.where(embeddings > 0.99, torch.inf, embeddings) if dtype in self.at else embeddings.to(dtype)


def batches(*, white: int | None = None, sizes: Sequence[int] = SIZES) -> list[Batch]:
    torch.manual_seed(0)
    made = [torch.randint(0, 200, (size, 3, 8, 8), dtype=torch.uint8) for size in sizes]
    if white is not None:
        made[white][-1] = 255
    return [Batch(keys=(number,), results=(), pixels=pixels) for number, pixels in enumerate(made)]


def cpu(dtype: torch.dtype = torch.float32, *, batch_size: int = 4) -> Runtime:
    return replace(choose_runtime(device="cpu", batch_size=batch_size), dtype=dtype, amp=dtype is not torch.float32)


def engine(network: MeanColor, runtime: Runtime, copies: object = None, progress: object = None) -> TorchEngine:
    copies_of = copies_from if copies is None else lambda _: copies
    return TorchEngine(network, runtime, stats=True, copies_of=copies_of, progress=progress)  # type: ignore[arg-type]


def equal(one: list[tuple[Batch, Outputs]], other: list[tuple[Batch, Outputs]]) -> bool:
    return all(
        ours.keys == theirs.keys and all(np.array_equal(a, b) for a, b in zip(mine, yours, strict=True))
        for (ours, mine), (theirs, yours) in zip(one, other, strict=True)
    )


def test_batches_launched_ahead_give_what_they_give_one_by_one() -> None:
    network, late = MeanColor(list(COLORS.values())), LateCopies()
    plain = list(outputs_of(batches(), engine(network, cpu())))
    ahead = list(outputs_of(batches(), engine(network, cpu(), late)))

    assert [(number,) for number in range(len(SIZES))] == [batch.keys for batch, _ in ahead]
    assert [4, 4, 0, 1, 4, 3] == [len(outputs[0]) if outputs else 0 for _, outputs in ahead]
    assert equal(plain, ahead)
    assert (2, 0) == (late.most_waiting, late.waiting)


def test_the_next_batch_is_launched_before_one_is_read() -> None:
    events: list[str] = []

    class Watched:
        ahead = 1

        def launch(self, pixels: Tensor) -> Callable[[], Outputs]:
            events.append(f"launch {len(pixels)}")
            return lambda: events.append(f"read {len(pixels)}") or []  # type: ignore[func-returns-value]

    list(outputs_of(batches(sizes=[1, 2, 3]), Watched()))

    assert ["launch 1", "launch 2", "read 1", "launch 3", "read 2", "read 3"] == events


def test_on_the_cpu_a_batch_is_read_before_the_next_is_begun() -> None:
    """So that the first pictures are filed as soon as they can be."""
    assert 0 == engine(MeanColor(list(COLORS.values())), cpu()).ahead


@pytest.mark.parametrize(
    ("threads", "side", "expected"), [(1, 256, [8, 2]), (9, 256, [9, 1]), (1, 512, [2] * 5), (4, 512, [4, 4, 2])]
)
def test_on_the_cpu_few_pictures_are_computed_together(
    threads: int, side: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    network = Overflowing(at=())
    counts: list[int] = []
    monkeypatch.setattr(network, "normalize", lambda pixels: counts.append(len(pixels)) or pixels / 255)
    several = [Batch(keys=(0,), results=(), pixels=torch.zeros((10, 3, side, side), dtype=torch.uint8))]

    (_, outputs), *_ = outputs_of(several, engine(network, cpu(batch_size=32)))

    assert expected == counts
    assert 10 == len(outputs[0])


@pytest.mark.parametrize("copies", [DirectCopies, LateCopies])
@pytest.mark.parametrize("white", [0, 1, 4, 5])
def test_what_overflows_is_computed_wider_from_then_on(copies: type, white: int) -> None:
    network, progress = Overflowing(), SavingProgress()
    found = list(outputs_of(batches(white=white), engine(network, cpu(torch.float16), copies(), progress)))

    assert all(np.isfinite(output).all() for _, outputs in found for output in outputs)
    assert 1 == len(progress.messages)
    assert "Numbers bfloat16 from here on" in progress.messages[0]
    after = network.dtypes[network.dtypes.index(torch.bfloat16) :]
    assert {torch.bfloat16} == set(after)
    assert network.dtypes.count(torch.float16) <= white + copies.ahead + 1
    assert equal(found, list(outputs_of(batches(white=white), engine(Overflowing(), cpu(torch.float16)))))


def test_a_card_older_than_bfloat16_goes_on_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "has_bfloat16", lambda _: False)
    network = Overflowing()
    list(outputs_of(batches(white=0), engine(network, cpu(torch.float16))))

    assert [torch.float16, *[torch.float32] * 5] == network.dtypes


def test_a_picture_that_no_numbers_can_hold_leaves_the_dtype_as_it_is() -> None:
    network = Overflowing(at=(torch.float16, torch.bfloat16, torch.float32))
    found = list(outputs_of(batches(white=0), engine(network, cpu(torch.float16))))

    assert not np.isfinite(found[0][1][1]).all()
    assert [torch.float16, torch.bfloat16, torch.float32, *[torch.float16] * 4] == network.dtypes


def test_float32_is_computed_once_whatever_comes_out() -> None:
    network = Overflowing(at=(torch.float32,))
    list(outputs_of(batches(white=0), engine(network, cpu())))

    assert 5 == len(network.dtypes)


@pytest.mark.parametrize("copies", [DirectCopies, LateCopies])
def test_memory_that_runs_out_between_launches_loses_nothing(copies: type) -> None:
    class Greedy(MeanColor):
        def embed(self, images: Tensor) -> Tensor:
            if len(images) > 2:
                raise torch.OutOfMemoryError
            return super().embed(images)

    plain = list(outputs_of(batches(), engine(MeanColor(list(COLORS.values())), cpu())))
    progress = SavingProgress()
    split = list(outputs_of(batches(), engine(Greedy(list(COLORS.values())), cpu(), copies(), progress)))

    assert equal(plain, split)
    assert ["Batches of 2 from here on: the memory of cpu takes no more."] == progress.messages


def test_results_of_a_card_are_waited_for_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a card that is pretended: buffers are pinned, and an event on its stream is waited for."""
    events: list[str] = []

    class Event:
        def __init__(self, *, blocking: bool) -> None:
            assert blocking

        def record(self, stream: str) -> None:
            events.append(f"record {stream}")

        def synchronize(self) -> None:
            events.append("wait")

    empty = torch.empty

    def pinned(shape: torch.Size, *, dtype: torch.dtype, pin_memory: bool) -> Tensor:
        events.append(f"pinned {pin_memory}")
        return empty(shape, dtype=dtype)

    monkeypatch.setattr(torch, "empty", pinned)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"stream of {device}")
    copies = copies_from(torch.device("cuda", 1))
    read = copies.begin([torch.ones(2, 3)])

    assert isinstance(copies, PinnedCopies)
    assert ["pinned True", "record stream of cuda:1"] == events
    assert torch.equal(torch.ones(2, 3), read()[0])
    assert "wait" == events[-1]
    assert isinstance(copies_from(torch.device("mps")), DirectCopies)
