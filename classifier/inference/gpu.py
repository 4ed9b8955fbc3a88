"""Explains why torch does not run on the GPU of this machine and what to install; asks the driver, starts nothing."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import torch

from classifier.errors import Message

_PCI: Final = Path("/sys/bus/pci/devices")
_NVIDIA: Final = "0x10de"
_DISPLAY: Final = ("0x0300", "0x0302")  # a VGA and a 3D controller; the card's sound is another device
_GET_STARTED: Final = Message('the command that PyTorch\'s "Get started" page shows')

_INSTALL: Final = (
    "python -m pip install --force-reinstall torch torchvision --index-url https://download.pytorch.org/whl/"
)
_BUILDS: Final = {11: "cu118", 12: "cu128"}
"""PyTorch's builds by the CUDA of the driver; a driver runs all builds of its first number."""
_NEWEST_BUILD: Final = "cu130"
_MOST_DISPLAYS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """NVIDIA's driver: the newest CUDA that it runs, such as (12, 4), and how many cards this process may use."""

    cuda: tuple[int, int]
    cards: int


def why_no_gpu() -> Message:
    """Why torch finds no GPU, and what helps if anything does."""
    if sys.platform == "darwin":
        return _why_no_mps()
    driver = nvidia_driver()
    if driver is None:
        if has_nvidia_card():
            return Message(
                "an NVIDIA card is there, but its driver is not loaded: install NVIDIA's driver and start again"
            )
        return Message("no GPU is there")
    return _why_no_cuda(driver)


def has_unused_card() -> bool:
    """Whether a GPU seems to be there that torch does not run on; `why_no_gpu` or `why_unsupported` says why."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return torch.cuda.is_available() or nvidia_driver() is not None or has_nvidia_card()


def why_unsupported(card: int = 0) -> Message | None:
    """Why this torch has no code for a card that it finds; None if it has."""
    major, minor = torch.cuda.get_device_capability(card)
    built = [_parse_architecture(name) for name in torch.cuda.get_arch_list() if name.startswith(("sm_", "compute_"))]
    if torch.version.hip or not built or any(_runs(kind, target, (major, minor)) for kind, target in built):
        return None
    oldest = min(target for _, target in built)
    least = f"{oldest[0]}.{oldest[1]}"
    name = f"{torch.cuda.get_device_name(card)} (compute capability {major}.{minor})"
    if (major, minor) < oldest:
        return Message(
            "{card} is older than what this torch has code for ({oldest} and up): install an older torch and "
            'torchvision, or ones for an older CUDA, with a command of PyTorch\'s "Previous versions" page',
            card=name,
            oldest=least,
        )
    return Message(
        "{card} is newer than this torch: install a newer torch and torchvision with {command}",
        card=name,
        command=_GET_STARTED,
    )


def nvidia_driver() -> Driver | None:
    """What the driver's library reports; None without a driver."""
    try:
        library = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        version, cards = ctypes.c_int(), ctypes.c_int()
        if library.cuDriverGetVersion(ctypes.byref(version)) != 0:
            return None
        if library.cuInit(0) != 0 or library.cuDeviceGetCount(ctypes.byref(cards)) != 0:
            cards = ctypes.c_int(0)
    except (OSError, AttributeError):
        return None
    return Driver(cuda=(version.value // 1000, version.value % 1000 // 10), cards=cards.value)


def has_nvidia_card() -> bool:
    """Whether this machine has an NVIDIA card, with or without a driver; always False on other than Linux and Windows.

    On Windows those count that a display may be at.
    """
    if sys.platform == "win32":  # pragma: no cover - Windows
        return shows_nvidia(ctypes.WinDLL("user32"))
    return any(
        _first_line(device / "vendor") == _NVIDIA and _first_line(device / "class").startswith(_DISPLAY)
        for device in (_PCI.iterdir() if _PCI.is_dir() else ())
    )


class _DisplayDevice(ctypes.Structure):
    """DISPLAY_DEVICEW of Windows: a card that a display may be at."""

    _fields_: ClassVar = [
        ("size", ctypes.c_uint32),
        ("name", ctypes.c_wchar * 32),
        ("words", ctypes.c_wchar * 128),
        ("flags", ctypes.c_uint32),
        ("id", ctypes.c_wchar * 128),
        ("key", ctypes.c_wchar * 128),
    ]


def shows_nvidia(user32: Any) -> bool:
    """Whether one of Windows' display devices is of NVIDIA: by its maker's number, or by its name."""
    device = _DisplayDevice(size=ctypes.sizeof(_DisplayDevice))
    for number in range(_MOST_DISPLAYS):
        if not user32.EnumDisplayDevicesW(None, number, ctypes.byref(device), 0):
            return False
        if "VEN_10DE" in device.id.upper() or "NVIDIA" in device.words.upper():
            return True
    return False


def _why_no_cuda(driver: Driver) -> Message:
    newest = f"{driver.cuda[0]}.{driver.cuda[1]}"
    if torch.version.cuda is None and torch.version.hip is None:
        return Message(
            "NVIDIA's driver is there, but this torch is built for the CPU alone, as pip brings it on Windows: "
            "{command} installs one for it (CUDA {newest} or older)",
            command=_INSTALL + _BUILDS.get(driver.cuda[0], _NEWEST_BUILD),
            newest=newest,
        )
    built = torch.version.cuda or ""
    if built and int(built.partition(".")[0]) > driver.cuda[0]:
        return Message(
            "NVIDIA's driver runs CUDA {newest}, and this torch is built for CUDA {built}: install a newer driver, or "
            "torch and torchvision for an older CUDA with {command}",
            newest=newest,
            built=built,
            command=_GET_STARTED,
        )
    if not driver.cards and (hidden := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return Message("CUDA_VISIBLE_DEVICES={hidden} hides every NVIDIA card", hidden=hidden)
    if not driver.cards:
        return Message("NVIDIA's driver is there, but it shows no card; nvidia-smi says more")
    return Message(
        "NVIDIA's driver shows {count} card(s), but torch cannot use them: python -m torch.utils.collect_env",
        count=driver.cards,
    )


def _why_no_mps() -> Message:
    if platform.machine() != "arm64":
        return Message("no GPU that torch runs on is there (on a Mac with Apple's chip, this Python is one for Intel)")
    if not torch.backends.mps.is_built():
        return Message(
            "this torch is built without Apple's GPU: install torch and torchvision with {command}",
            command=_GET_STARTED,
        )
    return Message("torch does not run on Apple's GPU under this macOS: update macOS")


def _parse_architecture(name: str) -> tuple[str, tuple[int, int]]:
    """("sm", (8, 6)) of "sm_86", ("compute", (12, 0)) of "compute_120"; letters behind the number are left out."""
    kind, _, number = name.partition("_")
    digits = "".join(character for character in number if character.isdigit())
    return kind, (int(digits[:-1] or 0), int(digits[-1:] or 0))


def _runs(kind: str, target: tuple[int, int], card: tuple[int, int]) -> bool:
    """Machine code (sm) runs on later cards of its generation; PTX (compute) is compiled for all later cards."""
    return target <= card if kind == "compute" else target[0] == card[0] and target[1] <= card[1]


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
