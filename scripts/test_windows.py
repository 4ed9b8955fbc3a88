"""Runs the tests of what differs on Windows, folder by folder, under a Windows Python; prints what passed and failed.

python scripts/test_windows.py
python scripts/test_windows.py --python "the command that runs one" --seconds 600 tests/filing
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("images", "labels", "catalog", "filing", "inference", "sort", "cli")
_BEGUN = re.compile(r"^(\S+\.py::.*?)(?: \++ Timeout .*)?$", re.MULTILINE)
_END = re.compile(r"^(\S+\.py::.*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b", re.MULTILINE)
_LAST_LINE = re.compile(r"^=+ .* in [\d.]+s\b.* =+$", re.MULTILINE)
_SKIPPED = re.compile(r"^SKIPPED \[(\d+)\] \S+?: (.*)$", re.MULTILINE)
_WHY = re.compile(r"^(?:FAILED|ERROR) (\S+\.py.*?)(?: - (.*))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the tests of one folder ended: counts by pytest's words, failed tests and why, how many skipped and why.

    `stopped_at` is the test that did not end, "" where all did.
    """

    folder: str
    counts: Counter[str]
    failed: dict[str, str]
    skipped: Counter[str]
    is_complete: bool
    stopped_at: str

    def lines(self) -> list[str]:
        """For a person."""
        names = ("PASSED", "FAILED", "ERROR", "SKIPPED")
        counts = ", ".join(f"{self.counts[name]} {name.lower()}" for name in names)
        at = f" but stopped at {self.stopped_at}" if self.stopped_at else ""
        end = "" if self.is_complete else f"; did not end by itself{at}, so the rest was not run"
        failed = [f"    {name}: {why}" for name, why in self.failed.items()]
        skipped = [f"    {count} skipped: {why}" for why, count in self.skipped.items()]
        return [f"{self.folder}: {counts}{end}", *failed, *skipped]


def main(arguments: Sequence[str]) -> int:
    """Run every folder; 0 when all of it passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="the command that runs a Windows Python")
    parser.add_argument("--seconds", type=float, default=900, help="the most that a folder may take")
    parser.add_argument("folders", nargs="*", default=[f"tests/{name}" for name in FOLDERS])
    given = parser.parse_args(arguments)
    results = []
    for folder in given.folders:
        text, code = run([*shlex.split(given.python), *_pytest(folder)], seconds=given.seconds)
        results.append(read(text, folder=folder, code=code))
        print(*(results[-1].lines() if results[-1].counts else [*results[-1].lines(), text]), sep="\n", flush=True)
    return 0 if all(result.is_complete and not result.failed for result in results) else 1


def run(command: Sequence[str], *, seconds: float) -> tuple[str, int]:
    """What the command printed, and its exit code; after `seconds` it is ended with what it started."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "COLUMNS": "300"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        printed, _ = process.communicate()
    return printed.decode(errors="replace").replace("\r\n", "\n"), process.returncode


def read(text: str, *, folder: str, code: int) -> Result:
    """The result of a folder from what pytest printed; complete if it ended with its own last line and exit code."""
    ends = dict(_END.findall(text))
    why = dict(_WHY.findall(text))
    failed = {name: why.get(name, "") for name, end in ends.items() if end in {"FAILED", "ERROR"}} | why
    skipped: Counter[str] = Counter()
    for count, reason in _SKIPPED.findall(text):
        skipped[reason] += int(count)
    return Result(
        folder=folder,
        counts=Counter(ends.values()),
        failed=failed,
        skipped=skipped,
        is_complete=code in {0, 1, 5} and bool(_LAST_LINE.search(text)),
        stopped_at=next((name.strip() for name in reversed(_BEGUN.findall(text)) if not _END.match(name)), ""),
    )


def _pytest(folder: str) -> list[str]:
    options = ["-v", "--tb=line", "--color=no", "-p", "no:cacheprovider", "-m", "not slow"]
    return ["-m", "pytest", folder, *options]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
