"""Hundreds of thousands of paths as one run of bytes, which worker processes share instead of copying.

Must not know what the paths are for.
"""

from __future__ import annotations

import os
from array import array
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


class PackedPaths:
    """A sequence of paths in two buffers; unlike a list, reading it changes no reference counts in a forked worker."""

    def __init__(self, paths: Iterable[Path]) -> None:
        content = bytearray()
        ends = array("Q", [0])
        for path in paths:
            content += os.fsencode(path)
            ends.append(len(content))
        self._content: NDArray[np.uint8] = np.frombuffer(bytes(content), dtype=np.uint8)
        self._ends: NDArray[np.uint64] = np.array(ends, dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> Path:
        if not 0 <= index < len(self):
            raise IndexError(index)
        start, end = int(self._ends[index]), int(self._ends[index + 1])
        return Path(os.fsdecode(self._content[start:end].tobytes()))
