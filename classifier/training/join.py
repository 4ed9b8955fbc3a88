"""Joins the processes that a launcher (accelerate, torchrun, mpirun) started; without one, a process is alone."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import torch

from classifier import __version__
from classifier.errors import Message, ModelError, join_errors, message_of
from classifier.inference.device import runtime_from_settings
from classifier.training.processes import ALONE, Processes

if TYPE_CHECKING:
    from classifier.inference.device import Runtime
    from classifier.progress import Progress
    from classifier.settings import RuntimeSettings

_COUNTS: Final = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
_INDICES: Final = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")
_LOCAL_INDICES: Final = ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "MV2_COMM_WORLD_LOCAL_RANK")
_LOCAL_COUNTS: Final = (
    "LOCAL_WORLD_SIZE",
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "MPI_LOCALNRANKS",
    "MV2_COMM_WORLD_LOCAL_SIZE",
)
"""What launchers set, as accelerate reads it."""
_LONGEST_WAIT: Final = timedelta(days=1)
"""The others wait while the main process embeds and saves. A process that ends is noticed at once all the same."""


def launched(environment: Mapping[str, str]) -> Processes:
    """What the launcher's variables say. Raises ModelError in one line where they do not agree."""
    count = _number(environment, _COUNTS, 1)
    if count == 1 or "MASTER_ADDR" not in environment:
        return ALONE
    index = _number(environment, _INDICES, -1)
    if not 0 <= index < count:
        raise ModelError(
            "WORLD_SIZE={count} is set, but no RANK below it: start training with accelerate launch, or unset it",
            count=count,
        )
    return Processes(
        index=index,
        count=count,
        local_index=_number(environment, _LOCAL_INDICES, 0),
        local_count=_number(environment, _LOCAL_COUNTS, 1),
    )


@contextmanager
def joined(settings: RuntimeSettings, progress: Progress) -> Iterator[Processes]:
    """The processes of this training, once all are there; `ALONE` without a launcher.

    Raises ModelError in one line where accelerate is missing, or versions, devices or number types differ.
    """
    processes = launched(os.environ)
    if processes.count == 1:
        yield ALONE
        return
    if find_spec("accelerate") is None:
        raise ModelError(
            'training in {count} processes needs accelerate: pip install "illsort[accelerate]"', count=processes.count
        )
    runtime = processes.runtime(runtime_from_settings(settings))
    if processes.is_main:
        progress.say(Message("Waiting for the {count} processes of this training.", count=processes.count))
    processes, state = _connected(processes, runtime)
    try:
        _check_alike(processes, runtime)
        yield processes
        if processes.is_main:
            with suppress(ModelError):  # whoever is gone needs not be told
                processes.by_main(_the_end)
    finally:
        state.destroy_process_group()


def _the_end() -> None:
    """After it, `helping.help_main` returns."""


def _connected(processes: Processes, runtime: Runtime) -> tuple[Processes, Any]:
    """The same, and accelerate's state, whose end must be before the process's."""
    has_nccl = runtime.device.type == "cuda" and torch.distributed.is_nccl_available()
    if runtime.device.type == "cuda":
        torch.cuda.set_device(runtime.device)
    os.environ["LOCAL_RANK"] = str(processes.local_index)  # accelerate takes a process without it for one alone
    os.environ["ACCELERATE_TORCH_DEVICE"] = str(runtime.device)
    options = {"backend": "cuda:nccl,cpu:gloo"} if has_nccl else {"cpu": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # how many threads it sets
            accelerate = importlib.import_module("accelerate")
            state = accelerate.PartialState(timeout=_LONGEST_WAIT, **options)
    except (ImportError, RuntimeError, ValueError) as error:
        raise ModelError(
            "the processes of this training do not find each other ({why})", why=message_of(error)
        ) from None
    if (state.num_processes, state.process_index) != (processes.count, processes.index):
        raise ModelError(
            "accelerate counts {found} processes where the launcher started {count}",
            found=state.num_processes,
            count=processes.count,
        )
    return replace(processes, sums_on_gpu=has_nccl), state


def _check_alike(processes: Processes, runtime: Runtime) -> None:
    own = {"illsort": __version__, "system": sys.platform} | {name: version(name) for name in ("torch", "timm")}
    own |= {"device": runtime.device.type, "numbers": str(runtime.dtype).removeprefix("torch.")}
    of_main = processes.by_main(lambda: own)
    unlike = [
        Message("{name} {own}, not {main}", name=name, own=own[name], main=of_main[name])
        for name in own
        if own[name] != of_main[name]
    ]
    if unlike:
        raise ModelError(
            "process {index} is unlike the main one, with which it is to learn: {differences}",
            index=processes.index,
            differences=join_errors(unlike),
        )


def _number(environment: Mapping[str, str], names: Sequence[str], otherwise: int) -> int:
    """The first of these variables that is set to a whole number."""
    return next((int(text) for name in names if (text := environment.get(name, "")).isdecimal()), otherwise)
