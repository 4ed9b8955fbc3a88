"""Chooses the device, dtype, number of workers and batch size, each with the reason."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import torch

from classifier.errors import Message, ModelError
from classifier.inference import gpu
from classifier.settings import RuntimeSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.progress import Progress

_DTYPES: Final[Mapping[str, torch.dtype]] = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}
_AMPERE: Final = (8, 0)
_MAX_WORKERS: Final = 8
_MAX_GPU_WORKERS: Final = 16
_CPU_BATCH: Final = 32
_GPU_BATCH: Final = 64
PIXELS_AT_ONCE: Final = 8 * 256 * 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How the network runs; `reasons` has a sentence for each device, `details` one for each other choice.

    `dtype` is the autocast dtype with `amp`, else float32. With 0 `workers`, images are read in the main process.
    The `others` are devices equal to the first, which share the work.
    """

    device: torch.device
    dtype: torch.dtype
    amp: bool
    workers: int
    batch_size: int
    channels_last: bool
    reasons: tuple[Message, ...]
    details: tuple[Message, ...] = ()
    others: tuple[torch.device, ...] = ()

    @property
    def devices(self) -> tuple[torch.device, ...]:
        """The first one and the others."""
        return self.device, *self.others

    def each(self) -> tuple[Runtime, ...]:
        """One for each device, which has it alone."""
        return tuple(replace(self, device=device, others=()) for device in self.devices)

    def report(self, progress: Progress) -> None:
        """Say which devices are used; the rest is for who asks."""
        for reason in self.reasons:
            progress.say(reason)
        for detail in self.details:
            progress.detail(detail)

    def images_at_once(self, pixels_BCHW: torch.Tensor) -> int:
        """How many images of a batch the network computes together, without gradients."""
        if self.device.type != "cpu":
            return self.batch_size
        return images_at_once_on_cpu(pixels_BCHW, threads=torch.get_num_threads())


