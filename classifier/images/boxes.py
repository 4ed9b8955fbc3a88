"""Walks the boxes of an ISO base media file (ISO/IEC 14496-12), which HEIF is, and JPEG XL in its container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOX: Final = 8
_LARGE_BOX: Final = 16


def boxes(data: bytes, at: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and where the content begins and ends, of each box from `at` on; the end may be beyond that of `data`.

    Raises ValueError at a box that is shorter than its header.
    """
    while at + _BOX <= len(data):
        length, kind, start = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + _BOX
        if length == 1:
            length, start = int.from_bytes(data[start : start + 8], "big"), at + _LARGE_BOX
        end = at + length if length else len(data)
        if end < start:
            raise ValueError("a box is shorter than its header")
        yield kind, start, end
        at = end
