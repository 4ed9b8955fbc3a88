"""Python and the packages: versions with known holes, decoders, the weights that come by pip. Torch is not imported."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from typing import Final

from PIL import features

from classifier.doctor.finding import Finding, hint, ok, problem
from classifier.errors import Message, ModelError
from classifier.images import fast_decode, heif, jpeg_xl
from classifier.model.pretrained import EMBEDDED
from classifier.model.weights import outdated

_BITS: Final = 64
_BUILT_IN: Final = ("JPEG", "PNG", "GIF", "BMP", "TIFF")
_OF_PILLOW: Final = {"WebP": "webp", "AVIF": "avif"}
"""Formats that not every build of Pillow has, by its names for them."""


def examine_packages() -> Iterator[Finding]:
    """Python, versions, decoders and weights."""
    yield _python()
    yield from _versions()
    yield from _decoders()
    yield from _weights()


def _python() -> Finding:
    running = Message(
        "Python {version} on {system} ({machine})",
        version=platform.python_version(),
        system=platform.system(),
        machine=platform.machine(),
    )
    if sys.maxsize < 2 ** (_BITS - 1) - 1:
        return problem(
            "python.bits",
            Message("{running} has 32 bits, for which there is no torch", running=running),
            Message("install a Python of 64 bits"),
        )
    return ok("python", running)


def _versions() -> Iterator[Finding]:
    old = list(outdated())
    for package in old:
        yield problem(
            "package.hole",
            Message(
                "{package} {found} has a known hole ({why}); nothing of a stranger should be opened with it",
                package=package.name,
                found=package.found,
                why=package.why,
            ),
            Message('pip install --upgrade "{package}>={wanted}"', package=package.name, wanted=package.wanted),
        )
    if not old:
        yield ok("package.hole", Message("torch, Pillow and imagecodecs are of versions without a known hole"))


def _decoders() -> Iterator[Finding]:
    found = _formats()
    yield ok("decoder", Message("formats that are read: {names}", names=", ".join(found)))
    if fast_decode.imagecodecs is None:
        yield hint(
            "decoder.fast",
            Message("imagecodecs cannot be loaded: JPEG, PNG and WebP are decoded by Pillow, which takes longer"),
            Message(
                "pip install --force-reinstall imagecodecs; on Windows also Microsoft's current Visual C++ "
                "Redistributable"
            ),
        )
    for name, command in _installable():
        if name not in found:
            yield hint(
                "decoder.missing",
                Message("{format} is not read: such files are listed as unsupported", format=name),
                Message("if you have any: {command}", command=command),
            )


def _formats() -> list[str]:
    more = [("JPEG XL", jpeg_xl.is_installed()), ("HEIC", heif.is_installed())]
    of_pillow = [name for name, feature in _OF_PILLOW.items() if features.check(feature)]
    return [*_BUILT_IN, *of_pillow, *(name for name, is_there in more if is_there)]


def _installable() -> list[tuple[str, str]]:
    of_pillow = [(name, "pip install --force-reinstall pillow") for name in _OF_PILLOW]
    return [*of_pillow, ("JPEG XL", jpeg_xl.INSTALL), ("HEIC", heif.INSTALL)]


def _weights() -> Iterator[Finding]:
    """Whether the default backbone's weights are there."""
    try:
        EMBEDDED["embedded"].weights()
    except ModelError as error:
        yield problem(
            "weights",
            Message("the weights of the default backbone are not installed"),
            error.message,
        )
    else:
        yield ok("weights", Message("the weights of the default backbone are installed"))
