"""One command for a fresh machine with only Python: sets everything up, checks the code, passes the tests.

python scripts/test.py [arguments for pytest]
python scripts/test.py -m "not slow" --cov    which lines the tests reach; half as long again
python scripts/test.py -m slow                the sweeps over every call, which take hours
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from environment import project_files, ready, run

python = ready("[dev]")
with tempfile.TemporaryDirectory() as folder:
    # In a file, for the list is longer than a command line may be on Windows.
    listed = Path(folder, "files.txt")
    for check, patterns in ((["format", "--check"], ("*.py", "*.md")), (["check"], ("*.py", "pyproject.toml"))):
        listed.write_text("\n".join(str(path) for path in project_files(*patterns)), encoding="utf-8")
        run(python, "-m", "ruff", *check, f"@{listed}")
run(python, "-m", "mypy")
run(python, "-m", "mypy", "--config-file", "scripts/mypy.ini")
run(python, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")
# A file's tests stay together, for they share what takes long to make; more processes would need more memory than gain.
quick = ["-m", "not slow", "--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile", "--durations=20"]
run(python, "-m", "pytest", *(sys.argv[1:] or quick))
