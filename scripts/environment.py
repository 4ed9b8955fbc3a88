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
FOLDERS = ("classifier", "docs", "scripts", "tests")


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


def project_files(*patterns: str) -> list[Path]:
    """The project's own files by glob pattern: those that git tracks, or all in a copy without git.

    What else lies in the project's folder (the demo's library, a trained model) is not the project's.
    """
    tracked = [ROOT / os.fsdecode(name) for name in _listed_by_git(patterns).split(b"\0") if name]
    if tracked:
        return [path for path in tracked if path.exists()]  # a file that was just deleted is still listed
    inner = (path for name in FOLDERS for pattern in patterns for path in (ROOT / name).rglob(pattern))
    return sorted([*inner, *(path for pattern in patterns for path in ROOT.glob(pattern))])


def _listed_by_git(patterns: tuple[str, ...]) -> bytes:
    """What git tracks, each name ended by NUL; empty without git, and in an unpacked archive."""
    try:
        command = ["git", "ls-files", "-z", "--", *patterns]
        return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).stdout
    except OSError:
        return b""
