"""The memory of a device: whether an error says that it ran out, and how a batch is made to fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

import torch
from torch import Tensor

from classifier.errors import Message, ModelError
from classifier.inference.process import is_out_of_memory as is_out_of_host_memory

_RAN_OUT: Final = (
    "out of memory",  # CUDA's driver, and MPS, which raises RuntimeError for it
    "invalid buffer size",  # MPS, of one tensor that is too large
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "cudnn_status_not_supported",  # what cuDNN reports when no algorithm has the memory that it needs
)
_SPARE_BYTES: Final = 2**29
"""What torch leaves free of a card's memory, for the desktop and for what CUDA takes outside of torch."""

Result = TypeVar("Result")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that the memory of the device, or this machine's, ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    return is_out_of_host_memory(error) or any(words in str(error).lower() for words in _RAN_OUT)


def release(device: torch.device) -> None:
    """Give back what torch keeps of the device's memory for later tensors."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


@contextmanager
def one_line_when_full(device: torch.device) -> Iterator[None]:
    """What runs out of memory in this context ends the command in one line."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise _too_small(device, error) from None


class BackOff:
    """How many images at a time fit into the device's memory: first `most`, then half each time that it runs out."""

    def __init__(self, device: torch.device, *, most: int, say: Callable[[Message], None]) -> None:
        self.most = self.size = most
        self._device = device
        self._say = say
        self._said = most

    def in_parts(self, run: Callable[[Tensor], Result], batch: Tensor) -> list[Result]:
        """What `run` gives for the parts of `batch`, in their order."""
        results: list[Result] = []
        at = 0
        while at < len(batch):
            part = batch[at : at + self.size]
            result = self.attempt(partial(run, part), count=len(part))
            if result is not None:
                results.append(result)
                at += len(part)
        return results

    def attempt(self, run: Callable[[], Result], *, count: int) -> Result | None:
        """What `run` gives for `count` images; None when memory ran out, and `size` was changed to what may fit.

        Raises ModelError in one line when nothing is left to try.
        """
        try:
            result = run()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            why = _too_small(self._device, error)
        else:
            if self.size < self._said:
                self._said = self.size
                self._say(self.note())
            return result
        # Outside `except`, whose traceback would keep the failed batch's tensors alive.
        release(self._device)
        self.shrink(count, why)
        return None

    def shrink(self, count: int, why: ModelError) -> None:
        """Change `size` after `count` images were too many; raises `why` when one was."""
        if count <= 1:
            raise why
        self.size = count // 2

    def note(self) -> Message:
        """That there are fewer at a time from here on."""
        return Message(
            "Batches of {count} from here on: the memory of {device} takes no more.",
            count=self.size,
            device=self._device.type,
        )


def cap_memory(device: torch.device) -> None:
    """Let torch take what is free of a CUDA card's memory and no more, so that running out is an error.

    Windows' driver else moves what does not fit to the system's memory, silently and many times slower. A lower cap
    that was set before stays.
    """
    index = torch.cuda.current_device() if device.index is None else device.index
    free, total = _free_and_total(index)
    share = max(free - _SPARE_BYTES, free // 2) / total
    torch.cuda.set_per_process_memory_fraction(min(share, _cap(index)), index)


def memory_of(device: torch.device) -> tuple[int, int] | None:
    """Bytes of a CUDA card: those that this process may have, and all; None of any other device."""
    if device.type != "cuda":
        return None
    return _free_and_total(torch.cuda.current_device() if device.index is None else device.index)


def is_taken(device: torch.device, *, beside: torch.device) -> bool:
    """Whether other programs leave of a CUDA card less than half of what they leave of an equal one, `beside`."""
    if device.type != "cuda":
        return False
    free, most = (_free_and_total(index or 0)[0] for index in (device.index, beside.index))
    return free < most / 2


def _free_and_total(index: int) -> tuple[int, int]:
    """Bytes of a CUDA card: those that this process may have or has already, and all."""
    free, total = torch.cuda.mem_get_info(index)
    return free + torch.cuda.memory_reserved(index), total


def _cap(index: int) -> float:
    get: Any = getattr(torch.cuda, "get_per_process_memory_fraction", None)  # newer than torch 2.6
    return 1.0 if get is None else float(get(index))


def _too_small(device: torch.device, error: BaseException) -> ModelError:
    return ModelError(
        "the memory of {device} is not enough for this network, even for one picture at a time ({why}): close other "
        "programs that use it, take a smaller network or image size, or another --device",
        device=device.type,
        why=(str(error).strip().splitlines() or [type(error).__name__])[0],
    )
