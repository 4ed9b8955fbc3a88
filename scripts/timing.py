"""Times a command as a whole, its children included; imports nothing, so that scripts whose workers import them may."""

from __future__ import annotations

import resource
import subprocess
import sys
import time


def timed(*command: str) -> tuple[float, float]:
    """Wall and CPU seconds; ends the script where the command fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8")
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
