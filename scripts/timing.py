"""Times a command as a whole, its children included; imports nothing, so that scripts whose workers import them may."""

from __future__ import annotations

import os
import subprocess
import sys
import time


def timed(*command: str) -> tuple[float, float]:
    """Wall and CPU seconds (0 on Windows, which does not count those of children); ends the script where it fails."""
    before = os.times()
    started = time.monotonic()
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8")
    wall = time.monotonic() - started
    after = os.times()
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    user, system = after.children_user - before.children_user, after.children_system - before.children_system
    return wall, user + system
