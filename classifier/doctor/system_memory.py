"""How much memory this machine has, and how much of it is free."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

_MEMINFO: Final = Path("/proc/meminfo")
_CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMemory:
    """In bytes; `available` is what programs may still have, `total` where the system does not say."""

    total: int
    available: int


def system_memory() -> SystemMemory | None:
    """That of this machine, or of the container that this process is in; None where the system does not say."""
    if sys.platform == "win32":  # pragma: no cover - Windows
        return windows_memory(ctypes.WinDLL("kernel32"))
    if sys.platform == "linux":
        return linux_memory(_MEMINFO, _CGROUP)
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
    return SystemMemory(total=total, available=total)


def linux_memory(meminfo: Path, cgroup: Path) -> SystemMemory | None:
    """By the kernel's tables; a limit of the container counts."""
    try:
        lines = [line.split() for line in meminfo.read_text(encoding="ascii").splitlines()]
        sizes = {words[0]: int(words[1]) * 1024 for words in lines if len(words) > 1}
        total, available = sizes["MemTotal:"], sizes["MemAvailable:"]
    except (OSError, ValueError, KeyError):
        return None
    limit, used = (_number_in(cgroup / name) for name in ("memory.max", "memory.current"))
    if limit is not None and limit < total:
        total, available = limit, min(available, limit - (used or 0))
    return SystemMemory(total=total, available=max(0, available))


def _number_in(path: Path) -> int | None:
    """The number that the file holds; None for "max", which is no limit, and without the file."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of Windows."""

    _fields_: ClassVar = [
        ("size", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        *(
            (name, ctypes.c_uint64)
            for name in ("total", "available", "page", "page_free", "own", "own_free", "extended")
        ),
    ]


def windows_memory(kernel32: Any) -> SystemMemory | None:
    """By Windows' own call."""
    status = _MemoryStatus(size=ctypes.sizeof(_MemoryStatus))
    if not kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return SystemMemory(total=status.total, available=status.available)
