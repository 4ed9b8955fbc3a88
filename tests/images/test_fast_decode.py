from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from classifier.errors import Undecodable
from classifier.images import fast_decode
from classifier.images.decode import decode
from classifier.images.fast_decode import decode_fast
from classifier.inference.reader import load_pixels
from classifier.records import FailureKind
from kit.pictures import COLORS, animated_bytes, busy, encoded

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


def exact(data: bytes) -> tuple[np.ndarray, bool]:
    decoded = decode(data, max_megapixels=64)
    return np.asarray(decoded.image).astype(int), decoded.truncated


def loaded(data: bytes) -> tuple[np.ndarray, bool]:
    tensor, truncated = load_pixels(data, max_megapixels=64)
    assert tensor.dtype is torch.uint8
    return tensor.permute(1, 2, 0).numpy().astype(int), truncated


def takes_quick_way(data: bytes) -> bool:
    return decode_fast(data, max_megapixels=64) is not None


def turned(turn: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = turn
    return exif


def xmp(text: str, **options: Any) -> PngInfo:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", text, **options)
    return info


QUICK: list[tuple[str, str, dict[str, Any]]] = [
    ("RGB", "JPEG", {"quality": 90}),
    ("RGB", "JPEG", {"quality": 40, "progressive": True}),
    ("RGB", "JPEG", {"subsampling": 0}),
    ("RGB", "JPEG", {"subsampling": 1}),
    ("L", "JPEG", {}),
    ("RGB", "PNG", {}),
    ("RGB", "PNG", {"pnginfo": xmp('<x tiff:Orientation="1"/>')}),
    ("RGB", "WEBP", {"quality": 80}),
    ("RGB", "WEBP", {"lossless": True}),
]


@pytest.mark.parametrize(("mode", "name", "options"), QUICK)
@pytest.mark.parametrize("size", [(97, 61), (1, 1), (3, 200)])
def test_the_quick_way_gives_the_exact_pixels(
    mode: str, name: str, options: dict[str, Any], size: tuple[int, int]
) -> None:
    data = encoded(busy(size=size, mode=mode), name, **options)

    assert takes_quick_way(data)
    assert abs(loaded(data)[0] - exact(data)[0]).max() <= 1


@pytest.mark.parametrize(
    "data",
    [
        encoded(busy(mode="RGBA"), "PNG"),
        encoded(busy(mode="L"), "PNG"),
        encoded(busy().convert("P"), "PNG"),
        encoded(busy(mode="L").convert("LA"), "PNG"),
        encoded(busy(mode="L").convert("I;16"), "PNG"),
        encoded(busy(), "PNG", exif=turned(6)),
        encoded(busy(), "PNG", pnginfo=xmp('<x tiff:Orientation="6"/>')),
        encoded(busy(), "PNG", pnginfo=xmp("<x/>", zip=True)),
        encoded(busy(), "PNG", transparency=(1, 2, 3)),
        encoded(busy(), "PNG") + b"more",
        animated_bytes("PNG", [COLORS["red"], COLORS["blue"]]),
        encoded(busy(mode="RGBA"), "WEBP"),
        encoded(busy().convert("CMYK"), "JPEG"),
        encoded(busy(), "JPEG", exif=turned(6)),
        encoded(busy(), "WEBP", exif=turned(3)),
        animated_bytes("WEBP", [COLORS["red"], COLORS["blue"]]),
        animated_bytes("GIF", [COLORS["red"], COLORS["blue"]]),
    ],
    ids=[
        "png with alpha",
        "gray png",
        "png with palette",
        "gray png with alpha",
        "deep png",
        "turned png",
        "png turned by XMP",
        "png with packed XMP",
        "png with a transparent color",
        "png with more behind it",
        "animated png",
        "webp with alpha",
        "cmyk",
        "turned jpeg",
        "turned webp",
        "animated webp",
        "animated gif",
    ],
)
def test_unusual_images_are_decoded_by_the_exact_path(data: bytes) -> None:
    assert not takes_quick_way(data)
    assert (loaded(data)[0] == exact(data)[0]).all()


def test_a_cut_off_jpeg_is_marked_as_truncated() -> None:
    data = encoded(busy(size=(300, 200)), "JPEG")[:-500]

    assert loaded(data)[1]


def test_zeros_after_the_end_of_a_jpeg_do_no_harm() -> None:
    data = encoded(busy(), "JPEG") + bytes(100)

    assert takes_quick_way(data)
    assert not loaded(data)[1]


def test_a_jpeg_within_a_jpeg_is_read_as_the_first() -> None:
    data = BytesIO()
    busy(1).save(data, "MPO", save_all=True, append_images=[busy(2)])

    assert abs(loaded(data.getvalue())[0] - exact(data.getvalue())[0]).max() <= 1


def test_a_failing_quick_decoder_is_only_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError

    data = encoded(busy(), "JPEG")
    monkeypatch.setitem(fast_decode._DECODERS, "JPEG", failing)

    assert (loaded(data)[0] == exact(data)[0]).all()


def test_without_imagecodecs_everything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(busy(), "PNG")
    monkeypatch.setattr(fast_decode, "imagecodecs", None)

    assert not takes_quick_way(data)
    assert (loaded(data)[0] == exact(data)[0]).all()


def test_refusals_are_those_of_the_exact_decoding() -> None:
    with pytest.raises(Undecodable) as refused:
        load_pixels(encoded(busy(size=(1001, 1000)), "JPEG"), max_megapixels=1)
    assert refused.value.kind is FailureKind.TOO_LARGE


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="the real pictures are not here")
@pytest.mark.parametrize(("folder", "step"), [("odd", 3), ("kinds", 9), ("series", 11), ("hostile", 5)])
def test_real_files_give_the_exact_pixels(folder: str, step: int) -> None:
    files = [path for path in sorted((DATA / folder).rglob("*")) if path.is_file() and path.suffix != ".md"]
    differing = []
    for path in files[::step]:
        data = path.read_bytes()
        try:
            expected, truncated = exact(data)
        except Undecodable:
            continue
        actual, is_marked = loaded(data)
        if actual.shape != expected.shape or is_marked is not truncated or abs(actual - expected).max() > 1:
            differing.append(path.name)

    assert differing == []
