"""Image formats: which are read, which are only recognized, by extension and by the first bytes of a file."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import PurePath

HEAD_BYTES: Final = 64
"""How many first bytes `sniff` needs."""

ALLOWED: Final = frozenset({"JPEG", "PNG", "GIF", "WEBP", "BMP", "AVIF", "TIFF", "HEIF", "JPEG XL"})
"""The formats that are read, by Pillow's names; no decoder is tried on a file of another format."""

_READ_NAMES = (
    ".apng .avif .avifs .bmp .dib .gif .heic .heics .heif .heifs .hif .jfif .jif .jpe .jpeg .jpg .jxl .mpo .png .tif"
    " .tiff .webp"
)

READ_EXTENSIONS: Final = frozenset(_READ_NAMES.split())

_UNSUPPORTED_NAMES: Final = {
    "JPEG 2000": ".j2c .j2k .jp2 .jpc .jpf .jpx",
    "JPEG XR": ".hdp .jxr .wdp",
    "Photoshop": ".psb .psd",
    "TGA": ".icb .tga .vda .vst",
    "ICO": ".ico",
    "CUR": ".cur",
    "ICNS": ".icns",
    "SVG": ".svg .svgz",
    "EPS": ".eps .ps",
    "DDS": ".dds",
    "OpenEXR": ".exr",
    "Radiance HDR": ".hdr .rgbe",
    "QOI": ".qoi",
    "PCX": ".dcx .pcx",
    "Netpbm": ".pam .pbm .pfm .pgm .pnm .ppm",
    "XBM": ".xbm",
    "XPM": ".xpm",
    "SGI": ".bw .rgb .rgba .sgi",
    "Sun raster": ".ras .sun",
    "GIMP": ".xcf",
    "Krita": ".kra",
    "Clip Studio Paint": ".clip .lip",
    "PaintTool SAI": ".sai .sai2",
    "MediBang Paint": ".mdp",
    "OpenRaster": ".ora",
    "Procreate": ".procreate",
    "FLIF": ".flif",
    "BPG": ".bpg",
    "Windows metafile": ".emf .wmf",
    "camera raw": ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2"
    " .rwl .sr2 .srf .srw .x3f",
}

UNSUPPORTED_EXTENSIONS: Final = {
    extension: name for name, extensions in _UNSUPPORTED_NAMES.items() for extension in extensions.split()
}
"""Extension to format name, of images that are listed as unsupported and not silently ignored."""


class OtherKind(StrEnum):
    """What is no picture but comes with pictures: moving ones, and archives that may hold some."""

    VIDEO = "videos"
    UGOIRA = "ugoira"
    """Pixiv's animations: a ZIP of frames, `000000.jpg` first."""
    ARCHIVE = "archives"


_OTHER_NAMES: Final = {
    OtherKind.VIDEO: ".3gp .asf .avi .f4v .flv .gifv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .ogm .ogv .rmvb .webm .wmv",
    OtherKind.UGOIRA: ".ugoira",
    OtherKind.ARCHIVE: ".7z .cb7 .cbr .cbt .cbz .rar .tar .zip",
}
_OTHER_EXTENSIONS: Final = {end: kind for kind, ends in _OTHER_NAMES.items() for end in ends.split()}


def claims_to_be_image(name: PurePath) -> bool:
    """Whether the extension is that of an image format, read or not."""
    extension = name.suffix.lower()
    return extension in READ_EXTENSIONS or extension in UNSUPPORTED_EXTENSIONS


def unsupported_by_name(name: PurePath) -> str | None:
    """The format of the extension if it is not read, else None."""
    return UNSUPPORTED_EXTENSIONS.get(name.suffix.lower())


def sniff(head: bytes) -> str | None:
    """The image format of the first bytes; None if they belong to no known one.

    `head` is the first `HEAD_BYTES` or more. A name in `ALLOWED` is a format that is read.
    """
    return next((name for name, matches in _SIGNATURES if matches(head)), None)


