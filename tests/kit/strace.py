"""Faults at the n-th system call of a child process, by strace; counted in a run without faults first."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from kit.filing import MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANGING = (
    "openat",
    "write",
    "pwrite64",
    "ftruncate",
    "fsync",
    "fdatasync",
    "mkdir",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "rename",
    "renameat2",
    "unlink",
    "unlinkat",
    "utimensat",
    "fchmod",
)
_ROOT = Path(__file__).resolve().parents[2]
_LINE = re.compile(r"(\d+)\s+(\w+)\(")


def why_not() -> str:
    """Why strace cannot be used here; empty when it can."""
    if sys.platform != "linux":
        return "strace is Linux's"
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "strace may not trace here"


def points(arguments: Sequence[str], *, log: Path) -> list[tuple[str, int]]:
    """Every changing call of an undisturbed run of `kit.filing`, as its name and its number of that name by thread."""
    _run(["-o", str(log), "-e", f"trace={','.join(CHANGING)}"], arguments, check=True)
    counts: Counter[tuple[str, str]] = Counter()
    started = False
    found: dict[tuple[str, int], None] = {}
    for line in log.read_text(errors="replace").splitlines():
        if (match := _LINE.match(line)) is None:
            continue
        thread, call = match.groups()
        counts[thread, call] += 1
        started = started or MARK in line
        if started:
            found[call, counts[thread, call]] = None
    return list(found)


def calls_in_order(arguments: Sequence[str], *, log: Path) -> list[tuple[str, str]]:
    """The calls of an undisturbed run that order or change what is on the disk: name, and arguments with paths."""
    names = "fsync,fdatasync,link,linkat,symlink,symlinkat,rename,renameat2,unlink,pwrite64"
    _run(["-y", "-s", "400", "-o", str(log), "-e", f"trace={names}"], arguments, check=True)
    lines = log.read_text(errors="replace").splitlines()
    found = (re.match(r"\d+\s+(\w+)\((.*)\)\s+=", line) for line in _whole(lines))
    return [(match.group(1), match.group(2)) for match in found if match]


def _whole(lines: Sequence[str]) -> list[str]:
    """Calls of several threads come in two halves: the call counts where it ended."""
    begun: dict[str, str] = {}
    whole: list[str] = []
    for line in lines:
        thread = line.split()[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        elif "resumed>" in line:
            whole.append(begun.pop(thread) + line.split("resumed>", 1)[1])
        else:
            whole.append(line)
    return whole


def run_with_fault(arguments: Sequence[str], *, call: str, number: int, fault: str) -> int:
    """Run `kit.filing` with `fault` (as `signal=KILL`, `error=EIO`) at one call; its exit status."""
    inject = f"inject={call}:{fault}:when={number}"
    return _run(["-o", os.devnull, "-e", f"trace={call}", "-e", inject], arguments, check=False)


def _run(options: Sequence[str], arguments: Sequence[str], *, check: bool) -> int:
    command = ["strace", "-f", "-qq", *options, sys.executable, "-m", "kit.filing", *arguments]
    places = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, check=check).returncode
