"""A value as it goes from one process to another: pickled without its tensors, which follow one at a time.

So a network that fills most of a machine's memory is not held there a second time.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Of a tensor in the pickled value; `requires_grad` is None where it is no parameter."""

    shape: torch.Size
    dtype: torch.dtype
    requires_grad: bool | None

    def fill(self, tensor: Tensor) -> Tensor:
        """The tensor as it was there."""
        return tensor if self.requires_grad is None else nn.Parameter(tensor, requires_grad=self.requires_grad)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """`data` is the pickled value, in which numbers of `places` stand for the `tensors`, each of them once."""

    data: bytes
    places: tuple[Place, ...]
    tensors: tuple[Tensor, ...] = ()

    def shell(self) -> Parcel:
        """All but the tensors."""
        return replace(self, tensors=())

    def with_room(self) -> Parcel:
        """A shell with tensors on the CPU that are still to be filled."""
        return replace(self, tensors=tuple(torch.empty(place.shape, dtype=place.dtype) for place in self.places))

    def each(self) -> Iterator[Tensor]:
        """The bytes of each tensor, uint8 (any,), on the CPU: of tensors that are there already, their own memory."""
        for tensor in self.tensors:
            if tensor.numel():
                yield tensor.cpu().contiguous().reshape(-1).view(torch.uint8)


def pack(value: object) -> Parcel:
    """The value in parts; its tensors stay on their devices."""
    data = io.BytesIO()
    pickler = _Pickler(data)
    pickler.dump(value)
    places = (
        Place(
            shape=tensor.shape,
            dtype=tensor.dtype,
            requires_grad=tensor.requires_grad if isinstance(tensor, nn.Parameter) else None,
        )
        for tensor in pickler.tensors
    )
    return Parcel(
        data=data.getvalue(), places=tuple(places), tensors=tuple(tensor.detach() for tensor in pickler.tensors)
    )


def unpack(parcel: Parcel) -> Any:
    """A copy of the value; it has the parcel's tensors."""
    filled = [place.fill(tensor) for place, tensor in zip(parcel.places, parcel.tensors, strict=True)]
    return _Unpickler(parcel.data, filled).load()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.tensors: list[Tensor] = []
        self._numbers: dict[int, int] = {}

    def persistent_id(self, value: object) -> int | None:
        if not isinstance(value, Tensor):
            return None
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self.tensors)
            self.tensors.append(value)
        return self._numbers[id(value)]


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, tensors: Sequence[Tensor]) -> None:
        super().__init__(io.BytesIO(data))
        self._tensors = tensors

    def persistent_load(self, number: int) -> Tensor:
        return self._tensors[number]
