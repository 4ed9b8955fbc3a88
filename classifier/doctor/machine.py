"""The processor, the memory and the GPU, and whether torch and ONNX Runtime make use of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from classifier.doctor.finding import Finding, hint, ok, problem
from classifier.doctor.system_memory import system_memory
from classifier.errors import Counted, Message, ModelError
from classifier.inference import gpu
from classifier.inference.device import Runtime, cores, runtime_from_settings
from classifier.inference.memory import memory_of
from classifier.inference.pipeline import open_pool
from classifier.inference.reader import limits_from
from classifier.model.onnx_cache import INSTALL, missing_packages
from classifier.progress import SilentProgress

if TYPE_CHECKING:
    from classifier.settings import Settings

_MAIN_BYTES: Final = 930_000_000
_WORKER_BYTES: Final = 410_000_000
_TRAINING_BYTES: Final = 4_900_000_000
"""Measured with the embedded backbone on a CPU (docs/BENCHMARKS.md): a sort, each process that reads for it, and
fine-tuning by batches of 32."""


def examine_machine(settings: Settings) -> Iterator[Finding]:
    """The device that is chosen by the settings and why, its memory, the machine's memory, ONNX Runtime."""
    try:
        runtime = runtime_from_settings(settings.runtime, training=False)
    except ModelError as error:
        yield problem("device", error.message, Message("leave runtime.device at auto, or name one that is there"))
        return
    yield _processor()
    yield from _device(runtime)
    yield from _memory(runtime, settings)
    if runtime.device.type == "cpu":
        yield _onnx()


def _processor() -> Finding:
    count = cores()
    told = Counted("{count} processor core may be used", "{count} processor cores may be used", count=count)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load < count:
        return ok("processor", told)
    return hint(
        "processor.busy",
        Message("{told}, and other programs keep them busy (load {load:.1f})", told=told, load=load),
        Message("speeds and times below are those of a busy machine; ask again when it is quiet"),
    )


def _device(runtime: Runtime) -> Iterator[Finding]:
    first, *others = runtime.reasons
    if runtime.device.type != "cpu":
        yield ok("device", first)
        for left_out in others:
            yield hint("device.left_out", left_out, Message("nothing, unless you would rather use that one"))
        yield from filter(None, map(_card, runtime.each()))
        return
    why = first.params.get("why")
    if not isinstance(why, Message) or not gpu.has_unused_card():
        yield ok("device", first)
    elif "CUDA_VISIBLE_DEVICES" in os.environ:
        yield hint("gpu.unused", Message("a GPU is there and is not used"), why)
    else:
        yield problem("gpu.unused", Message("a GPU is there and is not used"), why)


def _card(runtime: Runtime) -> Finding | None:
    device = runtime.device
    free, total = memory_of(device) or (0, 0)
    if not total:
        return None
    free_of_all = Message(
        "{device}: {free:.1f} GB of its {total:.1f} GB of memory are free",
        device=device,
        free=free / 1e9,
        total=total / 1e9,
    )
    if free < total / 2:
        return hint(
            "gpu.memory", free_of_all, Message("close other programs that use the card (nvidia-smi lists them)")
        )
    return ok("gpu.memory", free_of_all)


def _memory(runtime: Runtime, settings: Settings) -> Iterator[Finding]:
    memory = system_memory()
    if memory is None:
        return
    with open_pool(runtime, limits_from(settings.images), SilentProgress()) as pool:
        readers = pool.processes
    free_of_all = Message(
        "{free:.1f} GB of {total:.1f} GB of memory are free", free=memory.available / 1e9, total=memory.total / 1e9
    )
    needed = _MAIN_BYTES + readers * _WORKER_BYTES
    if memory.available < needed:
        yield hint(
            "memory.sort",
            Message(
                "{free_of_all}; a sort with --workers {count} takes about {needed:.1f} GB",
                free_of_all=free_of_all,
                count=readers,
                needed=needed / 1e9,
            ),
            Message("close other programs, or sort with fewer --workers"),
        )
    elif memory.available < _TRAINING_BYTES and runtime.device.type == "cpu":
        yield hint(
            "memory.train",
            Message(
                "{free_of_all}; fine-tuning without a GPU takes about {needed:.1f} GB",
                free_of_all=free_of_all,
                needed=_TRAINING_BYTES / 1e9,
            ),
            Message("close other programs before it, or train with --recipe head"),
        )
    else:
        yield ok("memory", free_of_all)


def _onnx() -> Finding:
    missing = missing_packages()
    if missing:
        return hint(
            "onnx",
            Message("ONNX Runtime is not installed, with which a CPU sorts about twice as fast"),
            Message("{command}", command=INSTALL),
        )
    return ok("onnx", Message("ONNX Runtime is installed, with which a CPU sorts faster"))
