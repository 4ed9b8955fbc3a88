"""Where the data of a HEIF file ends by its own account: libheif leaves missing tiles green and is silent.

The layout is that of ISO/IEC 14496-12, box "iloc": each item of the file (a tile, EXIF data) has its data in extents.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from classifier.images.boxes import boxes

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL_BOX: Final = 4  # version and flags, before the content of some boxes
_IN_FILE: Final = 0  # construction method: offsets count from the beginning of the file


def is_whole(data: bytes) -> bool:
    """Whether the file `data` has all bytes that its items refer to. Raises EOFError if its tables are cut off."""
    meta = _first_box(data, b"meta")
    iloc = _first_box(meta[_FULL_BOX:], b"iloc")
    return all(end <= len(data) for end in _ends(_Numbers(iloc)))


def _first_box(data: bytes, wanted: bytes) -> bytes:
    with suppress(ValueError):  # nothing can be found behind a broken box
        for kind, start, end in boxes(data):
            if kind == wanted:
                return data[start:end]
    raise EOFError(f"there is no box {wanted.decode()}")


class _Numbers:
    """Reads big-endian numbers of any bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, size: int) -> int:
        self._at += size
        if self._at > len(self._data):
            raise EOFError("the box iloc is cut off")
        return int.from_bytes(self._data[self._at - size : self._at], "big")


def _ends(numbers: _Numbers) -> Iterator[int]:
    """The end of each extent that lies in the file."""
    version = numbers.read(1)
    numbers.read(3)
    sizes = numbers.read(2)
    offset_size, length_size, base_size = (sizes >> shift & 15 for shift in (12, 8, 4))
    index_size = sizes & 15 if version else 0
    wide = 4 if version > 1 else 2
    for _ in range(numbers.read(wide)):
        numbers.read(wide)  # the item
        method = numbers.read(2) & 15 if version else _IN_FILE
        numbers.read(2)
        base = numbers.read(base_size)
        for _ in range(numbers.read(2)):
            numbers.read(index_size)
            end = base + numbers.read(offset_size) + numbers.read(length_size)
            if method == _IN_FILE:
                yield end
