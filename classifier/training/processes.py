"""Several processes fine-tune one network together, on one machine or several, by accelerate's collectives.

The main process, of index 0, decides, and the others follow. Gradients on a GPU are added up by NCCL where there is
one, all else goes by gloo, which notices at once when a process ends. On processors of one kind the weights stay equal
to the last bit; else they may part by rounding, and those of the main process are kept. Alone, nothing is sent and
accelerate is not imported; it is here and in `join` only.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import torch
from torch import Tensor

from classifier.errors import ModelError, message_of
from classifier.inference.memory import is_out_of_memory
from classifier.training.parcel import Parcel, pack, unpack

if TYPE_CHECKING:
    from torch import nn

    from classifier.inference.device import Runtime

Result = TypeVar("Result")

_APART: Final = 2**48
"""Between the seeds of two processes: more than those of the devices of one."""
_BUCKET: Final = 2**25
"""Numbers that are added up at a time: a few large sums take a fraction of the time of many small ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """This process among `count`; `local_index` among the `local_count` of its machine.

    What another process is needed for raises ModelError in one line once one of them has ended.
    """

    index: int = 0
    count: int = 1
    local_index: int = 0
    local_count: int = 1
    sums_on_gpu: bool = False

    @property
    def is_main(self) -> bool:
        """Whether this process decides, writes and reports."""
        return self.index == 0

    def runtime(self, here: Runtime) -> Runtime:
        """What this process has of `here`, the devices and workers of its machine.

        Raises ModelError in one line where they are too few for the processes.
        """
        if self.local_count == 1:
            return here
        devices = here.devices if here.device.type == "cuda" else here.devices * self.local_count
        if self.local_count > len(devices):
            raise ModelError(
                "{processes} processes on this machine, but {devices} for them: start one for each device, and leave "
                "runtime.device at auto or cuda",
                processes=self.local_count,
                devices=", ".join(map(str, devices)),
            )
        workers = -(-here.workers // self.local_count)
        return replace(here, device=devices[self.local_index], others=(), workers=workers)

    def part(self, batch: Sequence[int]) -> list[int]:
        """What this process learns from of a batch: none where there are fewer images than processes."""
        return list(batch[self.index :: self.count])

    def most(self, batch_size: int) -> int:
        """The most images that are its part of a batch."""
        return -(-batch_size // self.count)

    def seed(self, seed: int) -> int:
        """From which dropout draws: other numbers in each process."""
        return seed + self.index * _APART

    def sum(self, count: int) -> int:
        """The sum of the counts of all processes."""
        return count if self.count == 1 else int(self._summed(torch.tensor(count)))

    @torch.no_grad()
    def sum_gradients(self, network: nn.Module, loss: Tensor) -> Tensor:
        """Make the gradients of `network` the sum of those of all processes; returns the sum of their losses.

        Each process has gradients of the same parameters. All receive the same sums, to the last bit.
        """
        if self.count == 1:
            return loss
        gradients = [value.grad for value in network.parameters() if value.grad is not None]
        total = loss.reshape(1).clone()
        for bucket in _buckets([total, *gradients]):
            summed = self._summed(torch.cat([value.reshape(-1) for value in bucket]))
            for value, own in zip(bucket, torch.split(summed, [value.numel() for value in bucket]), strict=True):
                value.copy_(own.view_as(value))
        return total[0]

    def by_main(self, work: Callable[[], Result]) -> Result:
        """What `work` gives in the main process, which alone calls it; the others receive a copy, its tensors on CPU.

        It is pickled, so the processes trust each other.
        """
        if self.count == 1:
            return work()
        if not self.is_main:
            result: Result = unpack(self._copied(None))
            return result
        value = work()
        self._copied(pack(value))
        return value

    def agreed(self, value: float) -> float:
        """The main process's value, in all."""
        return self.by_main(lambda: value)

    def _summed(self, values: Tensor) -> Tensor:
        moved = values if self.sums_on_gpu else values.cpu()
        with _one_line_when_lost():
            summed: Tensor = _collectives().reduce(moved, "sum")
        return summed.to(values.device)

    def _copied(self, parcel: Parcel | None) -> Parcel:
        """The main process's parcel; the others give None."""
        collectives = _collectives()
        with _one_line_when_lost():
            (shell,) = collectives.broadcast_object_list([None if parcel is None else parcel.shell()])
            whole: Parcel = parcel or shell.with_room()
            for content in whole.each():
                collectives.broadcast(content)
        return whole


ALONE: Final = Processes()


def _collectives() -> Any:
    return importlib.import_module("accelerate.utils")


def _buckets(values: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    for value in values:
        if bucket and sum(one.numel() for one in bucket) + value.numel() > _BUCKET:
            yield bucket
            bucket = []
        bucket.append(value)
    yield bucket


@contextmanager
def _one_line_when_lost() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(
            "another process of this training has ended or cannot be reached ({why}): its own last line says more; the "
            "same command goes on after the epochs that were finished",
            why=_first_sentence(error),
        ) from None


def _first_sentence(error: RuntimeError) -> str:
    """Without the place in torch's sources before it, and the advice after it."""
    return re.sub(r"^\[[^]]*\] ", "", str(message_of(error))).split(". ")[0]
