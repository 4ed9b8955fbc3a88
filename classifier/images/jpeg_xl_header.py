"""Reads the header of a JPEG XL file: the size and how the samples are stored, before anything is decoded.

The decoder reserves memory for all pixels as soon as it has read the size, so the size is read here first. The layout
is that of ISO/IEC 18181-1 (codestream, "ImageMetadata") and 18181-2 (the boxes of a container).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.images.boxes import boxes

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE: Final = b"\xff\x0a"
_CONTAINER: Final = b"\0\0\0\x0cJXL \r\n\x87\n"
_MOST_BYTES: Final = 1 << 16
"""How much of the codestream may be header; channels may have names of a thousand letters."""
_MOST_CHANNELS: Final = 16
"""Extra channels, such as alpha and depth: each takes the memory of a gray image, and a file may claim thousands."""

_INDEX: Final = 4  # of a box with a part of the codestream

_RATIOS: Final = ((0, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width by height, where the header has the height alone."""
_TURNED: Final = 5  # from this EXIF orientation on, width and height change places
_ALPHA, _SPOT_COLOR, _BLACK, _COLOR_FILTER = 0, 2, 4, 5  # types of extra channels

_Choice = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
"""Four ways to store a number, each a least value and how many bits are added to it."""
_SIDE: Final[_Choice] = ((1, 9), (1, 13), (1, 18), (1, 30))
_ENUM: Final[_Choice] = ((0, 0), (1, 0), (2, 4), (18, 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class JpegXLHeader:
    """What the header says. `width` and `height` are those of the upright image.

    `bits` are those of a sample; a float has nominal values of 0 to 1. With `is_premultiplied`, colors are multiplied
    by alpha already; with `is_cmyk`, they are those of a printer, and black is a channel of its own.
    """

    width: int
    height: int
    bits: int
    is_float: bool
    is_premultiplied: bool = False
    is_cmyk: bool = False


def read_header(data: bytes) -> JpegXLHeader:
    """The header of the file `data`. Raises EOFError where the file ends before it does, ValueError where it is odd."""
    codestream = bytearray()
    for part in _codestream(data):
        codestream += part[: _MOST_BYTES - len(codestream)]
        if len(codestream) == _MOST_BYTES:
            break
    if not codestream.startswith(SIGNATURE):
        raise EOFError("there is no codestream")
    return _header(_Bits(bytes(codestream[len(SIGNATURE) :])))


def _codestream(data: bytes) -> Iterator[bytes]:
    """The codestream, which a container may have in parts."""
    if not data.startswith(_CONTAINER):
        yield data[:_MOST_BYTES]
        return
    for kind, start, end in boxes(data, len(_CONTAINER)):
        begin = start + _INDEX if kind == b"jxlp" else start
        if kind in {b"jxlc", b"jxlp"}:
            yield data[begin : min(end, begin + _MOST_BYTES)]


class _Bits:
    """Reads numbers of any bits, the lowest bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._length = 8 * len(data)
        self._at = 0

    def number(self, bits: int) -> int:
        self._at += bits
        if self._at > self._length:
            raise EOFError("the header is cut off")
        return self._value >> (self._at - bits) & ((1 << bits) - 1)

    def flag(self) -> bool:
        return self.number(1) == 1

    def choice(self, *choices: tuple[int, int]) -> int:
        least, bits = choices[self.number(2)]
        return least + self.number(bits)


def _header(bits: _Bits) -> JpegXLHeader:
    width, height = _size(bits)
    if bits.flag():  # all else is as by default
        return JpegXLHeader(width=width, height=height, bits=8, is_float=False)
    if bits.flag() and _extra_fields(bits) >= _TURNED:
        width, height = height, width
    depth, is_float = _depth(bits)
    bits.flag()  # whether 16 bits are enough for the decoder
    channels = _channels(bits)
    return JpegXLHeader(
        width=width,
        height=height,
        bits=depth,
        is_float=is_float,
        is_premultiplied=next((is_associated for kind, is_associated in channels if kind == _ALPHA), False),
        is_cmyk=any(kind == _BLACK for kind, _ in channels),
    )


def _size(bits: _Bits) -> tuple[int, int]:
    in_eights = bits.flag()
    height = _side(bits, in_eights=in_eights)
    ratio = bits.number(3)
    if not ratio:
        return _side(bits, in_eights=in_eights), height
    numerator, denominator = _RATIOS[ratio]
    return height * numerator // denominator, height


def _side(bits: _Bits, *, in_eights: bool) -> int:
    return 8 * (1 + bits.number(5)) if in_eights else bits.choice(*_SIDE)


def _extra_fields(bits: _Bits) -> int:
    """The orientation, as in EXIF; the rest is skipped."""
    orientation = 1 + bits.number(3)
    if bits.flag():  # the size at which to show it
        _size(bits)
    if bits.flag():
        _skip_preview(bits)
    if bits.flag():
        _skip_animation(bits)
    return orientation


def _skip_preview(bits: _Bits) -> None:
    eights: _Choice = ((16, 0), (32, 0), (1, 5), (33, 9))
    pixels: _Choice = ((1, 6), (65, 8), (321, 10), (1345, 12))
    side = eights if bits.flag() else pixels
    bits.choice(*side)
    if not bits.number(3):
        bits.choice(*side)


def _skip_animation(bits: _Bits) -> None:
    bits.choice((100, 0), (1000, 0), (1, 10), (1, 30))  # ticks
    bits.choice((1, 0), (1001, 0), (1, 8), (1, 10))  # in so many seconds
    bits.choice((0, 0), (0, 3), (0, 16), (0, 32))  # repetitions
    bits.flag()  # time codes


def _depth(bits: _Bits) -> tuple[int, bool]:
    """Bits of a sample, and whether it is a float."""
    if not bits.flag():
        return bits.choice((8, 0), (10, 0), (12, 0), (1, 6)), False
    depth = bits.choice((32, 0), (16, 0), (24, 0), (1, 6))
    bits.number(4)  # of the exponent
    return depth, True


def _channels(bits: _Bits) -> list[tuple[int, bool]]:
    """The extra channels."""
    count = bits.choice((0, 0), (1, 0), (2, 4), (1, 12))
    if count > _MOST_CHANNELS:
        raise ValueError(f"it has {count} extra channels")
    return [_channel(bits) for _ in range(count)]


def _channel(bits: _Bits) -> tuple[int, bool]:
    """The type of an extra channel, and whether colors are multiplied by it."""
    if bits.flag():
        return _ALPHA, False
    kind = bits.choice(*_ENUM)
    _depth(bits)
    bits.choice((0, 0), (3, 0), (4, 0), (1, 3))  # by how much it is smaller
    name_length = bits.choice((0, 0), (0, 4), (16, 5), (48, 10))
    bits.number(8 * name_length)
    if kind == _SPOT_COLOR:
        bits.number(4 * 16)
    if kind == _COLOR_FILTER:
        bits.choice((1, 0), (0, 2), (3, 4), (19, 8))
    return kind, kind == _ALPHA and bits.flag()
