"""The project's own virtual environment, made when missing: what scripts/demo.py and scripts/test.py run in."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
OLDEST = (3, 11)


def ready(extra: str = "") -> Path:
    """Install illsort (with `extra`, such as "[dev]") from this folder; returns the environment's Python."""
    if sys.version_info < OLDEST:
        sys.exit(f"illsort needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}")
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"making {FOLDER}", flush=True)
        venv.create(FOLDER, with_pip=True)
    print("installing illsort and what it needs (torch is large; some minutes the first time)", flush=True)
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", f"{ROOT}{extra}")
    return python


def run(*command: str | Path) -> None:
    """Run a command in the project's folder; ends this script with its exit code when it fails."""
    code = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if code:
        sys.exit(code)
