"""Where and how the network runs: device, number type, workers, batch size, each choice with its reason.

The one place that makes these choices. Must not know the network.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from classifier.errors import ModelError
from classifier.inference import gpu
from classifier.settings import RuntimeSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

_DTYPES: Final[Mapping[str, torch.dtype]] = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}
_AMPERE: Final = (8, 0)
_MOST_WORKERS: Final = 8
_CPU_BATCH: Final = 32
_GPU_BATCH: Final = 64

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_MAX: Final = -4


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How the network runs; `reasons` says why, a sentence for each choice.

    `dtype` is what autocast computes in when `amp`, else float32. `workers` is 0 when pictures are read in the process
    itself.
    """

    device: torch.device
    dtype: torch.dtype
    amp: bool
    workers: int
    batch_size: int
    channels_last: bool
    reasons: tuple[str, ...]


def choose(
    *,
    device: str | None = None,
    amp_dtype: str | None = None,
    workers: int | None = None,
    batch_size: int | None = None,
    training: bool = True,
) -> Runtime:
    """Take what is asked for, and the best of this machine for the rest; None and "auto" ask for nothing.

    Without `training` gradients need no wide range of numbers, so the finest of the fast number types is taken.

    Raises:
        ModelError: A device or number type that is not known or not here, or a count that is out of range.

    """
    place, place_reason = _device(device)
    dtype, dtype_reason = _dtype(amp_dtype, place, training=training)
    count, count_reason = _workers(workers, place)
    size, size_reason = _batch_size(batch_size, place)
    return Runtime(
        device=place,
        dtype=dtype,
        amp=dtype is not torch.float32,
        workers=count,
        batch_size=size,
        channels_last=place.type in {"cpu", "cuda"},
        reasons=(place_reason, dtype_reason, count_reason, size_reason),
    )


def quicken_allocator() -> str:
    """Keep the memory of large tensors between batches instead of giving it back each time; says what was done.

    On glibc this about doubles the speed of networks on the CPU, at the price of memory that stays with the process.
    Call it before torch works.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return "The memory allocator is left as it is: only glibc's can be told to keep memory."
    try:
        mallopt = ctypes.CDLL(None).mallopt
        is_kept = mallopt(_M_MMAP_MAX, 0) == 1 and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1) == 1
    except (OSError, AttributeError) as error:
        return f"The memory allocator is left as it is: {error}."
    if not is_kept:
        return "The memory allocator is left as it is: glibc refused the setting."
    return "Memory is kept between batches (glibc mallopt), which about doubles the speed on a CPU."


def _device(asked: str | None) -> tuple[torch.device, str]:
    if asked in {None, "auto"}:
        return _best_device()
    try:
        device = torch.device(asked or "cpu")
    except (RuntimeError, ValueError, OverflowError):
        raise ModelError(f"device {asked!r} is not known; try cpu, cuda, cuda:1 or mps") from None
    if not _is_there(device):
        own_kind = "mps" if sys.platform == "darwin" else "cuda"
        why = f": {gpu.why_none()}" if device.type == own_kind and _devices_here() == "cpu" else ""
        raise ModelError(f"device {asked!r} is not here; this machine has {_devices_here()}{why}")
    if device.type == "cuda" and (why_not := gpu.why_not(device.index or 0)) is not None:
        raise ModelError(f"device {asked!r}: {why_not}")
    return device, f"Device {device}: as asked for."


def _best_device() -> tuple[torch.device, str]:
    if torch.cuda.is_available():
        why_not = gpu.why_not()
        if why_not is None:
            return torch.device("cuda"), f"Device cuda: {torch.cuda.get_device_name()} is there."
        return torch.device("cpu"), f"Device cpu: {why_not}."
    if sys.platform == "darwin" and torch.backends.mps.is_available():
        return torch.device("mps"), "Device mps: Apple's GPU is there."
    return torch.device("cpu"), f"Device cpu: {gpu.why_none()}."


def _is_there(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"


def _devices_here() -> str:
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return ", ".join(["cpu", *cuda, *mps])


def _dtype(asked: str | None, device: torch.device, *, training: bool) -> tuple[torch.dtype, str]:
    if asked not in {None, "auto"}:
        if asked not in _DTYPES:
            raise ModelError(f"number type {asked!r} is not known; there are {', '.join(_DTYPES)}")
        return _DTYPES[asked], f"Numbers {asked}: as asked for."
    if device.type != "cuda":
        return torch.float32, f"Numbers float32: what is exact on {device.type}."
    if not training:
        return torch.float16, "Numbers float16: as fast as bfloat16, and three bits finer, which probabilities want."
    if torch.cuda.get_device_capability(device) >= _AMPERE:
        return torch.bfloat16, "Numbers bfloat16: this GPU computes fast in it, and gradients keep their range."
    return torch.float16, "Numbers float16: this GPU is older than bfloat16."


def _workers(asked: int | None, device: torch.device) -> tuple[int, str]:
    if asked is not None:
        if asked < 0:
            raise ModelError(f"{asked} workers are too few; give 0 or more")
        return asked, f"Workers {asked}: as asked for."
    cores = _cores()
    if device.type == "cpu":
        count = min(max(1, cores - 1), _MOST_WORKERS)
        return count, f"Workers {count}: {cores} cores, shared with the network."
    count = min(cores, _MOST_WORKERS)
    return count, f"Workers {count}: {cores} cores to decode on."


def _batch_size(asked: int | None, device: torch.device) -> tuple[int, str]:
    if asked is not None:
        if asked < 1:
            raise ModelError(f"a batch of {asked} pictures is too small; give 1 or more")
        return asked, f"Batches of {asked}: as asked for."
    size = _CPU_BATCH if device.type == "cpu" else _GPU_BATCH
    return size, f"Batches of {size}: usual on {device.type}."


def _cores() -> int:
    """The cores that this process may use, which containers and schedulers limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_from(settings: RuntimeSettings, *, training: bool = True) -> Runtime:
    """As `choose`, from the settings, whose "auto", -1 workers and batch of 0 ask for nothing."""
    return choose(
        device=settings.device,
        amp_dtype=settings.amp_dtype,
        workers=None if settings.workers < 0 else settings.workers,
        batch_size=settings.batch_size or None,
        training=training,
    )