def images_at_once_on_cpu(pixels_BCHW: torch.Tensor, *, threads: int) -> int:
    """Few: more are no faster and take more memory (docs/BENCHMARKS.md). Small ones are more, as each call costs."""
    height, width = pixels_BCHW.shape[-2:]
    return max(threads, -(-PIXELS_AT_ONCE // (height * width)))


def choose_runtime(
    *,
    device: str | None = None,
    amp_dtype: str | None = None,
    workers: int | None = None,
    batch_size: int | None = None,
    training: bool = True,
) -> Runtime:
    """What is requested, and the best of this machine for what is None or "auto".

    Gradients need a wide range of numbers; without `training`, float16 is chosen for its precision.

    Raises:
        ModelError: The device or dtype is unknown or missing, or a count is out of range.

    """
    devices, device_reasons = _devices(device)
    chosen = devices[0]
    dtype, dtype_reason = _dtype(amp_dtype, chosen, training=training)
    count, count_reason = _workers(workers, devices)
    size, size_reason = _batch_size(batch_size, chosen)
    return Runtime(
        device=chosen,
        dtype=dtype,
        amp=dtype is not torch.float32,
        workers=count,
        batch_size=size,
        channels_last=chosen.type in {"cpu", "cuda"},
        reasons=device_reasons,
        details=(dtype_reason, count_reason, size_reason),
        others=devices[1:],
    )


def runtime_from_settings(settings: RuntimeSettings, *, training: bool = True) -> Runtime:
    """As `choose_runtime`, from the settings, where "auto", -1 workers and a batch size of 0 request nothing."""
    return choose_runtime(
        device=settings.device,
        amp_dtype=settings.amp_dtype,
        workers=None if settings.workers < 0 else settings.workers,
        batch_size=settings.batch_size or None,
        training=training,
    )


def _devices(requested: str | None) -> tuple[tuple[torch.device, ...], tuple[Message, ...]]:
    """The device that is used; with CUDA and no number requested, every card equal to the first."""
    device, reason = _device(requested)
    if device.type != "cuda" or device.index is not None or torch.cuda.device_count() == 1:
        return (device,), (reason,)
    cards = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    equal = tuple(card for card in cards if _model(card) == _model(cards[0]))
    if len(equal) > 1:
        reason = Message(
            "Devices {devices}: {count} cards of one model ({card}) share the work; --device {first} uses one alone.",
            devices=", ".join(map(str, equal)),
            count=len(equal),
            card=torch.cuda.get_device_name(cards[0]),
            first=cards[0],
        )
    unequal = [_left_out(card) for card in cards if card not in equal]
    return equal, (reason, *unequal)


def _model(card: torch.device) -> tuple[str, tuple[int, int]]:
    return torch.cuda.get_device_name(card), torch.cuda.get_device_capability(card)


def _left_out(card: torch.device) -> Message:
    return Message(
        "{device} ({card}) is left out: cards of two models would wait for each other. --device {device} uses it "
        "alone.",
        device=card,
        card=torch.cuda.get_device_name(card),
    )


def _device(requested: str | None) -> tuple[torch.device, Message]:
    if requested in {None, "auto"}:
        return _best_device()
    try:
        device = torch.device(requested or "cpu")
    except (RuntimeError, ValueError, OverflowError):
        raise ModelError("device {given!r} is not known; try cpu, cuda, cuda:1 or mps", given=requested) from None
    if not _is_available(device):
        own_kind = "mps" if sys.platform == "darwin" else "cuda"
        absent = Message(
            "device {given!r} is not here; this machine has {devices}", given=requested, devices=_available_devices()
        )
        if device.type != own_kind or _available_devices() != "cpu":
            raise ModelError(absent)
        raise ModelError("{absent}: {why}", absent=absent, why=gpu.why_no_gpu())
    if device.type == "cuda" and (why_not := gpu.why_unsupported(device.index or 0)) is not None:
        raise ModelError("device {given!r}: {why}", given=requested, why=why_not)
    return device, Message("Device {device}: as asked for.", device=device)


def _best_device() -> tuple[torch.device, Message]:
    if torch.cuda.is_available():
        why_not = gpu.why_unsupported()
        if why_not is None:
            return torch.device("cuda"), Message("Device cuda: {card} is there.", card=torch.cuda.get_device_name())
        return torch.device("cpu"), Message("Device cpu: {why}.", why=why_not)
    if sys.platform == "darwin" and torch.backends.mps.is_available():
        return torch.device("mps"), Message("Device mps: Apple's GPU is there.")
    return torch.device("cpu"), Message("Device cpu: {why}.", why=gpu.why_no_gpu())


def _is_available(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"


def _available_devices() -> str:
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return ", ".join(["cpu", *cuda, *mps])


def _dtype(requested: str | None, device: torch.device, *, training: bool) -> tuple[torch.dtype, Message]:
    if requested not in {None, "auto"}:
        if requested not in _DTYPES:
            raise ModelError(
                "number type {given!r} is not known; there are {known}", given=requested, known=", ".join(_DTYPES)
            )
        return _DTYPES[requested], Message("Numbers {dtype}: as asked for.", dtype=requested)
    if device.type != "cuda":
        return torch.float32, Message("Numbers float32: what is exact on {device}.", device=device.type)
    if not training:
        return torch.float16, Message(
            "Numbers float16: as fast as bfloat16, and three bits finer, which probabilities want."
        )
    if has_bfloat16(device):
        return torch.bfloat16, Message(
            "Numbers bfloat16: this GPU computes fast in it, and gradients keep their range."
        )
    return torch.float16, Message("Numbers float16: this GPU is older than bfloat16.")


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 without a detour."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _AMPERE
    return device.type == "cpu"


def _workers(requested: int | None, devices: tuple[torch.device, ...]) -> tuple[int, Message]:
    if requested is not None:
        if requested < 0:
            raise ModelError("{given} workers are too few; give 0 or more", given=requested)
        return requested, Message("Workers {count}: as asked for.", count=requested)
    here = cores()
    if devices[0].type == "cpu":
        count = min(max(1, here - 1), _MAX_WORKERS)
        return count, Message("Workers {count}: {cores} cores, shared with the network.", count=count, cores=here)
    count = min(max(1, here - 1), _MAX_GPU_WORKERS * len(devices))  # one core launches and files
    return count, Message("Workers {count}: {cores} cores to decode on.", count=count, cores=here)


def _batch_size(requested: int | None, device: torch.device) -> tuple[int, Message]:
    if requested is not None:
        if requested < 1:
            raise ModelError("a batch of {given} pictures is too small; give 1 or more", given=requested)
        return requested, Message("Batches of {count}: as asked for.", count=requested)
    size = _CPU_BATCH if device.type == "cpu" else _GPU_BATCH
    return size, Message("Batches of {count}: usual on {device}.", count=size, device=device.type)


def cores() -> int:
    """The cores that this process may use; containers and schedulers limit them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
