"""What counts as memory that ran out, and how a batch is made to fit."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
import torch

from classifier.errors import Message, ModelError
from classifier.inference import memory
from classifier.inference.device import choose_runtime
from classifier.inference.memory import BackOff, cap_memory, is_out_of_memory, is_taken, one_line_when_full
from classifier.inference.placing import place
from kit.pictures import COLORS
from kit.readers import MeanColor

CPU = torch.device("cpu")
GIB = 2**30


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 5.56 GB, other allocations: 1.10 GB)."),
        RuntimeError("Invalid buffer size: 19.45 GiB"),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed in a"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:115] . DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
)
def test_memory_that_ran_out_is_recognized(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("out of memory"), KeyError("a")]
)
def test_other_errors_are_not_about_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)


class Small:
    """Takes `most` pictures at a time, and counts tries."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.tried: list[int] = []

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """The batch, if it fits."""
        self.tried.append(len(batch))
        if len(batch) > self.most:
            raise RuntimeError("MPS backend out of memory")
        return 2 * batch


def test_a_batch_is_halved_until_it_fits_and_that_is_said_once() -> None:
    said: list[Message] = []
    back_off, small = BackOff(CPU, most=32, say=said.append), Small(5)
    for _ in range(3):
        parts = back_off.in_parts(small, torch.arange(32))
        assert torch.equal(torch.cat(parts), 2 * torch.arange(32))

    assert [32, 16, 8] == small.tried[:3]
    assert {4} == set(small.tried[3:])
    assert ["Batches of 4 from here on: the memory of cpu takes no more."] == said


def test_one_picture_that_is_too_large_ends_it_in_one_line() -> None:
    with pytest.raises(ModelError, match=r"memory of cpu is not enough .* one picture at a time \(MPS backend out"):
        BackOff(CPU, most=4, say=print).in_parts(Small(0), torch.arange(4))


def test_other_errors_keep_their_traceback() -> None:
    def wrong(_: torch.Tensor) -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        BackOff(CPU, most=4, say=print).in_parts(wrong, torch.arange(4))
    with pytest.raises(RuntimeError, match="shapes differ"), one_line_when_full(CPU):
        wrong(torch.arange(1))
    with pytest.raises(ModelError, match=r"memory of cpu .*CUDA out of memory"), one_line_when_full(CPU):
        raise torch.OutOfMemoryError("CUDA out of memory.\nmore lines")


@pytest.mark.parametrize(("kind", "released"), [("cuda", ["cuda"]), ("mps", ["mps"]), ("cpu", [])])
def test_each_kind_of_device_gives_back_what_it_keeps(
    kind: str, released: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: given.append("cuda"))
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: given.append("mps"))
    BackOff(torch.device(kind), most=4, say=print).in_parts(Small(2), torch.arange(4))

    assert released == given


def test_what_a_failed_try_held_is_free_before_the_device_is_asked_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[weakref.ref[torch.Tensor]] = []
    alive: list[bool] = []

    def run(part: torch.Tensor) -> torch.Tensor:
        activations = part + 1
        held.append(weakref.ref(activations))
        if len(part) > 1:
            raise torch.OutOfMemoryError
        return activations

    monkeypatch.setattr(memory, "release", lambda _: alive.extend(one() is not None for one in held))
    BackOff(CPU, most=4, say=print).in_parts(run, torch.arange(4))

    assert alive
    assert not any(alive)


def test_a_torch_that_cannot_say_its_cap_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(monkeypatch, free=9.5)
    monkeypatch.delattr(torch.cuda, "get_per_process_memory_fraction")
    cap_memory(torch.device("cuda"))

    assert [(0.75, 0)] == card.caps


class Card:
    """A CUDA card of which some is free; the cap that is set is kept."""

    def __init__(self, patch: pytest.MonkeyPatch, *, free: float, own: float = 0, total: float = 12) -> None:
        self.caps: list[tuple[float, int]] = []
        patch.setattr(torch.cuda, "current_device", lambda: 0)
        patch.setattr(torch.cuda, "mem_get_info", lambda _: (int(free * GIB), int(total * GIB)))
        patch.setattr(torch.cuda, "memory_reserved", lambda _: int(own * GIB))
        patch.setattr(
            torch.cuda, "set_per_process_memory_fraction", lambda share, index: self.caps.append((share, index))
        )
        patch.setattr(
            torch.cuda,
            "get_per_process_memory_fraction",
            lambda _: self.caps[-1][0] if self.caps else 1.0,
            raising=False,
        )


def test_half_a_gigabyte_of_a_card_stays_free(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(monkeypatch, free=9.5)
    cap_memory(torch.device("cuda"))

    assert [(0.75, 0)] == card.caps


def test_what_the_process_has_already_counts_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(monkeypatch, free=6.5, own=3)
    cap_memory(torch.device("cuda", 0))

    assert [(0.75, 0)] == card.caps


def test_a_card_that_is_nearly_full_still_gets_half_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(monkeypatch, free=0.6)
    cap_memory(torch.device("cuda"))

    assert [(pytest.approx(0.3 / 12), 0)] == card.caps


def test_a_lower_cap_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(monkeypatch, free=11)
    card.caps.append((0.5, 0))
    cap_memory(torch.device("cuda"))

    assert (0.5, 0) == card.caps[-1]


@pytest.mark.parametrize(("free", "own", "taken"), [(11, 0, False), (6, 0, False), (4, 2, False), (4, 0, True)])
def test_a_card_that_others_have_half_of_is_taken(
    free: float, own: float, monkeypatch: pytest.MonkeyPatch, *, taken: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda card: (int((free if card else 11) * GIB), 12 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda card: int(own * GIB) if card else 0)

    assert taken == is_taken(torch.device("cuda", 1), beside=torch.device("cuda"))
    assert not is_taken(CPU, beside=CPU)


def test_a_network_is_placed_in_the_layout_that_is_fast() -> None:
    network = torch.nn.Conv2d(3, 4, 3)
    placed = place(network, choose_runtime(device="cpu"))

    assert placed.weight.is_contiguous(memory_format=torch.channels_last)
    assert not torch.backends.cudnn.benchmark


@pytest.mark.parametrize(("numbers", "precision"), [("float16", "high"), ("float32", "highest")])
def test_on_a_card_images_of_one_size_get_the_fastest_algorithm(
    numbers: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Card(monkeypatch, free=11)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    said: list[str] = []
    monkeypatch.setattr(torch, "set_float32_matmul_precision", said.append)
    moved: list[tuple[torch.device, torch.memory_format]] = []
    network = MeanColor(list(COLORS.values()))
    network.to = lambda *, device, memory_format: moved.append((device, memory_format)) or network  # type: ignore[method-assign]
    dtype = getattr(torch, numbers)
    runtime = replace(
        choose_runtime(device="cpu"), device=torch.device("cuda"), dtype=dtype, amp=dtype is not torch.float32
    )

    assert place(network, runtime) is network
    assert [(torch.device("cuda"), torch.channels_last)] == moved
    assert torch.backends.cudnn.benchmark
    assert precision == said[-1]
