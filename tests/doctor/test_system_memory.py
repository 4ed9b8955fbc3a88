from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classifier.doctor.system_memory import SystemMemory, linux_memory, system_memory, windows_memory
from kit.tree import make_tree

MEMINFO = b"MemTotal:       8000000 kB\nMemFree:  100 kB\nMemAvailable:   6000000 kB\nHugePages_Total:       0\n"


def test_this_machine_has_memory() -> None:
    memory = system_memory()

    assert memory is not None
    assert 0 < memory.available <= memory.total


def test_linux_says_what_programs_may_have(tmp_path: Path) -> None:
    make_tree(tmp_path, {"meminfo": MEMINFO, "memory.max": b"max\n"})

    assert SystemMemory(total=8_192_000_000, available=6_144_000_000) == linux_memory(tmp_path / "meminfo", tmp_path)


@pytest.mark.parametrize(("used", "available"), [(b"1000000000\n", 1_000_000_000), (b"3000000000\n", 0)])
def test_the_limit_of_a_container_counts(tmp_path: Path, used: bytes, available: int) -> None:
    make_tree(tmp_path, {"meminfo": MEMINFO, "memory.max": b"2000000000\n", "memory.current": used})

    assert SystemMemory(total=2_000_000_000, available=available) == linux_memory(tmp_path / "meminfo", tmp_path)


def test_without_the_kernels_table_nothing_is_known(tmp_path: Path) -> None:
    assert linux_memory(tmp_path / "meminfo", tmp_path) is None


class Kernel32:
    """Windows' own library, which fills in what it is given."""

    def __init__(self, *, works: bool) -> None:
        self.works = works

    def GlobalMemoryStatusEx(self, status: Any) -> int:  # noqa: N802 - Windows calls it so
        """Fill in the structure."""
        assert 64 == status._obj.size
        status._obj.total, status._obj.available = 16_000_000_000, 9_000_000_000
        return int(self.works)


def test_windows_is_asked_by_its_own_call() -> None:
    assert SystemMemory(total=16_000_000_000, available=9_000_000_000) == windows_memory(Kernel32(works=True))
    assert windows_memory(Kernel32(works=False)) is None
