"""Traces a run of `kit.filing` with strace; the system calls that a fault may be injected at."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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


def unavailable_reason() -> str:
    """Why strace cannot be used here; empty if it can."""
    if sys.platform != "linux":
        return "strace is Linux's"
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "strace may not trace here"


def calls_in_order(arguments: Sequence[str], *, log: Path) -> list[tuple[str, str]]:
    """The calls of a run without faults that change or sync the disk: name, and arguments with paths."""
    names = "fsync,fdatasync,link,linkat,symlink,symlinkat,rename,renameat2,unlink,pwrite64"
    _run(["-y", "-s", "400", "-o", str(log), "-e", f"trace={names}"], arguments, check=True)
    lines = log.read_text(errors="replace").splitlines()
    found = (re.match(r"\d+\s+(\w+)\((.*)\)\s+=", line) for line in join_calls(lines))
    return [(match.group(1), match.group(2)) for match in found if match]


def join_calls(lines: Sequence[str]) -> list[str]:
    """Join calls that strace splits in two lines when threads interleave; a call counts where it ends."""
    begun: dict[str, str] = {}
    joined: list[str] = []
    for line in lines:
        thread = line.split()[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        elif "resumed>" in line:
            joined.append(begun.pop(thread) + line.split("resumed>", 1)[1])
        else:
            joined.append(line)
    return joined


def _run(options: Sequence[str], arguments: Sequence[str], *, check: bool) -> int:
    command = ["strace", "-f", "-qq", *options, sys.executable, "-m", "kit.filing", *arguments]
    places = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, check=check).returncode
