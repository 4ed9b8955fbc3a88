from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.images.formats import HEAD_BYTES, claims_to_be_image, sniff, unsupported_by_name
from kit.newer_formats import heif_bytes, jxl_bytes
from kit.pictures import COLORS, avif_bytes, bmp_bytes, gif_bytes, jpeg_bytes, png_bytes, tiff_bytes, webp_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[..., bytes]


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("JPEG", jpeg_bytes),
        ("PNG", png_bytes),
        ("GIF", gif_bytes),
        ("WEBP", webp_bytes),
        ("BMP", bmp_bytes),
        ("AVIF", avif_bytes),
        ("TIFF", tiff_bytes),
        ("HEIF", heif_bytes),
        ("JPEG XL", jxl_bytes),
    ],
)
def test_each_format_is_recognized_by_its_first_bytes(name: str, draw: Draw) -> None:
    assert sniff(draw(COLORS["red"])[:HEAD_BYTES]) == name


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"),
        ("Photoshop", b"8BPS\0\x01"),
        ("EPS", b"%!PS-Adobe-3.0 EPSF-3.0\n"),
        ("SVG", b"<?xml version='1.0'?>\n<svg xmlns='x'>"),
        ("SVG", b"  <svg width='1'>"),
        ("Netpbm", b"P6\n# made by hand\n3 2\n255\n"),
        ("camera raw", b"II*\0\x10\0\0\0CR\x02\0"),
        ("GIMP", b"gimp xcf v011\0"),
    ],
)
def test_formats_that_are_not_read_are_still_recognized(name: str, head: bytes) -> None:
    assert sniff(head) == name


@pytest.mark.parametrize(
    ("name", "brands"),
    [
        ("HEIF", b"heic\0\0\0\0mif1MiHEMiPrmiaftmapheic"),  # of iPhones
        ("HEIF", b"mif1\0\0\0\0mif1heic"),
        ("HEIF", b"heix\0\0\0\0mif1heixmiaf"),  # of cameras, with 10 bits
        ("HEIF", b"msf1\0\0\0\0msf1hevcmif1heic"),  # a burst
        ("AVIF", b"mif1\0\0\0\0mif1avifmiaf"),
        (None, b"qt  \0\0\0\0qt  "),
    ],
)
def test_heif_is_recognized_by_the_brands_of_its_writers(name: str | None, brands: bytes) -> None:
    length = 8 + len(brands)

    assert sniff(length.to_bytes(4, "big") + b"ftyp" + brands) == name


def test_jpeg_xl_is_recognized_with_and_without_a_container() -> None:
    assert sniff(b"\xff\x0a\x00\x10") == "JPEG XL"
    assert sniff(b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ") == "JPEG XL"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"BMW and other cars, a list of those we have seen this year.....",
        b"GIFT shop",
        b"P1 is what the plan calls the first phase of it, 3 of them",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"<!DOCTYPE html><html>",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\0\0\0\x18ftypmp42\0\0\0\0isommp42",
        bytes(64),
    ],
)
def test_a_file_that_is_not_an_image_has_no_format(head: bytes) -> None:
    assert sniff(head) is None


def test_extensions_are_compared_without_regard_to_case() -> None:
    assert claims_to_be_image(Path("A.JPG"))
    assert claims_to_be_image(Path("a.Heic"))
    assert not claims_to_be_image(Path("a.txt"))
    assert not claims_to_be_image(Path("jpg"))


def test_an_extension_that_is_not_read_names_its_format() -> None:
    assert unsupported_by_name(Path("a.CR2")) == "camera raw"
    assert unsupported_by_name(Path("a.png")) is None
