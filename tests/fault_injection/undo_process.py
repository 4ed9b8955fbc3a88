"""Undo as a process, `python -m fault_injection.undo_process LIBRARY`, that can be killed at any system call."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from classifier.filing.undo import undo
from fault_injection.strace import CHANGING
from kit.filing import MARK

_ROOT = Path(__file__).resolve().parents[2]


def points(library: Path, *, log: Path) -> list[tuple[str, int]]:
    """Every changing call of an undo without faults: the call's name, and its number by name and thread."""
    assert 0 == _run(["-o", str(log), "-e", f"trace={','.join(CHANGING)}"], library)
    counts: Counter[tuple[str, str]] = Counter()
    started = False
    found: dict[tuple[str, int], None] = {}
    for line in log.read_text(errors="replace").splitlines():
        if (match := re.match(r"(\d+)\s+(\w+)\(", line)) is None:
            continue
        counts[match.group(1), match.group(2)] += 1
        started = started or MARK in line
        if started:
            found[match.group(2), counts[match.group(1), match.group(2)]] = None
    return list(found)


def killed(library: Path, *, call: str, number: int) -> bool:
    """Undo the last run of `library` with SIGKILL at one call; whether the call was reached."""
    inject = f"inject={call}:signal=KILL:when={number}"
    return _run(["-o", os.devnull, "-e", f"trace={call}", "-e", inject], library) != 0


def _run(options: list[str], library: Path) -> int:
    command = ["strace", "-f", "-qq", *options, sys.executable, "-m", "fault_injection.undo_process", str(library)]
    places = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode


if __name__ == "__main__":
    os.write(os.open(os.devnull, os.O_WRONLY), MARK.encode())
    undo(Path(sys.argv[1]))
