"""One command for a fresh machine with only Python: sets everything up, checks the code, passes the tests.

python scripts/test.py [arguments for pytest]
"""

from __future__ import annotations

import sys

from environment import ready, run

python = ready("[dev]")
run(python, "-m", "ruff", "format", "--check", ".")
run(python, "-m", "ruff", "check", ".")
run(python, "-m", "mypy")
run(python, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")
run(python, "-m", "pytest", *(sys.argv[1:] or ["-m", "not slow", "--cov", "--cov-report=term:skip-covered"]))
