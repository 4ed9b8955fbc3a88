"""Checks of what is loaded before a network is built from it: versions, no pickle, finite values, the head's shape.

The weights file is memory-mapped; nothing is allocated from the sizes that its header states. Torch is not imported.
"""

from __future__ import annotations

import json
import math
import mmap
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError, safe_open

from classifier.errors import Message, ModelError, message_of
from classifier.model.bundle_files import WEIGHTS

_PICKLED: Final = (".bin", ".pth", ".pt", ".ckpt", ".tar", ".pkl", ".pt2")
ALLOW_PICKLE: Final = Message("take safetensors, or add --allow-pickle if you trust whoever made it")
_FLOATS: Final = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
_EXPONENT: Final = 0x7F80  # of a bfloat16, which numpy has not; all ones is infinity or no number
_TIMES: Final = 2
_ALWAYS: Final = 50_000_000
"""A network may ask for so many times the numbers, and so many more: another head, other position embeddings."""
_PART: Final = 1 << 22  # values looked at in one go
_LEAST = {
    "torch": ((2, 6), Message("below that, loading weights could run code")),
    "pillow": ((13, 0), Message("below that, a JPEG could overwrite memory")),
    "imagecodecs": ((2026, 3, 6), Message("below that, a JPEG XL could overwrite memory")),
}


def refuse_pickles(folder: Path) -> None:
    """Raise ModelError when the weights in `folder` are a pickle, which can run code, and not safetensors."""
    pickled = sorted(path.name for path in folder.iterdir() if path.name.lower().endswith(_PICKLED))
    if pickled and not (folder / WEIGHTS).is_file():
        raise ModelError(
            "{folder}: its weights ({file}) are no safetensors but a pickle; {advice}",
            folder=folder,
            file=pickled[0],
            advice=ALLOW_PICKLE,
        )


def check_weights(path: Path, *, head: tuple[str, str] | None, categories: int) -> int:
    """The embedding width of the head; 0 when the manifest does not name the head.

    Raises ModelError in one line when the file is damaged, a number is not finite, or the head does not answer for so
    many categories.
    """
    try:
        with safe_open(path, framework="np"):  # checks that all that the header names lies within the file
            pass
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            start = 8 + int.from_bytes(content[:8], "little")
            header: dict[str, Any] = json.loads(content[8:start])
            header.pop("__metadata__", None)
            wrong = [name for name, one in header.items() if not _is_finite(content, start, one)]
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(
            "{path}: cannot be read ({why}); train again or restore it", path=path, why=message_of(error)
        ) from None
    if wrong:
        raise ModelError(
            "{path}: {name!a} holds numbers that are not finite; train again or restore it", path=path, name=wrong[0]
        )
    return 0 if head is None else _width(path, header, head, categories)


def check_parameter_count(path: Path, parameter_count: Callable[[], int]) -> None:
    """Raise ModelError when the configuration has far more parameters than the weights file, before allocating them.

    A damaged file passes here and fails when the network is built.
    """
    try:
        with safe_open(path, framework="np") as tensors:
            names = list(tensors.keys())
            there = sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
        wanted = parameter_count()
    except Exception:  # noqa: BLE001 - a damaged file, or a network that cannot be built so
        return
    if wanted > _TIMES * there + _ALWAYS:
        raise ModelError(
            "{path}: holds {there:,} numbers, its config.json asks for {wanted:,}; restore it",
            path=path,
            there=there,
            wanted=wanted,
        )


def _width(path: Path, header: dict[str, Any], head: tuple[str, str], categories: int) -> int:
    weight, bias = (header.get(name, {}).get("shape") for name in head)
    if not isinstance(weight, list) or len(weight) != 2 or not weight[1]:  # noqa: PLR2004 - a matrix
        raise ModelError("{path}: holds no head called {head!a}; train again or restore it", path=path, head=head[0])
    if weight[0] != categories or bias != [categories]:
        raise ModelError(
            "{path}: its head answers for {found} categories, not {wanted}; train again",
            path=path,
            found=weight[0],
            wanted=categories,
        )
    return int(weight[1])


def _is_finite(content: mmap.mmap, start: int, tensor: dict[str, Any]) -> bool:
    kind, (first, last) = tensor["dtype"], tensor["data_offsets"]
    if kind not in _FLOATS and kind != "BF16":
        return True
    numbers: np.dtype[Any] = np.dtype(_FLOATS.get(kind, "<u2"))
    for begin in range(start + first, start + last, _PART * numbers.itemsize):
        end = min(begin + _PART * numbers.itemsize, start + last)
        values = np.frombuffer(content[begin:end], numbers)
        fine = np.isfinite(values) if kind in _FLOATS else (values & _EXPONENT) != _EXPONENT
        if not fine.all():
            return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPackage:
    """A package that is installed in a version with a known hole, the least version without it, and what it does."""

    name: str
    found: str
    wanted: str
    why: Message


def outdated() -> Iterator[OldPackage]:
    """The packages that are too old to be given files of strangers."""
    for package, (least, why) in _LEAST.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            continue  # its import will say so
        if tuple(int(part) for part in re.findall(r"\d+", found)[: len(least)]) < least:
            yield OldPackage(name=package, found=found, wanted=".".join(str(part) for part in least), why=why)


def check_versions() -> None:
    """Raise ModelError in one line when a package is too old to be given files of strangers."""
    for old in outdated():
        raise ModelError(
            "{package} {found} is too old: {wanted} is the least ({why}); pip install -U {package}",
            package=old.name,
            found=old.found,
            wanted=old.wanted,
            why=old.why,
        )