def other_kind(name: PurePath, head: bytes) -> OtherKind | None:
    """What a file that is no picture is, by its extension and first bytes; None for any other file.

    A ZIP of another extension is none: so are documents and programs.
    """
    kind = _OTHER_EXTENSIONS.get(name.suffix.lower())
    if kind is OtherKind.ARCHIVE and _UGOIRA.match(head):
        return OtherKind.UGOIRA
    return kind or (OtherKind.VIDEO if _VIDEO.match(head) else None)


_UGOIRA: Final = re.compile(rb"PK\x03\x04.{26}0{5,6}\.(?:jpg|png|gif)", re.DOTALL)
_VIDEO: Final = re.compile(
    rb"\x1a\x45\xdf\xa3|FLV\x01|RIFF.{4}AVI |\x00{3}.ftyp(?:isom|iso[2-9]|mp4[12]|avc1|dash|M4V|qt  |3gp)", re.DOTALL
)


def _starts(*prefixes: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(prefixes)


def _matches(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda head: compiled.match(head) is not None


def _brands(head: bytes) -> frozenset[bytes]:
    """The major and compatible brands of an ISO media file, as AVIF and HEIF are."""
    if head[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return frozenset({head[8:12], *(head[at : at + 4] for at in range(16, end, 4))})


def _is_avif(head: bytes) -> bool:
    return bool(_brands(head) & {b"avif", b"avis"})


def _is_heif(head: bytes) -> bool:
    return bool(_brands(head) & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"})


# "BM" alone would match any text that begins with it, so the length of the next header is checked too.
_BMP = rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00"

_SIGNATURES: Final[tuple[tuple[str, Callable[[bytes], bool]], ...]] = (
    ("JPEG", _starts(b"\xff\xd8\xff")),
    ("PNG", _starts(b"\x89PNG\r\n\x1a\n")),
    ("GIF", _starts(b"GIF87a", b"GIF89a")),
    ("WEBP", _matches(rb"RIFF.{4}WEBP")),
    ("BMP", _matches(_BMP)),
    ("AVIF", _is_avif),
    ("camera raw", _matches(rb"II\*\x00.{4}CR|FUJIFILMCCD-RAW|IIU\x00|IIRO|.{4}ftypcrx ")),
    ("JPEG XR", _starts(b"II\xbc\x01")),
    ("TIFF", _starts(b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0")),
    ("HEIF", _is_heif),
    ("JPEG XL", _starts(b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")),
    ("JPEG 2000", _starts(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51\0")),
    ("Photoshop", _starts(b"8BPS\0\x01", b"8BPS\0\x02")),
    ("ICO", _matches(rb"\x00\x00\x01\x00[^\x00]\x00.{3}\x00[\x00\x01]\x00")),
    ("CUR", _matches(rb"\x00\x00\x02\x00[^\x00]\x00.{3}\x00")),
    ("ICNS", _starts(b"icns")),
    ("EPS", _matches(rb"%!PS-Adobe-\d\.\d EPSF|\xc5\xd0\xd3\xc6")),
    ("SVG", _matches(rb"(\xef\xbb\xbf)?\s*(<\?xml.*)?<svg[\s>]")),
    ("DDS", _starts(b"DDS |\0\0\0")),
    ("OpenEXR", _starts(b"\x76\x2f\x31\x01")),
    ("Radiance HDR", _starts(b"#?RADIANCE\n", b"#?RGBE\n")),
    ("QOI", _starts(b"qoif")),
    ("Netpbm", _matches(rb"P[1-6]\s+(#[^\n]*\n\s*)*\d+\s+\d+\s|P7\nWIDTH |P[Ff]\s+\d+\s+\d+\s")),
    ("PCX", _matches(rb"\x0a[\x00\x02\x03\x04\x05]\x01[\x01\x02\x04\x08].{60}")),
    ("GIMP", _starts(b"gimp xcf")),
    ("Clip Studio Paint", _starts(b"CSFCHUNK")),
    ("FLIF", _starts(b"FLIF")),
    ("BPG", _starts(b"BPG\xfb")),
)
